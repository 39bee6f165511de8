// bpftrace's maps as it prints them in text: numbers, stats, histograms with their buckets, keys that are
// stacks of several lines.
//
// Left out: texts, tuples and structures as values, and time series, which are counted.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "calibration/traces/captured_tables.h"

namespace calibration {

class MapText {
 public:
  explicit MapText(TableStore& store) : store_{store} {}

  // Whether the line is of a map. `clock` is what was printed above.
  bool take(std::string_view line, std::int64_t line_number, const std::string& clock);
  void close();  // what was open ends here: its line is followed by something else
  void cut();    // rows of what is open are missing
  void blank();  // an empty line ends histograms and time series
  bool in_time_series() const { return in_time_series_; }

 private:
  struct Entry {
    std::string name;
    std::string key;
  };
  bool take_stack(std::string_view line, std::int64_t line_number, const std::string& clock);
  bool take_bucket(std::string_view line);
  void entry(const Entry& entry, std::string_view value, std::int64_t line_number, const std::string& clock);

  TableStore& store_;
  std::optional<CapturedHistogram> open_;  // whose buckets are being read
  std::optional<Entry> stack_;             // whose key is being read
  int stack_lines_ = 0;
  bool in_time_series_ = false;
};

}  // namespace calibration
