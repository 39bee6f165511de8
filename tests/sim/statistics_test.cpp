#include "sim/statistics.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <limits>
#include <vector>

#include "sim/ziggurat.h"

using namespace std::chrono_literals;
using sim::Distribution;
using sim::Verdict;

namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();
using Values = std::vector<std::int64_t>;

Values sorted_draws(const Distribution& distribution, int n, sim::Stream& stream) {
  Values values;
  for (int i = 0; i < n; ++i) {
    values.push_back(distribution.sample(stream).count());
  }
  std::sort(values.begin(), values.end());
  return values;
}

}  // namespace

// Binomial(10, 1/2): P(B <= 1) = 0.0107, P(B <= 2) = 0.0547, so ranks 2 and 9 hold 97.9 %.
TEST_CASE("the median of ten values lies between the second and the ninth", "[statistics]") {
  const auto ranks = sim::quantile_ranks(10, 0.5, 0.95);

  CHECK(ranks.low == 2);
  CHECK(ranks.high == 9);
}

// The smallest n with 0.999^n <= 0.025.
TEST_CASE("a quantile with too few values above it has no upper bound", "[statistics]") {
  CHECK(sim::quantile_ranks(3687, 0.999, 0.95).high == 3688);
  CHECK(sim::quantile_ranks(3688, 0.999, 0.95).high == 3688);
  const Values few{1, 2, 3};
  CHECK(sim::quantile_interval(few, 0.5).low == -infinity);
  CHECK(sim::quantile_interval(few, 0.5).high == infinity);
}

// Campbell, Gardner, "Calculating confidence intervals for some non-parametric analyses", BMJ 296, 1988:
// ranks for the median at 95 %.
TEST_CASE("the ranks for a median are those of the published table", "[statistics]") {
  const auto n = GENERATE(table<std::uint64_t, std::uint64_t, std::uint64_t>(
      {{6, 1, 6}, {10, 2, 9}, {20, 6, 15}, {30, 10, 21}, {50, 18, 33}, {100, 40, 61}}));

  const auto ranks = sim::quantile_ranks(std::get<0>(n), 0.5, 0.95);

  CAPTURE(std::get<0>(n));
  CHECK(ranks.low == std::get<1>(n));
  CHECK(ranks.high == std::get<2>(n));
}

TEST_CASE("the median of an even number lies between the middle two", "[statistics]") {
  CHECK(sim::median(std::vector<double>{5, 1, 3}) == 3);
  CHECK(sim::median(std::vector<double>{7, 1, 3, 4}) == 3.5);
}

