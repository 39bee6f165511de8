#include "sim/ziggurat.h"

#include <catch2/catch.hpp>
#include <cmath>

using sim::Ziggurat;

TEST_CASE("a ziggurat's layers have equal areas and end exactly at the top", "[ziggurat]") {
  for (const Ziggurat* zig : {&sim::exponential_ziggurat, &sim::normal_ziggurat}) {
    const double base = zig->edge[0] * zig->density[1];
    double worst = 0;
    for (std::size_t i = 1; i < Ziggurat::layers; ++i) {
      CHECK(zig->edge[i + 1] < zig->edge[i]);
      const double area = zig->edge[i] * (zig->density[i + 1] - zig->density[i]);
      worst = std::max(worst, std::abs(area / base - 1));
    }
    CHECK(worst < 1e-11);  // the top layer gathers the rounding of all below
  }
}

TEST_CASE("the base layer has the area of its rectangle and the tail", "[ziggurat]") {
  const Ziggurat& exponential = sim::exponential_ziggurat;
  const Ziggurat& normal = sim::normal_ziggurat;

  CHECK(exponential.edge[0] * exponential.density[1] ==
        Approx((exponential.edge[1] + 1) * std::exp(-exponential.edge[1])).epsilon(1e-13));
  const double normal_tail = std::sqrt(M_PI / 2) * std::erfc(normal.edge[1] / std::sqrt(2));
  CHECK(normal.edge[0] * normal.density[1] ==
        Approx(normal.edge[1] * normal.density[1] + normal_tail).epsilon(1e-13));
}

TEST_CASE("densities are those of the distribution at the edges", "[ziggurat]") {
  for (std::size_t i = 1; i < Ziggurat::layers; ++i) {
    CHECK(sim::exponential_ziggurat.density[i] ==
          Approx(std::exp(-sim::exponential_ziggurat.edge[i])).epsilon(1e-13));
    const double x = sim::normal_ziggurat.edge[i];
    CHECK(sim::normal_ziggurat.density[i] == Approx(std::exp(-0.5 * x * x)).epsilon(1e-13));
  }
}

TEST_CASE("normal draws are symmetric and of unit variance", "[ziggurat]") {
  sim::Stream stream = sim::Rng{2}.stream("normal");
  constexpr int n = 1'000'000;
  double sum = 0;
  double squares = 0;
  double cubes = 0;
  for (int i = 0; i < n; ++i) {
    const double z = sim::draw_normal(stream);
    sum += z;
    squares += z * z;
    cubes += z * z * z;
  }

  CHECK(std::abs(sum / n) < 4 / std::sqrt(n));
  CHECK(std::abs(squares / n - 1) < 4 * std::sqrt(2.0 / n));
  CHECK(std::abs(cubes / n) < 4 * std::sqrt(15.0 / n));
}
