// Counts of values in log-linear buckets: mergeable, small, and every percentile to within 0.4 %.
//
// Values below 256 have a bucket each. Above, each octave [2^k, 2^(k+1)) is cut into 128 buckets of
// width 2^(k-7): a bucket is at most 1/128 of its lower end wide, and a percentile is reported as the
// middle of its bucket, so it is off by at most 1/256 of itself. Count, sum, minimum and maximum are exact.
//
// Merging adds integers: in any order and grouping it gives the same histogram. record() allocates only
// when a value opens an octave higher than any before, at most 57 times.
//
// Models:   the bucket scheme of Tene's HdrHistogram.
// Left out: negative values; a negative duration is a bug of whoever measured it.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "sim/check.h"
#include "sim/time.h"

namespace sim {

// 1-based rank of percentile p in (0, 1] among n >= 1 values: the inverse empirical CDF, ceil(p n), or
// p n itself where only rounding keeps it from being whole.
std::uint64_t nearest_rank(double p, std::uint64_t n);

// Percentile of ascending values, by the same rule; 0 when there are none.
std::int64_t percentile(std::span<const std::int64_t> ascending, double p);

class Histogram {
 public:
  static constexpr std::int64_t largest_value = std::int64_t{1} << 62;

  void record(std::int64_t value, std::uint64_t times = 1) {  // 0 <= value <= largest_value
    check(value >= 0 && value <= largest_value, "a histogram records values from 0 to 2^62");
    if (times == 0) {
      return;
    }
    const std::size_t bucket = bucket_of(value);
    if (bucket >= counts_.size()) [[unlikely]] {
      grow(bucket);
    }
    counts_[bucket] += times;
    count_ += times;
    sum_ += static_cast<Wide>(value) * static_cast<Wide>(times);
    min_ = value < min_ ? value : min_;
    max_ = value > max_ ? value : max_;
  }
  void record(Nanos value) { record(value.count()); }
  void merge(const Histogram& other);
  void clear();

  bool empty() const { return count_ == 0; }
  std::uint64_t count() const { return count_; }
  std::int64_t min() const { return empty() ? 0 : min_; }
  std::int64_t max() const { return empty() ? 0 : max_; }
  std::int64_t sum() const;  // at most 2^63 - 1
  double mean() const;       // 0 when empty

  // p in (0, 1]; nearest rank; 0 when empty. The lowest and the highest rank give exactly min and max.
  std::int64_t percentile(double p) const;
  std::int64_t at_rank(std::uint64_t rank) const;  // 1 <= rank <= count()

  // Values above `value`, not counting those that share its bucket: exact below 256, and otherwise
  // the number above some value at most 1/128 larger.
  std::uint64_t count_above(std::int64_t value) const;

  // function(low, high, count) for each bucket that is not empty, ascending; it holds [low, high).
  template <class Function>
  void for_each(Function&& function) const {
    for (std::size_t bucket = 0; bucket < counts_.size(); ++bucket) {
      if (counts_[bucket] != 0) {
        function(bucket_low(bucket), bucket_low(bucket + 1), counts_[bucket]);
      }
    }
  }

  bool operator==(const Histogram&) const = default;

 private:
  __extension__ using Wide = unsigned __int128;
  static constexpr std::size_t octave_bits = 7;
  static constexpr std::size_t octave_size = std::size_t{1} << octave_bits;

  // Octave 0 and 1 hold [0, 128) and [128, 256), both in steps of 1.
  static std::size_t bucket_of(std::int64_t value) {
    const auto v = static_cast<std::uint64_t>(value);
    const auto octave = static_cast<std::size_t>(std::bit_width(v | (octave_size - 1))) - octave_bits;
    const std::size_t shift = octave == 0 ? 0 : octave - 1;
    return octave * octave_size + ((v >> shift) & (octave_size - 1));
  }
  static std::int64_t bucket_low(std::size_t bucket);
  void grow(std::size_t bucket);

  std::vector<std::uint64_t> counts_;  // whole octaves, up to that of the largest value
  std::uint64_t count_ = 0;
  Wide sum_ = 0;
  std::int64_t min_ = INT64_MAX;
  std::int64_t max_ = -1;
};

}  // namespace sim
