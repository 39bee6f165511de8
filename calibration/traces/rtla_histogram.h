// The histogram that rtla prints (timerlat hist, osnoise hist): a column of counts for each CPU and context.
//
//   # RTLA timerlat histogram
//   # Time unit is microseconds (us)
//   Index   IRQ-000   Thr-000  ...         one histogram for each column
//   0        276489         0  ...         rows of zeros are left out
//   over:         0         0  ...         beyond the last row that rtla kept
//   count: min: avg: max:                  its own summary, from which the count is checked
//
// Models:   tools/tracing/rtla/src/timerlat_hist.c.
// Left out: buckets wider than one (rtla -b): the output does not tell their width, and a row holds one
// value.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "calibration/traces/captured_tables.h"

namespace calibration {

class RtlaHistogram {
 public:
  explicit RtlaHistogram(TableStore& store) : store_{store} {}

  bool take(std::string_view line, std::int64_t line_number);  // whether the line is of such a table
  void finish();                                               // hands out the columns

 private:
  bool open(std::string_view line, std::int64_t line_number);
  bool row(std::string_view name, const std::vector<std::uint64_t>& counts);
  void summary(std::string_view name, const std::vector<std::uint64_t>& numbers, std::int64_t line_number);

  TableStore& store_;
  TableUnit unit_ = TableUnit::unknown;
  bool announced_ = false;  // by its title
  std::vector<CapturedHistogram> columns_;
};

}  // namespace calibration
