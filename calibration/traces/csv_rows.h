// Small tables with a header line and commas, as the captures' side files are: columns are found by name,
// so their order is free and further columns may follow. No quoting: no field here holds a comma.
//
// Throws InputError at line and column: a wrong header, a row of another width, a field that is no number.
// A last line cut in mid-row is dropped and remembered.
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "calibration/traces/capture_file.h"

namespace calibration {

class CsvRows {
 public:
  // Reads the header. `columns` are the names that must be there; `what` names the file in errors
  // ("a roles file").
  CsvRows(const std::filesystem::path& path, std::span<const std::string_view> columns,
          std::string_view what);

  bool next();  // to the next row; false at the end

  // Fields of the current row by position in `columns`.
  std::string_view text(std::size_t column) const { return fields_[order_[column]]; }
  std::int64_t number(std::size_t column) const;  // throws unless a whole number of at most 64 bits

  // An error at that field of the current row.
  scenarios::InputError error(std::size_t column, std::string found, std::string expected,
                              std::string suggestion) const;

  bool partial_last_line() const { return partial_last_line_; }
  std::int64_t line_number() const { return file_.line_number(); }
  const std::string& name() const { return file_.name(); }

 private:
  void read_header(std::string_view what);
  void split();

  CaptureFile file_;
  std::vector<std::string> columns_;
  std::vector<std::size_t> order_;  // of each wanted column, its place in the file
  std::size_t width_ = 0;
  std::string_view line_;
  std::vector<std::string_view> fields_;
  bool partial_last_line_ = false;
};

}  // namespace calibration
