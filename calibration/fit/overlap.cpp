#include "calibration/fit/overlap.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "sim/check.h"
#include "sim/math.h"

namespace calibration {
namespace {

constexpr double strength = 0.5;  // of the correction, see overlap.h

struct Bin {
  double length = 0;  // us: a row that prints v took v to v + 1
  double rows = 0;
};

struct Totals {
  double rows = 0;
  double time = 0;
};

Totals totals(const std::vector<Bin>& bins) {
  Totals sum;
  for (const Bin& bin : bins) {
    sum.rows += bin.rows;
    sum.time += bin.rows * bin.length;
  }
  return sum;
}

// Of real durations, the rows that overlapping pairs print, by length; `density` gets one entry per bin.
void intersections(const std::vector<Bin>& real, double rate, double span, std::vector<double>& density) {
  const Totals all = totals(real);
  density.assign(real.size(), 0);
  double longer_rows = 0;  // strictly longer than the bin at hand
  double longer_time = 0;
  for (std::size_t i = real.size(); i-- > 0;) {
    const Bin& bin = real[i];
    const double f = bin.rows / all.rows;
    const double survival = longer_rows / all.rows + f / 2;
    const double excess = (longer_time - longer_rows * bin.length) / all.rows;
    density[i] = strength * rate * rate * span * (2 * survival * survival + 2 * f * excess);
    longer_rows += bin.rows;
    longer_time += bin.rows * bin.length;
  }
}

// One bin per microsecond from 0 to the longest: intersections fall into bins that hold no row.
std::vector<Bin> dense_bins(const ValueCounts& printed) {
  std::vector<Bin> bins(static_cast<std::size_t>(printed.max()) + 1);
  for (std::size_t i = 0; i < bins.size(); ++i) {
    bins[i].length = static_cast<double>(i) + 0.5;
  }
  for (const auto& [value, times] : printed.values()) {
    bins[static_cast<std::size_t>(value)].rows = static_cast<double>(times);
  }
  return bins;
}

std::vector<Bin> invert(const ValueCounts& printed, double span) {
  constexpr int iterations = 8;
  const std::vector<Bin> observed = dense_bins(printed);
  std::vector<Bin> real = observed;
  std::vector<double> gained;
  for (int i = 0; i < iterations; ++i) {
    const Totals all = totals(real);
    const double rate = all.rows / span / 2;
    const double mean = all.time / all.rows;
    intersections(real, rate, span, gained);
    for (std::size_t j = 0; j < real.size(); ++j) {
      const double whole = std::max(0.0, observed[j].rows - gained[j]);
      real[j].rows = whole * sim::exp(strength * rate * (real[j].length + mean));
    }
  }
  return real;
}

void check_arguments(const ValueCounts& printed, double span) {
  sim::check(!printed.empty() && printed.min() >= 0 && printed.max() <= longest_overlap_us && span > 0,
             "overlap is estimated for durations from 0 to a second in a capture of some length");
}

}  // namespace

ValueCounts without_overlap(const ValueCounts& printed_us, double span_us) {
  check_arguments(printed_us, span_us);
  const std::vector<Bin> real = invert(printed_us, span_us);
  ValueCounts counts;
  // Rounding the running sum keeps the total and every quantile within half a row.
  double sum = 0;
  std::uint64_t before = 0;
  for (std::size_t i = 0; i < real.size(); ++i) {
    sum += real[i].rows;
    const auto now = static_cast<std::uint64_t>(sum + 0.5);
    counts.add(static_cast<std::int64_t>(i), now - before);
    before = now;
  }
  return counts.empty() ? printed_us : counts;
}

OverlapEstimate estimate_overlap(const ValueCounts& printed_us, double span_us) {
  check_arguments(printed_us, span_us);
  const Totals printed = totals(dense_bins(printed_us));
  const double rate = printed.rows / span_us / 2;
  const double mean = printed.time / printed.rows;
  OverlapEstimate estimate;
  estimate.pairs = rate * rate * span_us * 2 * mean;
  estimate.row_share = std::min(1.0, 2 * estimate.pairs / (printed.rows + estimate.pairs));
  if (estimate.row_share < 0.5) {
    const Totals real = totals(invert(printed_us, span_us));
    estimate.mean_bias_us = mean - real.time / real.rows;
  }
  return estimate;
}

}  // namespace calibration
