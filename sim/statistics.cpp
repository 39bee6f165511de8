#include "sim/statistics.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <vector>

#include "sim/check.h"
#include "sim/math.h"
#include "sim/special_functions.h"

namespace sim {

namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();

// P(at most k of n). Where n p (1 - p) is large the exact sum is slow and the normal limit, with
// continuity correction, is within 1e-4 of it.
double at_most(std::int64_t k, std::int64_t n, double p) {
  const double trials = static_cast<double>(n);
  const double variance = trials * p * (1 - p);
  if (variance < 1e5) {
    return binomial_cdf(k, n, p);
  }
  return normal_cdf((static_cast<double>(k) + 0.5 - trials * p) / std::sqrt(variance));
}

// The smallest k in [0, n] with P(at most k of n) >= target.
std::int64_t binomial_quantile(std::int64_t n, double p, double target) {
  std::int64_t low = -1;
  std::int64_t high = n;
  while (high - low > 1) {
    const std::int64_t middle = low + (high - low) / 2;
    (at_most(middle, n, p) >= target ? high : low) = middle;
  }
  return high;
}

template <class ValueAtRank>
Interval bounded(RankInterval ranks, std::uint64_t n, ValueAtRank&& value) {
  return {ranks.low == 0 ? -infinity : value(ranks.low), ranks.high > n ? infinity : value(ranks.high)};
}

}  // namespace

// With B ~ Binomial(n, p) values below the quantile, X(low) <= it unless B < low, and X(high) >= it
// unless B >= high; each may happen with half of 1 - confidence.
RankInterval quantile_ranks(std::uint64_t n, double p, double confidence) {
  check(p > 0 && p < 1 && confidence > 0 && confidence < 1, "probabilities lie between 0 and 1");
  const auto trials = static_cast<std::int64_t>(n);
  const double miss = (1 - confidence) / 2;
  // P(B <= low - 1) <= miss for the largest such low; P(B <= high - 1) >= 1 - miss for the smallest high.
  std::int64_t low = binomial_quantile(trials, p, miss);
  if (low < trials && at_most(low, trials, p) <= miss) {
    ++low;
  }
  const std::int64_t high = binomial_quantile(trials, p, 1 - miss) + 1;
  return {static_cast<std::uint64_t>(low), static_cast<std::uint64_t>(high)};
}

Interval quantile_interval(std::span<const std::int64_t> ascending, double p, double confidence) {
  return bounded(quantile_ranks(ascending.size(), p, confidence), ascending.size(),
                 [&](std::uint64_t rank) { return static_cast<double>(ascending[rank - 1]); });
}

Interval quantile_interval(const Histogram& values, double p, double confidence) {
  return bounded(quantile_ranks(values.count(), p, confidence), values.count(),
                 [&](std::uint64_t rank) { return static_cast<double>(values.at_rank(rank)); });
}

double mean(std::span<const double> values) {
  check(!values.empty(), "a mean is taken of at least one value");
  double sum = 0;
  for (const double value : values) {
    sum += value;
  }
  return sum / static_cast<double>(values.size());
}

double standard_deviation(std::span<const double> values) {
  check(values.size() >= 2, "a deviation is taken of at least two values");
  const double centre = mean(values);
  double squares = 0;
  for (const double value : values) {
    squares += (value - centre) * (value - centre);
  }
  return std::sqrt(squares / static_cast<double>(values.size() - 1));
}

double median(std::span<const double> values) {
  check(!values.empty(), "a median is taken of at least one value");
  std::vector<double> ascending(values.begin(), values.end());
  std::sort(ascending.begin(), ascending.end());
  const std::size_t middle = ascending.size() / 2;
  return ascending.size() % 2 == 1 ? ascending[middle] : (ascending[middle - 1] + ascending[middle]) / 2;
}

Interval replication_interval(std::span<const double> per_replication, double confidence) {
  check(confidence > 0 && confidence < 1, "confidence lies between 0 and 1");
  const double n = static_cast<double>(per_replication.size());
  const double half =
      student_t_quantile((1 + confidence) / 2, n - 1) * standard_deviation(per_replication) / std::sqrt(n);
  const double centre = mean(per_replication);
  return {centre - half, centre + half};
}

PairedDifference paired_difference(std::span<const double> values, std::span<const double> reference,
                                   double confidence) {
  check(values.size() == reference.size(), "paired replications come in equal numbers");
  std::vector<double> differences(values.size());
  std::transform(values.begin(), values.end(), reference.begin(), differences.begin(), std::minus<>{});
  const Interval interval = replication_interval(differences, confidence);
  const Verdict verdict = interval.high < 0  ? Verdict::lower
                          : interval.low > 0 ? Verdict::higher
                                             : Verdict::cannot_tell;
  return {mean(differences), interval, verdict};
}

