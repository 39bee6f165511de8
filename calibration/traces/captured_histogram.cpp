#include "calibration/traces/captured_histogram.h"

#include <algorithm>

#include "sim/check.h"
#include "sim/histogram.h"

namespace calibration {
namespace {

std::uint64_t saturating_sum(std::uint64_t a, std::uint64_t b) {  // a is at most largest_total
  return std::min(a + std::min(b, largest_total), largest_total);
}

template <class Predicate>
std::uint64_t sum_where(const std::vector<HistogramBucket>& buckets, Predicate&& wanted) {
  std::uint64_t sum = 0;
  for (const HistogramBucket& bucket : buckets) {
    sum = wanted(bucket) ? saturating_sum(sum, bucket.count) : sum;
  }
  return sum;
}

}  // namespace

std::string_view to_string(TableUnit unit) {
  switch (unit) {
    case TableUnit::ns:
      return "ns";
    case TableUnit::us:
      return "us";
    case TableUnit::ms:
      return "ms";
    case TableUnit::s:
      return "s";
    case TableUnit::unknown:
      break;
  }
  return "";
}

std::uint64_t CapturedHistogram::total() const {
  return sum_where(buckets, [](const HistogramBucket&) { return true; });
}

std::uint64_t CapturedHistogram::underflow() const {
  return sum_where(buckets, [](const HistogramBucket& bucket) { return bucket.lower == open_below; });
}

std::uint64_t CapturedHistogram::overflow() const {
  return sum_where(buckets, [](const HistogramBucket& bucket) { return bucket.upper == open_above; });
}

std::optional<HistogramBucket> CapturedHistogram::percentile(double p) const {
  sim::check(p > 0 && p <= 1, "a percentile's p is in (0, 1]");
  const std::uint64_t count = total();
  if (count == 0) {
    return std::nullopt;
  }
  const std::uint64_t rank = sim::nearest_rank(p, count);
  std::uint64_t below = 0;
  for (const HistogramBucket& bucket : buckets) {
    below = saturating_sum(below, bucket.count);
    if (below >= rank) {
      return bucket;
    }
  }
  return buckets.back();
}

std::optional<HistogramInterval> CapturedHistogram::mean() const {
  const std::uint64_t count = total();
  if (count == 0) {
    return std::nullopt;
  }
  HistogramInterval mean;
  for (const HistogramBucket& bucket : buckets) {
    if (bucket.count > 0) {
      const double share = static_cast<double>(bucket.count) / static_cast<double>(count);
      mean.low = bucket.lower == open_below ? -std::numeric_limits<double>::infinity()
                                            : mean.low + share * static_cast<double>(bucket.lower);
      mean.high = bucket.upper == open_above ? std::numeric_limits<double>::infinity()
                                             : mean.high + share * static_cast<double>(bucket.upper - 1);
    }
  }
  return mean;
}

}  // namespace calibration