TEST_CASE("a large sample's ranks follow the normal limit", "[statistics]") {
  // n p (1 - p) = 250'000: 1.96 standard deviations are 980.
  const auto ranks = sim::quantile_ranks(1'000'000, 0.5, 0.95);

  CHECK(std::abs(static_cast<double>(ranks.low) - 499'020) <= 2);
  CHECK(std::abs(static_cast<double>(ranks.high) - 500'981) <= 2);
}

TEST_CASE("quantile intervals contain the true quantile as often as they say", "[statistics]") {
  const Distribution truth = Distribution::exponential(1s);
  sim::Stream stream = sim::Rng{5}.stream("coverage");
  constexpr int trials = 2000;

  for (const double p : {0.5, 0.9, 0.99}) {
    int hits = 0;
    for (int i = 0; i < trials; ++i) {
      hits += sim::quantile_interval(sorted_draws(truth, 1000, stream), p).contains(truth.quantile_ns(p));
    }
    const double coverage = static_cast<double>(hits) / trials;
    CAPTURE(p, coverage);
    CHECK(coverage > 0.95 - 3 * std::sqrt(0.95 * 0.05 / trials));
    CHECK(coverage < 0.985);  // discreteness makes it conservative, but no more than this
  }
}

TEST_CASE("a histogram's interval is its sample's, up to the bucket", "[statistics]") {
  sim::Stream stream = sim::Rng{5}.stream("histogram");
  const Values values = sorted_draws(Distribution::exponential(1ms), 5000, stream);
  sim::Histogram histogram;
  for (const std::int64_t value : values) {
    histogram.record(value);
  }

  const auto exact = sim::quantile_interval(values, 0.99);
  const auto bucketed = sim::quantile_interval(histogram, 0.99);
  CHECK(bucketed.low == Approx(exact.low).epsilon(1.0 / 256));
  CHECK(bucketed.high == Approx(exact.high).epsilon(1.0 / 256));
}

// Mean 3, deviation sqrt(2.5), t(4, 97.5 %) = 2.776445: half-width 1.963243.
TEST_CASE("replications give Student's interval", "[statistics]") {
  const auto interval = sim::replication_interval(std::vector<double>{1, 2, 3, 4, 5});

  CHECK(interval.low == Approx(3 - 1.963243).epsilon(1e-6));
  CHECK(interval.high == Approx(3 + 1.963243).epsilon(1e-6));
}

TEST_CASE("replication intervals contain the true mean as often as they say", "[statistics]") {
  sim::Stream stream = sim::Rng{6}.stream("coverage");
  constexpr int trials = 10'000;
  int hits = 0;
  for (int i = 0; i < trials; ++i) {
    std::vector<double> values(5);
    std::generate(values.begin(), values.end(), [&] { return 10 + sim::draw_normal(stream); });
    hits += sim::replication_interval(values, 0.9).contains(10);
  }

  CHECK(static_cast<double>(hits) / trials == Approx(0.9).margin(4 * std::sqrt(0.09 / trials)));
}

TEST_CASE("pairing sees a small effect under large common noise", "[statistics]") {
  const std::vector<double> reference{100, 200, 300, 400};
  const std::vector<double> faster{99, 198.9, 299.1, 399};

  const auto difference = sim::paired_difference(faster, reference);

  CHECK(difference.mean == Approx(-1));
  CHECK(difference.verdict == Verdict::lower);
  CHECK(difference.interval.high < 0);
  CHECK(sim::paired_difference(reference, faster).verdict == Verdict::higher);
}

TEST_CASE("differences of both signs tell nothing", "[statistics]") {
  const std::vector<double> reference{100, 200, 300, 400};
  const std::vector<double> other{101, 199, 302, 398};

  CHECK(sim::paired_difference(other, reference).verdict == Verdict::cannot_tell);
  CHECK(sim::paired_difference(reference, reference).verdict == Verdict::cannot_tell);
}

TEST_CASE("the Kolmogorov-Smirnov distance is the largest gap between the two staircases", "[statistics]") {
  CHECK(sim::ks_statistic(Values{1, 2, 3}, Values{1, 2, 3}) == 0);
  CHECK(sim::ks_statistic(Values{1, 2, 3}, Values{4, 5}) == 1);
  CHECK(sim::ks_statistic(Values{1, 2, 3, 4}, Values{3, 4, 5, 6}) == Approx(0.5));
  CHECK(sim::ks_statistic(Values{1, 1, 1, 2}, Values{1, 2, 2, 2}) == Approx(0.5));
}

// Hollander, Wolfe, "Nonparametric Statistical Methods", example 5.4 (salivation with and without feedback):
// the distance is 0.6; its large-sample statistic 1.3416 lies just below the 5 % point 1.358 (p = 0.0546).
TEST_CASE("the distance of the published example is found, and not called significant", "[statistics]") {
  const Values feedback{-115, -15, 248, 325, 371, 429, 500, 774, 838, 860};
  const Values none{-94, -37, -35, 35, 46, 73, 173, 255, 269, 1207};

  const double distance = sim::ks_statistic(feedback, none);

  CHECK(distance == Approx(0.6));
  CHECK(distance * std::sqrt(100.0 / 20) == Approx(1.3416).epsilon(1e-4));
  CHECK(distance < sim::ks_critical_value_two_samples(10, 10, 0.05));
  CHECK(distance > sim::ks_critical_value_two_samples(10, 10, 0.06));
}

// Against U(0, 4): steps at 1 and 2 for the sample {1, 2}; the largest gap is 1/2, at 2.
TEST_CASE("the distance to a distribution is the largest gap to its CDF", "[statistics]") {
  const Values sample{1'000'000, 2'000'000};

  CHECK(sim::ks_statistic(sample, Distribution::uniform(0ms, 4ms)) == Approx(0.5).margin(1e-6));
}

TEST_CASE("a sample of whole nanoseconds fits the rounded distribution it came from", "[statistics]") {
  sim::Stream stream = sim::Rng{6}.stream("ks");
  const Distribution narrow = Distribution::uniform(3ns, 9ns);

  CHECK(sim::ks_statistic(sorted_draws(narrow, 100'000, stream), narrow) <
        sim::ks_critical_value(100'000, 0.001));
}

// Printed tables: 1.358 / sqrt(n) at 5 %, 1.628 / sqrt(n) at 1 %.
TEST_CASE("critical distances are those of the tables", "[statistics]") {
  CHECK(sim::ks_critical_value(100) == Approx(0.1358).epsilon(1e-3));
  CHECK(sim::ks_critical_value(100, 0.01) == Approx(0.1628).epsilon(1e-3));
  CHECK(sim::ks_critical_value_two_samples(200, 200) == Approx(0.1358).epsilon(1e-3));
}

TEST_CASE("equal distributions exceed the critical distance as seldom as it says", "[statistics]") {
  const Distribution truth = Distribution::exponential(1s);
  sim::Stream stream = sim::Rng{8}.stream("ks");
  constexpr int trials = 2000;
  int exceeded = 0;
  for (int i = 0; i < trials; ++i) {
    const Values a = sorted_draws(truth, 300, stream);
    const Values b = sorted_draws(truth, 500, stream);
    exceeded += sim::ks_statistic(a, b) > sim::ks_critical_value_two_samples(300, 500);
  }

  CHECK(static_cast<double>(exceeded) / trials < 0.065);
  CHECK(static_cast<double>(exceeded) / trials > 0.025);
}

// Quantile functions of exponentials are proportional: W1 is the difference of the means.
TEST_CASE("two exponentials are as far apart as their means", "[statistics]") {
  const Distribution a = Distribution::exponential(13ms);
  const Distribution b = Distribution::exponential(10ms);

  CHECK(sim::normalised_wasserstein(a, b) == Approx(0.3).epsilon(1e-4));
  CHECK(sim::normalised_wasserstein(b, b) == 0);

  sim::Stream stream = sim::Rng{8}.stream("w1");
  const Values drawn_a = sorted_draws(a, 200'000, stream);
  const Values drawn_b = sorted_draws(b, 100'000, stream);
  CHECK(sim::normalised_wasserstein(drawn_a, drawn_b) == Approx(0.3).margin(0.02));
}

// Quantile functions a + p (b - a): U(0, 2) against U(1, 5) are 1 + 2 p apart, on average 2; the mean is 3.
TEST_CASE("two uniforms are as far apart as their quantile functions", "[statistics]") {
  const Distribution a = Distribution::uniform(0ms, 2ms);
  const Distribution b = Distribution::uniform(1ms, 5ms);

  CHECK(sim::normalised_wasserstein(a, b) == Approx(2.0 / 3).epsilon(1e-4));
}

// Moving a sample by d moves every quantile by d, however it is spread.
TEST_CASE("a shifted exponential is as far away as the shift", "[statistics]") {
  sim::Stream stream = sim::Rng{8}.stream("shift");
  const Values drawn = sorted_draws(Distribution::exponential(10ms), 20'000, stream);
  Values shifted;
  for (const std::int64_t value : drawn) {
    shifted.push_back(value + 3'000'000);
  }
  double mean = 0;
  for (const std::int64_t value : drawn) {
    mean += static_cast<double>(value) / static_cast<double>(drawn.size());
  }

  CHECK(sim::normalised_wasserstein(shifted, drawn) == Approx(3e6 / mean).epsilon(1e-9));
}

TEST_CASE("the distance between samples of different size is exact", "[statistics]") {
  // Quantile functions: 2 up to p = 1/2, then 4; against 3 throughout.
  CHECK(sim::normalised_wasserstein(Values{2, 4}, Values{3, 3, 3}) == Approx(1.0 / 3));
  CHECK(sim::normalised_wasserstein(Values{5, 6, 7}, Values{5, 6, 7}) == 0);
}

TEST_CASE("warm-up ends where the mean settles", "[statistics]") {
  sim::Stream stream = sim::Rng{9}.stream("warm-up");
  std::vector<double> observations;
  for (int i = 0; i < 1000; ++i) {
    observations.push_back((i < 100 ? 50 : 20) + sim::draw_normal(stream));
  }

  CHECK(sim::mser5(observations) >= 100);
  CHECK(sim::mser5(observations) < 150);
}

TEST_CASE("a run without warm-up keeps nearly all it has", "[statistics]") {
  sim::Stream stream = sim::Rng{9}.stream("steady");
  std::vector<double> observations;
  for (int i = 0; i < 1000; ++i) {
    observations.push_back(20 + sim::draw_normal(stream));
  }

  CHECK(sim::mser5(observations) < 100);
  CHECK(sim::mser5(std::vector<double>{1, 2, 3}) == 0);
  CHECK(sim::mser5({}) == 0);
}
