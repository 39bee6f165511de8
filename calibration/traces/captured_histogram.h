// What a tracer counted instead of printing: histograms and maps. Nothing of the single events is left, so a
// percentile of a histogram is not a number but an interval, between the edges of the bucket that holds it.
//
// Left out: merging (buckets of two tools seldom agree), interpolation inside a bucket (it would invent a
// shape).
#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace calibration {

enum class TableUnit { unknown, ns, us, ms, s };  // unknown: the capture does not say, or it is no time
std::string_view to_string(TableUnit unit);       // "ns", ..., "" for unknown

// Edges that stand for "no limit".
inline constexpr std::int64_t open_below = std::numeric_limits<std::int64_t>::min();
inline constexpr std::int64_t open_above = std::numeric_limits<std::int64_t>::max();

struct HistogramBucket {  // values v with lower <= v < upper
  std::int64_t lower = 0;
  std::int64_t upper = 0;
  std::uint64_t count = 0;

  bool operator==(const HistogramBucket&) const = default;
};

struct HistogramInterval {  // low <= x <= high; open_below, open_above where nothing bounds it
  double low = 0;
  double high = 0;
};

// What a tool printed below its histogram: "avg = 13746 nsecs, total: 6543360 nsecs, count: 476".
struct StatedSummary {
  std::int64_t average = 0;
  std::int64_t total = 0;
  std::uint64_t count = 0;
  TableUnit unit = TableUnit::unknown;
};

// At this many a total stays: damaged counts overflow nothing.
inline constexpr std::uint64_t largest_total = std::uint64_t{1} << 62;

// Invariant: buckets ascend and do not overlap.
struct CapturedHistogram {
  std::string name;  // the map "@us", or the column's title "usecs"
  std::string key;   // what is in the map's brackets, or the section "disk = 'xvda1'"; often empty
  std::string time;  // the clock that the tool printed above it, "06:20:16"; often empty
  TableUnit unit = TableUnit::unknown;
  std::vector<HistogramBucket> buckets;
  std::optional<StatedSummary> stated;
  bool cut = false;       // rows were left out where the output says "[...]", or it broke off
  std::int64_t line = 0;  // of its heading

  std::uint64_t total() const;
  std::uint64_t underflow() const;  // in a bucket without a lower edge
  std::uint64_t overflow() const;   // in one without an upper edge

  // The p-quantile (0 < p <= 1) by nearest rank lies in this bucket; none when the histogram is empty.
  std::optional<HistogramBucket> percentile(double p) const;
  // The mean lies in here: all values at the lower ends, all at the upper (whole numbers: upper - 1).
  std::optional<HistogramInterval> mean() const;
};

// One entry of a map that holds a number, or of a table of totals (name "TOTAL_usecs", key "eth0").
struct CapturedValue {
  std::string name;
  std::string key;
  std::string time;
  TableUnit unit = TableUnit::unknown;
  std::int64_t value = 0;  // of a stats map: the average
  std::optional<StatedSummary> stats;
  std::int64_t line = 0;
};

}  // namespace calibration
