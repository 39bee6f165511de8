#include "calibration/traces/csv_rows.h"

#include <algorithm>
#include <charconv>
#include <utility>

namespace calibration {

CsvRows::CsvRows(const std::filesystem::path& path, std::span<const std::string_view> columns,
                 std::string_view what)
    : file_{path}, columns_(columns.begin(), columns.end()) {
  read_header(what);
}

void CsvRows::read_header(std::string_view what) {
  std::string wanted;
  for (const std::string& column : columns_) {
    wanted += (wanted.empty() ? "" : ",") + column;
  }
  // A file that is not empty has a first line.
  file_.next_line(line_);
  split();
  width_ = fields_.size();
  for (const std::string& column : columns_) {
    const auto found = std::find(fields_.begin(), fields_.end(), column);
    if (found == fields_.end()) {
      throw file_.error(1, "the line " + scenarios::quoted(line_),
                        "the header of " + std::string{what} + ", '" + wanted + "'",
                        "the column '" + column + "' is missing");
    }
    order_.push_back(static_cast<std::size_t>(found - fields_.begin()));
  }
}

void CsvRows::split() {
  fields_.clear();
  std::string_view rest = line_;
  for (;;) {
    const auto comma = rest.find(',');
    fields_.push_back(rest.substr(0, comma));
    if (comma == std::string_view::npos) {
      return;
    }
    rest.remove_prefix(comma + 1);
  }
}

bool CsvRows::next() {
  while (file_.next_line(line_)) {
    if (line_.empty()) {
      continue;
    }
    if (file_.partial_line()) {
      partial_last_line_ = true;
      return false;
    }
    split();
    if (fields_.size() != width_) {
      throw file_.error(0, std::to_string(fields_.size()) + " fields in " + scenarios::quoted(line_),
                        std::to_string(width_) + ", as in the header", "is the line damaged?");
    }
    return true;
  }
  return false;
}

std::int64_t CsvRows::number(std::size_t column) const {
  const std::string_view field = text(column);
  std::int64_t value = 0;
  const auto [end, code] = std::from_chars(field.data(), field.data() + field.size(), value);
  if (code != std::errc{} || end != field.data() + field.size()) {
    throw error(column, scenarios::quoted(field), "a whole number of at most 64 bits as " + columns_[column],
                "is the line damaged?");
  }
  return value;
}

scenarios::InputError CsvRows::error(std::size_t column, std::string found, std::string expected,
                                     std::string suggestion) const {
  return file_.error(text(column).data() - line_.data() + 1, std::move(found), std::move(expected),
                     std::move(suggestion));
}

}  // namespace calibration
