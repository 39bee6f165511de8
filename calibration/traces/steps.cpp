#include "calibration/traces/steps.h"

#include <algorithm>
#include <array>
#include <string_view>

#include "calibration/traces/csv_rows.h"

namespace calibration {
namespace {

enum Column : std::size_t { agent, start, timer_late, tool, read, parse };

std::int64_t time_field(const CsvRows& rows, Column column) {
  constexpr std::int64_t year_ns = std::int64_t{365} * 24 * 3600 * 1'000'000'000;
  const std::int64_t value = rows.number(column);
  const std::int64_t limit = column == start ? 100 * year_ns : year_ns;
  if (value < 0 || value >= limit) {
    throw rows.error(column, std::to_string(value), "nanoseconds of CLOCK_MONOTONIC, from 0",
                     "is the column in another unit, or by another clock?");
  }
  return value;
}

}  // namespace

Steps read_steps(const std::filesystem::path& path) {
  constexpr std::array<std::string_view, 6> columns{"agent",   "start_ns", "timer_late_ns",
                                                    "tool_ns", "read_ns",  "parse_ns"};
  CsvRows rows{path, columns, "a steps file"};
  Steps steps;
  while (rows.next()) {
    steps.rows.push_back({.agent = rows.number(agent),
                          .start_ns = time_field(rows, start),
                          .timer_late_ns = time_field(rows, timer_late),
                          .tool_ns = time_field(rows, tool),
                          .read_ns = time_field(rows, read),
                          .parse_ns = time_field(rows, parse)});
  }
  steps.partial_last_line = rows.partial_last_line();
  return steps;
}

std::int64_t Steps::first_ns() const {
  std::int64_t first = rows.empty() ? 0 : rows.front().start_ns;
  for (const StepRow& row : rows) {
    first = std::min(first, row.start_ns - row.timer_late_ns);
  }
  return first;
}

std::int64_t Steps::last_ns() const {
  std::int64_t last = 0;
  for (const StepRow& row : rows) {
    last = std::max(last, row.end_ns());
  }
  return last;
}

}  // namespace calibration
