#include "calibration/fit/value_counts.h"

#include <algorithm>
#include <cmath>

#include "sim/check.h"

namespace calibration {

void ValueCounts::add(std::int64_t value, std::uint64_t times) {
  if (times > 0) {
    values_[value] += times;
    count_ += times;
  }
}

void ValueCounts::add(const ValueCounts& other) {
  for (const auto& [value, times] : other.values_) {
    add(value, times);
  }
}

std::int64_t ValueCounts::min() const {
  sim::check(!empty(), "a minimum has at least one sample");
  return values_.begin()->first;
}

std::int64_t ValueCounts::max() const {
  sim::check(!empty(), "a maximum has at least one sample");
  return values_.rbegin()->first;
}

double ValueCounts::mean() const {
  sim::check(!empty(), "a mean has at least one sample");
  double sum = 0;
  for (const auto& [value, times] : values_) {
    sum += static_cast<double>(value) * static_cast<double>(times);
  }
  return sum / static_cast<double>(count_);
}

std::int64_t ValueCounts::quantile(double p) const {
  sim::check(!empty() && p >= 0 && p <= 1, "a quantile has samples and a p in [0, 1]");
  const auto exact = std::ceil(p * static_cast<double>(count_));
  const std::uint64_t rank = std::max<std::uint64_t>(1, static_cast<std::uint64_t>(exact));
  std::uint64_t below = 0;
  for (const auto& [value, times] : values_) {
    below += times;
    if (below >= rank) {
      return value;
    }
  }
  return max();
}

}  // namespace calibration
