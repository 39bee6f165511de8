#include "sim/bootstrap.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <vector>

#include "sim/ziggurat.h"

using sim::BootstrapMethod;

namespace {

using Values = std::vector<double>;

Values chosen(const Values& values, std::span<const std::size_t> units) {
  Values result;
  for (const std::size_t unit : units) {
    result.push_back(values[unit]);
  }
  return result;
}

template <class Estimate>
sim::Interval interval_of(const Values& values, int resamples, sim::Stream& stream, BootstrapMethod method,
                          Estimate&& estimate) {
  auto estimates = sim::bootstrap(values.size(), resamples, stream, [&](std::span<const std::size_t> units) {
    return estimate(chosen(values, units));
  });
  return sim::bootstrap_interval(std::move(estimates), estimate(values), 0.95, method);
}

double mean_of(const Values& values) { return sim::mean(values); }
double median_of(const Values& values) { return sim::median(values); }

double exponential(sim::Stream& stream) { return -std::log(stream.uniform()); }

}  // namespace

// Efron, Tibshirani, "An Introduction to the Bootstrap", 1993, table 2.1: the treated mice, standard errors
// for B = infinity: 23.36 of the mean, 37.83 of the median.
TEST_CASE("the bootstrap's standard errors are those of the published example", "[bootstrap]") {
  const Values mice{94, 197, 16, 38, 99, 141, 23};
  sim::Stream stream = sim::Rng{1}.stream("mice");
  const auto error = [&](auto&& estimate) {
    return sim::standard_deviation(
        sim::bootstrap(mice.size(), 40'000, stream,
                       [&](std::span<const std::size_t> units) { return estimate(chosen(mice, units)); }));
  };

  CHECK(error(mean_of) == Approx(23.36).epsilon(0.02));
  CHECK(error(median_of) == Approx(37.83).epsilon(0.02));
}

TEST_CASE("intervals of the median of exponentials cover it as often as they say", "[bootstrap]") {
  sim::Stream stream = sim::Rng{2}.stream("coverage");
  constexpr int trials = 2000;
  int held = 0;
  for (int i = 0; i < trials; ++i) {
    Values values(51);
    std::generate(values.begin(), values.end(), [&] { return exponential(stream); });
    sim::Stream resampling = stream.split(static_cast<std::uint64_t>(i));
    held +=
        interval_of(values, 300, resampling, BootstrapMethod::percentile, median_of).contains(std::log(2.0));
  }

  CAPTURE(held);
  CHECK(held > 0.92 * trials);
  CHECK(held < 0.97 * trials);
}

TEST_CASE("basic intervals of a mean cover it as often as they say", "[bootstrap]") {
  sim::Stream stream = sim::Rng{5}.stream("coverage");
  constexpr int trials = 2000;
  int held = 0;
  for (int i = 0; i < trials; ++i) {
    Values values(40);
    std::generate(values.begin(), values.end(), [&] { return sim::draw_normal(stream); });
    sim::Stream resampling = stream.split(static_cast<std::uint64_t>(i));
    held += interval_of(values, 300, resampling, BootstrapMethod::basic, mean_of).contains(0);
  }

  CAPTURE(held);
  CHECK(held > 0.92 * trials);
  CHECK(held < 0.97 * trials);
}

// Values of a cluster share a random part, so 30 clusters of 20 values hold no more than about 30 values'
// worth of knowledge: drawing single values, as if they were independent, covers far less than it says.
TEST_CASE("clusters are drawn whole, since their values are not independent", "[bootstrap]") {
  sim::Stream stream = sim::Rng{3}.stream("clusters");
  constexpr int trials = 400;
  constexpr std::size_t clusters = 30;
  constexpr std::size_t members = 20;
  int whole = 0;
  int single = 0;
  for (int i = 0; i < trials; ++i) {
    Values values;
    Values means;
    for (std::size_t cluster = 0; cluster < clusters; ++cluster) {
      const double shared = sim::draw_normal(stream);
      for (std::size_t k = 0; k < members; ++k) {
        values.push_back(shared + 0.5 * sim::draw_normal(stream));
      }
      means.push_back(sim::mean(std::span{values}.last(members)));
    }
    sim::Stream resampling = stream.split(static_cast<std::uint64_t>(i));
    whole += interval_of(means, 400, resampling, BootstrapMethod::percentile, mean_of).contains(0);
    single += interval_of(values, 200, resampling, BootstrapMethod::percentile, mean_of).contains(0);
  }

  CAPTURE(whole, single);
  CHECK(whole > 0.91 * trials);
  CHECK(whole < 0.97 * trials);
  CHECK(single < 0.6 * trials);
}

TEST_CASE("the interval of the median of five covers as the smallest and largest do", "[bootstrap]") {
  sim::Stream stream = sim::Rng{4}.stream("five");
  constexpr int trials = 2000;
  int held = 0;
  for (int i = 0; i < trials; ++i) {
    Values values(5);
    std::generate(values.begin(), values.end(), [&] { return exponential(stream); });
    sim::Stream resampling = stream.split(static_cast<std::uint64_t>(i));
    held +=
        interval_of(values, 400, resampling, BootstrapMethod::percentile, median_of).contains(std::log(2.0));
  }

  CHECK(static_cast<double>(held) / trials == Approx(1 - 2.0 / 32).margin(0.025));
}

TEST_CASE("percentile and basic intervals are reflections of each other", "[bootstrap]") {
  const Values estimates{1, 2, 3, 4, 5, 6, 7, 8, 9, 30};

  const auto percentile = sim::bootstrap_interval(estimates, 5, 0.8);
  const auto basic = sim::bootstrap_interval(estimates, 5, 0.8, BootstrapMethod::basic);

  CHECK(percentile.low == 1);
  CHECK(percentile.high == 9);
  CHECK(basic.low == 1);
  CHECK(basic.high == 9);
  CHECK(sim::bootstrap_interval(estimates, 4, 0.8, BootstrapMethod::basic).low == -1);
}

TEST_CASE("the same stream resamples the same way", "[bootstrap]") {
  const Values values{3, 1, 4, 1, 5, 9, 2, 6};
  const auto once = [&] {
    sim::Stream stream = sim::Rng{9}.stream("again");
    return sim::bootstrap(values.size(), 50, stream, [&](std::span<const std::size_t> units) {
      return sim::mean(chosen(values, units));
    });
  };

  CHECK(once() == once());
}
