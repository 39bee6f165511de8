// What reports say about results: intervals, paired differences, distances, warm-up. Nothing here feeds
// back into a simulated run. Still built on sim/math.h, so reports too have the same bytes everywhere.
//
// Two kinds of interval, for two situations:
//   one long run           quantile_interval: order statistics, whatever the distribution, but it takes
//                          the values for independent; in a queueing system they are not, and it is too
//                          narrow
//   several replications   replication_interval: Student's t over one number per replication; honest,
//                          since replications are independent
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "sim/distribution.h"
#include "sim/histogram.h"

namespace sim {

struct Interval {
  double low;
  double high;
  bool contains(double x) const { return low <= x && x <= high; }
};

// Contains the true quantile p with at least `confidence`, from n independent values: the order
// statistics that enclose it by the binomial distribution (David, Nagaraja, "Order Statistics" 7.1).
// Infinite on a side where n is too small to bound it: p99.9 has no upper bound below 3688 values.
Interval quantile_interval(std::span<const std::int64_t> ascending, double p, double confidence = 0.95);
Interval quantile_interval(const Histogram& values, double p, double confidence = 0.95);

// Ranks of the two, from 1; `low` is 0 and `high` is n + 1 where there is no bound.
struct RankInterval {
  std::uint64_t low;
  std::uint64_t high;
};
RankInterval quantile_ranks(std::uint64_t n, double p, double confidence);

double mean(std::span<const double> values);
double standard_deviation(std::span<const double> values);  // of a sample: n - 1; at least 2 values
double median(std::span<const double> values);  // between the two middle ones where their number is even

// mean +- t s / sqrt(n) over one number from each of n >= 2 independent replications.
Interval replication_interval(std::span<const double> per_replication, double confidence = 0.95);

enum class Verdict : std::uint8_t { lower, higher, cannot_tell };

// value - reference, replication by replication: common random numbers cancel what both share.
struct PairedDifference {
  double mean;
  Interval interval;
  Verdict verdict;  // lower or higher only if the interval leaves 0 out
};
PairedDifference paired_difference(std::span<const double> values, std::span<const double> reference,
                                   double confidence = 0.95);

// Kolmogorov-Smirnov: the largest distance between two CDFs. Samples ascend and are not empty.
double ks_statistic(std::span<const std::int64_t> ascending_a, std::span<const std::int64_t> ascending_b);
// Against a distribution as it is drawn, rounded to whole nanoseconds.
double ks_statistic(std::span<const std::int64_t> ascending, const Distribution& distribution);

// Exceeded with probability `significance` if the sample of n values comes from the distribution, or the
// two samples of n and m from the same: Smirnov's limit, sqrt(-ln(significance / 2) / 2) over the root of
// n, or of n m / (n + m). Conservative where values tie.
double ks_critical_value(std::uint64_t n, double significance = 0.05);
double ks_critical_value_two_samples(std::uint64_t n, std::uint64_t m, double significance = 0.05);

// Wasserstein-1: how far probability mass has to move, the integral over p of the distance between
// the quantile functions, over the mean of the reference: 0.1 reads "10 % of the mean".
double normalised_wasserstein(std::span<const std::int64_t> ascending,
                              std::span<const std::int64_t> reference);
// Numerical; relative error about 1e-4 for distributions with a finite variance.
double normalised_wasserstein(const Distribution& distribution, const Distribution& reference);

// Observations to drop from the front as warm-up: MSER-5 (White, "An effective truncation heuristic for
// bias reduction in simulation output", Simulation 1997; batches of 5 after White, Cobb, Spratt 2000).
// At most half of them; a result near half says that the run is too short.
std::size_t mser5(std::span<const double> observations);

}  // namespace sim
