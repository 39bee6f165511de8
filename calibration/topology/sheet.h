// YAML with comments for people: the comments of a block start in one column, what is too long is wrapped.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace calibration {

class Sheet {
 public:
  static constexpr std::size_t width = 110;

  // "key: value" or "- item" at a depth of two blanks each; a comment without its "# ".
  void line(std::size_t depth, std::string text, std::string comment = "");
  void comment(std::size_t depth, std::string_view text);  // lines of its own, wrapped
  void blank();                                            // ends a block
  std::string text();

 private:
  struct Line {
    std::size_t depth;
    std::string text;
    std::string comment;
  };
  void flush();

  std::vector<Line> block_;
  std::string out_;
};

// A text from a file, as a YAML scalar.
std::string scalar(std::string_view text);

}  // namespace calibration
