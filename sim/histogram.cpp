#include "sim/histogram.h"

#include <algorithm>
#include <cmath>

namespace sim {

std::uint64_t nearest_rank(double p, std::uint64_t n) {
  check(p > 0 && p <= 1 && n > 0, "a percentile is asked for at p in (0, 1], of at least one value");
  const double exact = p * static_cast<double>(n);
  const double whole = std::round(exact);
  const double rank = std::abs(exact - whole) <= 1e-12 * exact ? whole : std::ceil(exact);
  return std::clamp(static_cast<std::uint64_t>(rank), std::uint64_t{1}, n);
}

std::int64_t percentile(std::span<const std::int64_t> ascending, double p) {
  return ascending.empty() ? 0 : ascending[nearest_rank(p, ascending.size()) - 1];
}

void Histogram::merge(const Histogram& other) {
  if (counts_.size() < other.counts_.size()) {
    counts_.resize(other.counts_.size());
  }
  for (std::size_t i = 0; i < other.counts_.size(); ++i) {
    counts_[i] += other.counts_[i];
  }
  count_ += other.count_;
  sum_ += other.sum_;
  min_ = std::min(min_, other.min_);
  max_ = std::max(max_, other.max_);
}

void Histogram::clear() { *this = Histogram{}; }

std::int64_t Histogram::sum() const { return static_cast<std::int64_t>(std::min<Wide>(sum_, INT64_MAX)); }

double Histogram::mean() const {
  return empty() ? 0 : static_cast<double>(sum_) / static_cast<double>(count_);
}

std::int64_t Histogram::percentile(double p) const { return empty() ? 0 : at_rank(nearest_rank(p, count_)); }

std::int64_t Histogram::at_rank(std::uint64_t rank) const {
  check(rank >= 1 && rank <= count_, "a rank lies between 1 and the count");
  if (rank == count_) {
    return max_;
  }
  std::uint64_t seen = 0;
  std::size_t bucket = 0;
  while (seen + counts_[bucket] < rank) {
    seen += counts_[bucket++];
  }
  const std::int64_t low = bucket_low(bucket);
  const std::int64_t middle = low + (bucket_low(bucket + 1) - low) / 2;
  return rank == 1 ? min_ : std::clamp(middle, min_, max_);
}

std::uint64_t Histogram::count_above(std::int64_t value) const {
  if (value < 0) {
    return count_;
  }
  if (value >= max_) {
    return 0;
  }
  std::uint64_t above = 0;
  for (std::size_t bucket = bucket_of(value) + 1; bucket < counts_.size(); ++bucket) {
    above += counts_[bucket];
  }
  return above;
}

std::int64_t Histogram::bucket_low(std::size_t bucket) {
  const std::size_t octave = bucket / octave_size;
  const std::size_t in_octave = bucket % octave_size;
  if (octave == 0) {
    return static_cast<std::int64_t>(in_octave);
  }
  return static_cast<std::int64_t>((octave_size + in_octave) << (octave - 1));
}

void Histogram::grow(std::size_t bucket) { counts_.resize((bucket / octave_size + 1) * octave_size); }

}  // namespace sim
