#include "sim/math.h"

#include <catch2/catch.hpp>
#include <cmath>
#include <limits>

#include "sim/rng.h"

namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();

double relative_error(double value, long double exact) {
  return static_cast<double>(std::abs((static_cast<long double>(value) - exact) / exact));
}

}  // namespace

TEST_CASE("exp is within 4e-16 of the true value over its whole range", "[math]") {
  sim::Stream stream = sim::Rng{1}.stream("exp");
  double worst = 0;

  for (int i = 0; i < 300'000; ++i) {
    const double wide = -707.7 + stream.uniform() * (707.7 + 709.78);
    const double narrow = stream.uniform() * 2 - 1;
    worst = std::max(worst, relative_error(sim::exp(wide), std::exp(static_cast<long double>(wide))));
    worst = std::max(worst, relative_error(sim::exp(narrow), std::exp(static_cast<long double>(narrow))));
  }

  CHECK(worst < 4e-16);
}

TEST_CASE("exp is exact at 0 and saturates at both ends", "[math]") {
  CHECK(sim::exp(0) == 1);
  CHECK(sim::exp(-708) == 0);
  CHECK(sim::exp(-infinity) == 0);
  CHECK(sim::exp(709.78) < infinity);
  CHECK(sim::exp(709.79) == infinity);
  CHECK(std::isnan(sim::exp(std::numeric_limits<double>::quiet_NaN())));
}

TEST_CASE("log is within 4e-16 of the true value, near 1 too", "[math]") {
  sim::Stream stream = sim::Rng{1}.stream("log");
  double worst = 0;

  for (int i = 0; i < 300'000; ++i) {
    const double any = std::bit_cast<double>(stream.below(std::bit_cast<std::uint64_t>(infinity) - 1) + 1);
    const double near_one = 1 + (stream.uniform() - 0.5) / 16;
    worst = std::max(worst, relative_error(sim::log(any), std::log(static_cast<long double>(any))));
    if (near_one != 1) {
      worst =
          std::max(worst, relative_error(sim::log(near_one), std::log(static_cast<long double>(near_one))));
    }
  }

  CHECK(worst < 4e-16);
}

TEST_CASE("log has the usual values at the ends of its range", "[math]") {
  CHECK(sim::log(1) == 0);
  CHECK(sim::log(0) == -infinity);
  CHECK(sim::log(infinity) == infinity);
  CHECK(std::isnan(sim::log(-1)));
  CHECK(sim::log(5e-324) == Approx(-744.4400719213812).epsilon(1e-15));
}

TEST_CASE("pow is within its stated error", "[math]") {
  sim::Stream stream = sim::Rng{1}.stream("pow");
  double worst = 0;

  for (int i = 0; i < 300'000; ++i) {
    const double x = std::exp((stream.uniform() - 0.5) * 40);
    const double y = (stream.uniform() - 0.5) * 60;
    const double bound = 4e-16 * (1 + std::abs(y * std::log(x)));
    worst = std::max(worst, relative_error(sim::pow(x, y), std::pow(static_cast<long double>(x), y)) / bound);
  }

  CHECK(worst < 1);
  CHECK(sim::pow(0, 2) == 0);
  CHECK(sim::pow(0, 0) == 1);
  CHECK(sim::pow(1, 1e300) == 1);
}

TEST_CASE("compile time and run time give the same bits", "[math]") {
  constexpr double compiled_log = sim::log(0.3);
  constexpr double compiled_exp = sim::exp(-7.25);
  volatile double a = 0.3;
  volatile double b = -7.25;

  CHECK(sim::log(a) == compiled_log);
  CHECK(sim::exp(b) == compiled_exp);
}