double ks_statistic(std::span<const std::int64_t> ascending_a, std::span<const std::int64_t> ascending_b) {
  check(!ascending_a.empty() && !ascending_b.empty(), "samples to compare are not empty");
  const double n = static_cast<double>(ascending_a.size());
  const double m = static_cast<double>(ascending_b.size());
  double largest = 0;
  std::size_t i = 0;
  std::size_t j = 0;
  while (i < ascending_a.size() && j < ascending_b.size()) {
    const std::int64_t value = std::min(ascending_a[i], ascending_b[j]);
    while (i < ascending_a.size() && ascending_a[i] == value) {
      ++i;
    }
    while (j < ascending_b.size() && ascending_b[j] == value) {
      ++j;
    }
    largest = std::max(largest, std::abs(static_cast<double>(i) / n - static_cast<double>(j) / m));
  }
  return largest;
}

double ks_statistic(std::span<const std::int64_t> ascending, const Distribution& distribution) {
  check(!ascending.empty(), "a sample to compare is not empty");
  const double n = static_cast<double>(ascending.size());
  double largest = 0;
  for (std::size_t i = 0; i < ascending.size();) {
    const std::size_t before = i;
    const auto value = static_cast<double>(ascending[i]);
    while (i < ascending.size() && static_cast<double>(ascending[i]) == value) {
      ++i;
    }
    // A draw is `value` if it was in [value - 1/2, value + 1/2) before rounding.
    const double below = std::abs(distribution.cdf(value - 0.5) - static_cast<double>(before) / n);
    const double through = std::abs(distribution.cdf(value + 0.5) - static_cast<double>(i) / n);
    largest = std::max({largest, below, through});
  }
  return largest;
}

double ks_critical_value(std::uint64_t n, double significance) {
  return std::sqrt(-log(significance / 2) / 2 / static_cast<double>(n));
}

double ks_critical_value_two_samples(std::uint64_t n, std::uint64_t m, double significance) {
  const double a = static_cast<double>(n);
  const double b = static_cast<double>(m);
  return std::sqrt(-log(significance / 2) / 2 * (a + b) / (a * b));
}

double normalised_wasserstein(std::span<const std::int64_t> ascending,
                              std::span<const std::int64_t> reference) {
  check(!ascending.empty() && !reference.empty(), "samples to compare are not empty");
  const double n = static_cast<double>(ascending.size());
  const double m = static_cast<double>(reference.size());
  double distance = 0;
  double reference_mean = 0;
  double p = 0;
  // Between one step of either quantile function and the next, both are constant.
  for (std::size_t i = 0, j = 0; i < ascending.size() && j < reference.size();) {
    const double end_i = static_cast<double>(i + 1) / n;
    const double end_j = static_cast<double>(j + 1) / m;
    const double end = std::min(end_i, end_j);
    const auto b = static_cast<double>(reference[j]);
    distance += (end - p) * std::abs(static_cast<double>(ascending[i]) - b);
    reference_mean += (end - p) * b;
    p = end;
    i += end_i <= end;
    j += end_j <= end;
  }
  check(reference_mean > 0, "a distance is normalised by a positive mean");
  return distance / reference_mean;
}

// Midpoint rule, in steps that halve with every halving of the distance to p = 0 or p = 1, where
// quantile functions are steep.
double normalised_wasserstein(const Distribution& distribution, const Distribution& reference) {
  constexpr int octaves = 40;
  constexpr int steps = 64;
  double distance = 0;
  double width = 0.25;
  for (int octave = 0; octave < octaves; ++octave, width /= 2) {
    for (int step = 0; step < steps; ++step) {
      const double p = width * (1 + (step + 0.5) / steps);
      const double low = std::abs(distribution.quantile_ns(p) - reference.quantile_ns(p));
      const double high = std::abs(distribution.quantile_ns(1 - p) - reference.quantile_ns(1 - p));
      distance += (low + high) * width / steps;
    }
  }
  const double reference_mean = reference.mean_ns();
  check(reference_mean > 0, "a distance is normalised by a positive mean");
  return distance / reference_mean;
}

std::size_t mser5(std::span<const double> observations) {
  constexpr std::size_t batch = 5;
  const std::size_t batches = observations.size() / batch;
  double sum = 0;
  double squares = 0;
  double best = infinity;
  std::size_t drop = 0;
  // From the back, so that the sums over what is kept grow by one batch at a time. Values are taken
  // relative to the last batch mean, lest a large common part drown their spread.
  const auto batch_mean = [&](std::size_t i) { return mean(observations.subspan(i * batch, batch)); };
  const double origin = batches == 0 ? 0 : batch_mean(batches - 1);
  for (std::size_t i = batches; i-- > 0;) {
    const double z = batch_mean(i) - origin;
    sum += z;
    squares += z * z;
    const double kept = static_cast<double>(batches - i);
    const double marginal_error = (squares - sum * sum / kept) / (kept * kept);
    if (i <= batches / 2 && marginal_error <= best) {
      best = marginal_error;
      drop = i;
    }
  }
  return drop * batch;
}

}  // namespace sim
