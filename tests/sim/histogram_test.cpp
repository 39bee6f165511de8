#include "sim/histogram.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <vector>

#include "sim/rng.h"

using sim::Histogram;

namespace {

// Values of all magnitudes, evenly over the octaves.
std::vector<std::int64_t> values_of_all_sizes(int n, std::uint64_t seed) {
  sim::Stream stream = sim::Rng{seed}.stream("values");
  std::vector<std::int64_t> values;
  for (int i = 0; i < n; ++i) {
    values.push_back(static_cast<std::int64_t>(stream.next() >> (2 + stream.below(62))));
  }
  return values;
}

Histogram of(const std::vector<std::int64_t>& values) {
  Histogram histogram;
  for (const std::int64_t value : values) {
    histogram.record(value);
  }
  return histogram;
}

}  // namespace

TEST_CASE("an empty histogram answers zero", "[histogram]") {
  const Histogram empty;

  CHECK(empty.count() == 0);
  CHECK(empty.percentile(0.5) == 0);
  CHECK(empty.mean() == 0);
  CHECK(empty.min() == 0);
  CHECK(empty.max() == 0);
  CHECK(empty.count_above(0) == 0);
}

TEST_CASE("every value lies in its bucket, and buckets are at most 1/128 wide", "[histogram]") {
  auto values = values_of_all_sizes(20'000, 1);
  for (int bit = 0; bit <= 62; ++bit) {
    for (const std::int64_t beside : {-1, 0, 1}) {
      values.push_back(
          std::clamp((std::int64_t{1} << bit) + beside, std::int64_t{0}, Histogram::largest_value));
    }
  }

  int wrong = 0;
  for (const std::int64_t value : values) {
    Histogram one;
    one.record(value);
    one.for_each([&](std::int64_t low, std::int64_t high, std::uint64_t) {
      wrong += !(low <= value && value < high) || (high - low > 1 && high - low > low / 128);
    });
  }
  CHECK(wrong == 0);
}

TEST_CASE("percentiles are off by at most 1/256, and not at all below 256", "[histogram]") {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    auto values = values_of_all_sizes(1000, seed);
    const Histogram histogram = of(values);
    std::sort(values.begin(), values.end());

    for (const double p : {1e-9, 0.001, 0.2, 0.5, 0.9, 0.99, 0.999, 1.0}) {
      const std::int64_t exact = sim::percentile(values, p);
      CAPTURE(seed, p, exact);
      CHECK(std::abs(histogram.percentile(p) - exact) <= exact / 256);
    }
  }
}

TEST_CASE("the ends, the count and the mean are exact", "[histogram]") {
  Histogram histogram;
  histogram.record(1'000'003);
  histogram.record(2'000'001, 3);
  histogram.record(std::chrono::nanoseconds{7});

  CHECK(histogram.count() == 5);
  CHECK(histogram.min() == 7);
  CHECK(histogram.max() == 2'000'001);
  CHECK(histogram.sum() == 7'000'013);
  CHECK(histogram.mean() == 1'400'002.6);
  CHECK(histogram.percentile(0.2) == 7);
  CHECK(histogram.percentile(1) == 2'000'001);
}

TEST_CASE("recording a value many times is recording it that often", "[histogram]") {
  Histogram at_once;
  Histogram one_by_one;

  at_once.record(12'345, 100);
  for (int i = 0; i < 100; ++i) {
    one_by_one.record(12'345);
  }

  CHECK(at_once == one_by_one);
}

TEST_CASE("merging is the same in any order and grouping", "[histogram]") {
  const Histogram a = of(values_of_all_sizes(500, 1));
  const Histogram b = of({3, 5, 8});
  const Histogram c = of(values_of_all_sizes(10, 3));

  Histogram left = a;
  left.merge(b);
  left.merge(c);
  Histogram right = c;
  right.merge(b);
  Histogram grouped = a;
  grouped.merge(right);
  right.merge(a);

  CHECK(left == right);
  CHECK(left == grouped);
}

TEST_CASE("merging is recording everything in one histogram", "[histogram]") {
  auto values = values_of_all_sizes(300, 1);
  const auto more = values_of_all_sizes(200, 2);
  Histogram merged = of(values);
  merged.merge(of(more));
  merged.merge(Histogram{});

  values.insert(values.end(), more.begin(), more.end());
  CHECK(merged == of(values));
}

TEST_CASE("a cleared histogram is as new", "[histogram]") {
  Histogram histogram = of({1, 1000});
  histogram.clear();

  CHECK(histogram == Histogram{});
}

TEST_CASE("what lies above a value is counted, its own bucket apart", "[histogram]") {
  const Histogram histogram = of({10, 10, 20, 100'000, 100'001, 200'000});

  CHECK(histogram.count_above(-1) == 6);
  CHECK(histogram.count_above(9) == 6);
  CHECK(histogram.count_above(10) == 4);
  CHECK(histogram.count_above(100'000) == 1);  // 100'001 shares the bucket
  CHECK(histogram.count_above(200'000) == 0);
  CHECK(histogram.count_above(Histogram::largest_value) == 0);
}

TEST_CASE("buckets come in ascending order and hold every value once", "[histogram]") {
  const Histogram histogram = of(values_of_all_sizes(1000, 4));

  std::uint64_t total = 0;
  std::int64_t end = 0;
  bool ascending = true;
  histogram.for_each([&](std::int64_t low, std::int64_t high, std::uint64_t count) {
    ascending = ascending && end <= low && low < high;
    end = high;
    total += count;
  });
  CHECK(ascending);
  CHECK(total == 1000);
}

TEST_CASE("a percentile's rank is the nearest one, free of rounding", "[histogram]") {
  CHECK(sim::nearest_rank(0.999, 3000) == 2997);
  CHECK(sim::nearest_rank(0.9, 10) == 9);
  CHECK(sim::nearest_rank(0.91, 10) == 10);
  CHECK(sim::nearest_rank(0.07, 100) == 7);  // 0.07 * 100 is 7.000000000000001 in binary
  CHECK(sim::nearest_rank(1e-12, 5) == 1);
  CHECK(sim::nearest_rank(1, 5) == 5);
}

TEST_CASE("very large sums do not wrap", "[histogram]") {
  Histogram histogram;
  histogram.record(Histogram::largest_value, 1000);

  CHECK(histogram.mean() == 0x1p62);
  CHECK(histogram.sum() == INT64_MAX);
}
