// Samples as counts of whole values: half a million rows of 0 us are one entry.
#pragma once

#include <cstdint>
#include <map>

namespace calibration {

class ValueCounts {
 public:
  void add(std::int64_t value, std::uint64_t times = 1);
  void add(const ValueCounts& other);

  bool empty() const { return count_ == 0; }
  std::uint64_t count() const { return count_; }
  std::int64_t min() const;  // of at least one sample, as are all below
  std::int64_t max() const;
  double mean() const;

  // Inverse empirical CDF, nearest rank: the smallest value with at least a share p of the samples at or
  // below it; p in [0, 1].
  std::int64_t quantile(double p) const;

  const std::map<std::int64_t, std::uint64_t>& values() const { return values_; }  // value to times

  bool operator==(const ValueCounts&) const = default;

 private:
  std::map<std::int64_t, std::uint64_t> values_;
  std::uint64_t count_ = 0;
};

}  // namespace calibration
