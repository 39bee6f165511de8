#include "calibration/topology/sheet.h"

#include <algorithm>

#include "calibration/topology/parse.h"
#include "scenarios/yaml.h"

namespace calibration {
namespace {

constexpr std::size_t rightmost = 52;  // where comments start at the latest

std::vector<std::string> wrapped(std::string_view text, std::size_t width) {
  std::vector<std::string> result;
  for (const std::string& word : words(text)) {
    if (result.empty() || result.back().size() + 1 + word.size() > width) {
      result.push_back(word);
    } else {
      result.back() += " " + word;
    }
  }
  return result;
}

// A list or map in brackets may go on in the next line after any comma outside quotes.
std::string folded(std::string_view text, const std::string& indent) {
  std::string out;
  std::size_t column = indent.size();
  bool in_quotes = false;
  for (std::size_t at = 0; at < text.size();) {
    std::size_t end = at;
    while (end < text.size() && (in_quotes || text.compare(end, 2, ", ") != 0)) {
      in_quotes = in_quotes != (text[end] == '"' && text[end - (end > 0 ? 1 : 0)] != '\\');
      ++end;
    }
    end = std::min(end + 2, text.size());
    if (at > 0 && column + (end - at) > Sheet::width) {
      out.pop_back();
      out += "\n" + indent + "    ";
      column = indent.size() + 4;
    }
    out += text.substr(at, end - at);
    column += end - at;
    at = end;
  }
  return out;
}

}  // namespace

void Sheet::line(std::size_t depth, std::string text, std::string comment) {
  block_.push_back({depth, std::move(text), std::move(comment)});
}

void Sheet::comment(std::size_t depth, std::string_view text) {
  for (const std::string& part : wrapped(text, width - 2 * depth - 2)) {
    line(depth, "# " + part);
  }
}

void Sheet::blank() {
  flush();
  out_ += '\n';
}

void Sheet::flush() {
  std::size_t column = 0;
  for (const Line& each : block_) {
    const std::size_t end = 2 * each.depth + each.text.size() + 2;
    if (!each.comment.empty() && end <= rightmost) {
      column = std::max(column, end);
    }
  }
  for (const Line& each : block_) {
    const std::string indent(2 * each.depth, ' ');
    const std::size_t end = indent.size() + each.text.size();
    const std::size_t start = std::max(column, end + 2);
    const bool beside = !each.comment.empty() && start + 2 + each.comment.size() <= width;
    if (!each.comment.empty() && !beside) {
      for (const std::string& part : wrapped(each.comment, width - indent.size() - 2)) {
        out_ += indent + "# " + part + "\n";
      }
    }
    out_ += indent + (end > width && each.text[0] != '#' ? folded(each.text, indent) : each.text);
    out_ += beside ? std::string(start - end, ' ') + "# " + each.comment + "\n" : "\n";
  }
  block_.clear();
}

std::string Sheet::text() {
  flush();
  return out_;
}

std::string scalar(std::string_view text) {
  return scenarios::write_yaml_inline(scenarios::yaml_scalar(std::string{text}));
}

}  // namespace calibration
