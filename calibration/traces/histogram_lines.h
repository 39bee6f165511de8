// The grammar of printed histograms and maps, line by line (bpftrace in histogram_lines.cpp, bcc and
// perf-tools in bcc_lines.cpp); map_text.h and bcc_text.h put the lines together.
//
//   bpftrace     @usecs[dd, 0]:            @n[dd]: 5            @s: count 29, average 7, total 221
//                [4, 8)        123 |@@@@   |       [1K, 2K)  [1]  (..., 0)  [1000, ...)
//   bcc               usecs               : count     distribution
//                         4 -> 7          : 123      |****    |          7          : 2        |*  |
//   perf-tools     >=(ms) .. <(ms)   : I/O      |Distribution  |   the upper edge is outside
//
// Each function says yes to a whole line or no, and keeps nothing. Numbers beyond 64 bits become the largest
// (bpftrace's last bucket ends at 8E or 16E), which open_above also is.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "calibration/traces/captured_histogram.h"

namespace calibration {

std::optional<HistogramBucket> parse_bpftrace_bucket(std::string_view line);

struct BccHeading {
  std::string_view title;  // "usecs"; of perf-tools ">=(ms) .. <(ms)"
  TableUnit unit = TableUnit::unknown;
  bool upper_outside = false;  // "0 -> 1" holds 0 alone, not 0 and 1
};
std::optional<BccHeading> parse_bcc_heading(std::string_view line);
std::optional<HistogramBucket> parse_bcc_bucket(std::string_view line, bool upper_outside);

// "avg = 13746 nsecs, total: 6543360 nsecs, count: 476"
std::optional<StatedSummary> parse_bcc_summary(std::string_view line);

// "{'ts': '...', 'val_type': 'usecs', 'data': [{'interval-start': 0, ...}], 'flags': 'Flush'}": biolatency
// -j.
struct BccRecord {
  std::string_view time;
  std::string_view title;
  std::string_view section;  // "'flags': 'Flush'" or ""
  std::vector<HistogramBucket> buckets;
};
std::optional<BccRecord> parse_bcc_record(std::string_view line);

struct MapLine {
  std::string_view name;     // "@", "@usecs"
  std::string_view key;      // between the brackets, or what there is of it when it goes on
  std::string_view value;    // after the colon, without spaces around it; "" where buckets follow
  bool key_goes_on = false;  // the bracket is not closed on this line: a stack
};
std::optional<MapLine> parse_map_line(std::string_view line);

// The last line of a stack's key: "]: 12" or ", kworker/u8:2]: 1". `key` is what belongs to the key.
std::optional<MapLine> parse_key_end(std::string_view line);

std::optional<std::int64_t> parse_map_number(std::string_view value);
// "count 29, average 7626, total 221177", since 0.24 "{ .count = 29, .average = 7626, .total = 221177 }".
std::optional<StatedSummary> parse_map_stats(std::string_view value);

std::optional<std::string_view> parse_clock(std::string_view line);  // "06:20:16", "10:19:00:", "[01:42:29]"
std::optional<std::string_view> parse_section(std::string_view line);  // "disk = 'xvda1'", "p:c:write(...)"

// "Lost 17 events", which newer versions print as a warning.
std::optional<std::uint64_t> parse_lost_events(std::string_view line);

// What tools print around their tables: their greeting, the command line of an example, "^C", messages.
bool is_table_decoration(std::string_view line);

std::string_view without_spaces(std::string_view text);  // at both ends

}  // namespace calibration
