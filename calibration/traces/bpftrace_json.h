// What `bpftrace -f json` prints: one JSON object a line, each with a type.
//
//   {"type": "printf", "data": "irq=36 duration=1us\n"}          text: printf, as text lines
//   {"type": "map", "data": {"@c": {"dd": 3}}}                   tables: map, stats, hist
//   {"type": "hist", "data": {"@h": [{"min": 2, "max": 3, "count": 1}]}}
//   {"type": "lost_events", "data": {"events": 17}}, {"type": "attached_probes", "data": {"probes": 4}}
//
// Versions: 0.17 as printed by it; later ones from the repository's tests and src/output/json.cpp up to 0.26:
//           numbers that a double cannot hold are printed as text, keys have no spaces, errors are records
//           (runtime_error, helper_error, errorf, warnf with a "msg"), time series exist.
// Left out: "value" (print of what is no map), cat, join, syscall, benchmark results: of kind `other`.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "calibration/traces/captured_histogram.h"

namespace calibration {

struct BpftraceRecord {
  enum class Kind { text, time, tables, lost_events, attached_probes, message, other };

  Kind kind = Kind::other;
  std::string type;         // as printed
  std::string text;         // of text, time, message
  std::uint64_t count = 0;  // of lost_events, attached_probes
  // Of tables; without line and time, which the caller knows.
  std::vector<CapturedHistogram> histograms;
  std::vector<CapturedValue> values;
  std::uint64_t text_values = 0;
  std::uint64_t time_series = 0;
  bool ascending = true;  // no histogram had buckets out of order (those are left out)
};

bool is_bpftrace_record(std::string_view line);  // begins as a record does

// None when `line` is not a whole record: malformed, cut, nested deeper than any record is.
std::optional<BpftraceRecord> parse_bpftrace_record(std::string_view line);

// Puts printf's pieces together: a printf may print several lines, or a part of one.
class PrintedLines {
 public:
  static constexpr std::size_t longest = 16 * 1024;  // bytes of an unfinished line; what is longer is cut

  void add(std::string_view text);
  bool next(std::string& line);  // a finished line without its newline; false when there is none
  std::string_view unfinished() const { return std::string_view{text_}.substr(begin_); }

 private:
  std::string text_;
  std::size_t begin_ = 0;
};

}  // namespace calibration
