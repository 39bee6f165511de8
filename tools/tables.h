// Text tables for a terminal: aligned columns, at most 120 wide, ASCII only.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace tools {

inline constexpr std::size_t page_width = 120;

// The first column is left-aligned, the others right-aligned. A row with one cell is a heading.
class Table {
 public:
  explicit Table(std::vector<std::string> header) : header_{std::move(header)} {}
  void row(std::vector<std::string> cells) { rows_.push_back(std::move(cells)); }
  void heading(std::string text) { rows_.push_back({std::move(text)}); }
  void left(std::size_t column) { left_.push_back(column); }  // this one is left-aligned too
  std::string text() const;

 private:
  bool is_left(std::size_t column) const;
  std::vector<std::string> header_;
  std::vector<std::vector<std::string>> rows_;
  std::vector<std::size_t> left_{0};
};

// Three significant digits or more, no exponent: 0.42, 4.20, 42.0, 421, 4210.
std::string number(double value);
std::string signed_number(double value);
std::string microseconds(double ns);  // a number of us, without the unit
// Lines of at most `page_width`, the later ones indented.
std::string wrapped(std::string_view text, std::size_t indent = 2);

}  // namespace tools
