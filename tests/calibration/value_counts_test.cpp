#include "calibration/fit/value_counts.h"

#include <catch2/catch.hpp>

using calibration::ValueCounts;

TEST_CASE("percentiles of counted values are nearest rank", "[value_counts]") {
  ValueCounts counts;
  counts.add(0, 490);
  counts.add(7, 500);
  counts.add(300, 10);

  CHECK(counts.count() == 1000);
  CHECK(counts.quantile(0) == 0);
  CHECK(counts.quantile(0.49) == 0);
  CHECK(counts.quantile(0.4901) == 7);
  CHECK(counts.quantile(0.99) == 7);
  CHECK(counts.quantile(0.991) == 300);
  CHECK(counts.quantile(1) == 300);
  CHECK(counts.mean() == Approx(6.5));
}

TEST_CASE("counts of two captures add up", "[value_counts]") {
  ValueCounts one;
  one.add(3, 2);
  ValueCounts two;
  two.add(3);
  two.add(-4);
  one.add(two);

  CHECK(one.count() == 4);
  CHECK(one.values().at(3) == 3);
  CHECK(one.min() == -4);
}
