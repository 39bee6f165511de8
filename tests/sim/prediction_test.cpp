#include "sim/prediction.h"

#include <array>
#include <catch2/catch.hpp>
#include <cmath>
#include <vector>

#include "sim/rng.h"
#include "sim/ziggurat.h"

// Devore, "Probability and Statistics for Engineering and the Sciences", the fat content of hot dogs: n = 10,
// mean 21.90, s = 4.134; the next hot dog lies in 21.90 -+ 2.262 * 4.134 * sqrt(1 + 1/10) = (12.09, 31.71).
TEST_CASE("the prediction interval of one sample is Student's, as published", "[prediction]") {
  const std::vector<double> fat{25.2, 21.3, 22.8, 17.0, 29.8, 21.0, 25.5, 16.0, 20.9, 19.5};

  const auto interval = sim::student_prediction_interval(fat);

  CHECK(interval.low == Approx(12.09).margin(0.005));
  CHECK(interval.high == Approx(31.71).margin(0.005));
}

TEST_CASE("a prediction interval holds the next value as often as it says", "[prediction]") {
  sim::Stream stream = sim::Rng{7}.stream("next");
  constexpr int trials = 10'000;
  int held = 0;
  for (int i = 0; i < trials; ++i) {
    std::vector<double> values(4);
    for (double& value : values) {
      value = sim::draw_normal(stream);
    }
    held += sim::student_prediction_interval(values, 0.9).contains(sim::draw_normal(stream));
  }

  CHECK(static_cast<double>(held) / trials == Approx(0.9).margin(4 * std::sqrt(0.09 / trials)));
}

// With many degrees of freedom each, t is the normal quantile 1.959964 and variances add: 3^2 + 4^2 = 5^2.
TEST_CASE("independent sources of error add by their squares", "[prediction]") {
  const std::array<sim::VarianceComponent, 2> components{{{9, 1e9}, {16, 1e9}}};

  const auto interval = sim::combined_interval(100, components);

  CHECK(interval.high - 100 == Approx(5 * 1.959964));
  CHECK(100 - interval.low == Approx(5 * 1.959964));
}

// (2 + 2)^2 / (2^2 / 4 + 2^2 / 4) = 8 degrees: t(8, 97.5 %) = 2.306004.
TEST_CASE("degrees of freedom combine as Satterthwaite has it", "[prediction]") {
  const std::array<sim::VarianceComponent, 2> components{{{2, 4}, {2, 4}}};

  CHECK(sim::combined_interval(0, components).high == Approx(2 * 2.306004));
  CHECK(sim::combined_interval(7, {}).low == 7);
}
