#include "tools/tables.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace tools {
namespace {

constexpr std::string_view gap = "  ";

std::string trimmed(std::string line) {
  line.erase(line.find_last_not_of(' ') + 1);
  return line + "\n";
}

}  // namespace

bool Table::is_left(std::size_t column) const {
  return std::find(left_.begin(), left_.end(), column) != left_.end();
}

std::string Table::text() const {
  std::vector<std::size_t> widths;
  for (const std::string& cell : header_) {
    widths.push_back(cell.size());
  }
  for (const auto& row : rows_) {
    for (std::size_t i = 0; row.size() > 1 && i < row.size(); ++i) {
      widths[i] = std::max(widths[i], row[i].size());
    }
  }
  const auto line = [&](const std::vector<std::string>& cells) {
    std::string text;
    for (std::size_t i = 0; i < cells.size(); ++i) {
      text += (i == 0 ? "" : gap);
      text += is_left(i) || cells.size() == 1 ? fmt::format("{:<{}}", cells[i], widths[i])
                                              : fmt::format("{:>{}}", cells[i], widths[i]);
    }
    return trimmed(text);
  };
  std::size_t width = 0;
  for (const std::size_t each : widths) {
    width += each + (width == 0 ? 0 : gap.size());
  }
  std::string text = line(header_) + std::string(width, '-') + "\n";
  for (const auto& row : rows_) {
    text += line(row);
  }
  return text;
}

std::string number(double value) {
  if (!std::isfinite(value)) {
    return value > 0 ? "inf" : "-inf";
  }
  const double size = std::fabs(value);
  const int digits = size >= 99.95 || size == 0 ? 0 : size >= 9.995 ? 1 : 2;
  const std::string text = fmt::format("{:.{}f}", value, digits);
  return text == "-0.00" ? "0.00" : text;
}

std::string signed_number(double value) {
  const std::string text = number(value);
  return value > 0 && text != "0.00" ? "+" + text : text;
}

std::string microseconds(double ns) { return number(ns / 1000); }

std::string wrapped(std::string_view text, std::size_t indent) {
  const std::size_t margin = std::min(text.find_first_not_of(' '), text.size());
  std::string out{text.substr(0, margin)};
  std::size_t column = 0;  // of the first word: 0, so that no space comes before it
  text.remove_prefix(margin);
  while (!text.empty()) {
    const std::string_view word = text.substr(0, text.find(' '));
    text.remove_prefix(std::min(text.size(), word.size() + 1));
    if (column > 0 && column + 1 + word.size() > page_width) {
      out += "\n" + std::string(indent, ' ');
      column = indent;
    } else if (column > 0) {
      out += ' ';
      ++column;
    }
    out += word;
    column += word.size() + (column == 0 ? margin : 0);
  }
  return out + "\n";
}

}  // namespace tools
