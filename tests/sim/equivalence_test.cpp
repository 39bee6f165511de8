#include "sim/equivalence.h"

#include <array>
#include <catch2/catch.hpp>
#include <cmath>
#include <vector>

#include "sim/rng.h"
#include "sim/ziggurat.h"

using sim::Equivalence;

namespace {

using Values = std::vector<double>;

// The two treatment groups of the clinical data of R's package ETC, variables 1 and 2. The expected numbers
// below are those of tost() of R's package equivalence on them, as statsmodels' test_tost.py prints them.
const Values one_a{2.84, 2.51, 2.41, 2.95, 3.14, 3.79, 4.14, 3.85, 3.02, 3.45, 5.37, 3.81, 4.19, 3.16, 3.84};
const Values one_b{2.60, 2.82, 2.18, 3.46, 4.01, 3.04, 3.47, 4.06, 2.91, 3.59, 4.51, 3.16, 3.86, 3.31, 3.02};
const Values two_a{4.00, 3.26, 4.14, 3.42, 3.25, 4.34, 4.97, 4.31, 3.11, 3.41, 5.02, 4.21, 4.59, 5.30, 4.32};
const Values two_b{3.76, 3.66, 3.65, 3.60, 3.48, 2.87, 3.24, 3.92, 3.99, 4.21, 4.21, 3.31, 3.61, 2.97, 2.73};

Values logs(const Values& values) {
  Values result;
  for (const double value : values) {
    result.push_back(std::log(value));
  }
  return result;
}

}  // namespace

TEST_CASE("Welch's difference has the published standard error and degrees of freedom", "[equivalence]") {
  const auto one = sim::welch_difference(one_a, one_b);
  const auto two = sim::welch_difference(two_a, two_b);

  CHECK(one.mean == Approx(0.1646666666666667));
  CHECK(one.standard_error == Approx(0.2531625991083627));
  CHECK(one.degrees == Approx(26.7484787582315));
  CHECK(two.mean == Approx(0.562666666666666));
  CHECK(two.standard_error == Approx(0.2149871904637392));
  CHECK(two.degrees == Approx(24.11000151062728));
}

TEST_CASE("two one-sided tests of independent samples give the published p values", "[equivalence]") {
  const auto one = two_one_sided_tests(sim::welch_difference(one_a, one_b), {-0.6, 0.6});
  const auto two = two_one_sided_tests(sim::welch_difference(two_a, two_b), {-0.6, 0.6});

  CHECK(one.p_value == Approx(0.04853083976236974));
  CHECK(one.interval.low == Approx(-0.2666862980722534));
  CHECK(one.interval.high == Approx(0.596019631405587));
  CHECK(one.verdict == Equivalence::equivalent);
  CHECK(two.p_value == Approx(0.4317936812594803));
  CHECK(two.verdict == Equivalence::cannot_tell);
}

TEST_CASE("two one-sided tests of pairs give the published p values", "[equivalence]") {
  const auto one = two_one_sided_tests(sim::paired_mean_difference(one_a, one_b), {-0.6, 0.6});
  const auto two = two_one_sided_tests(sim::paired_mean_difference(two_a, two_b), {-0.6, 0.6});

  CHECK(one.p_value == Approx(0.003166881489265175));
  CHECK(one.interval.low == Approx(-0.0744336620516462));
  CHECK(one.interval.high == Approx(0.4037669953849797));
  CHECK(two.p_value == Approx(0.4412034046017588));
  CHECK(two.interval.high == Approx(0.999168002823431));
}

TEST_CASE("ratios are tested on logarithms, with the published p values", "[equivalence]") {
  const double quarter = std::log(1.25);
  const auto independent =
      two_one_sided_tests(sim::welch_difference(logs(one_a), logs(one_b)), {-quarter, quarter});
  const auto paired =
      two_one_sided_tests(sim::paired_mean_difference(logs(one_a), logs(one_b)), {-quarter, quarter});

  CHECK(independent.p_value == Approx(0.01047085593138891));
  CHECK(independent.interval.low == Approx(-0.0819851930203655));
  CHECK(independent.interval.high == Approx(0.1682298566654122));
  CHECK(paired.p_value == Approx(0.0001664157928976468).epsilon(1e-6));
}

TEST_CASE("a difference beyond the margin is told from one that cannot be judged", "[equivalence]") {
  const Values far{10.0, 10.1, 9.9, 10.05};
  const Values near{1.0, 1.1, 0.9, 1.05};
  const Values wild{-20, 22, 3, -4};

  CHECK(two_one_sided_tests(sim::welch_difference(far, near), {-1, 1}).verdict == Equivalence::different);
  CHECK(two_one_sided_tests(sim::welch_difference(near, far), {-1, 1}).verdict == Equivalence::different);
  CHECK(two_one_sided_tests(sim::welch_difference(wild, near), {-1, 1}).verdict == Equivalence::cannot_tell);
}

TEST_CASE("equal constants are equivalent, unequal ones as the margin says", "[equivalence]") {
  const Values one{1, 1, 1};
  const Values two{2, 2};

  CHECK(two_one_sided_tests(sim::welch_difference(one, one), {-0.5, 0.5}).verdict == Equivalence::equivalent);
  CHECK(two_one_sided_tests(sim::welch_difference(one, one), {-0.5, 0.5}).p_value == 0);
  CHECK(two_one_sided_tests(sim::welch_difference(one, two), {-0.5, 0.5}).verdict == Equivalence::different);
  CHECK(two_one_sided_tests(sim::welch_difference(one, two), {-0.5, 0.5}).p_value == 1);
}

// At the margin itself the hypothesis "not equivalent" is true, and rejected with the stated probability.
TEST_CASE("means that differ by the margin pass as equivalent no more often than stated", "[equivalence]") {
  sim::Stream stream = sim::Rng{4}.stream("margin");
  constexpr int trials = 10'000;
  int passed = 0;
  for (int i = 0; i < trials; ++i) {
    Values a(5);
    Values b(5);
    for (std::size_t k = 0; k < a.size(); ++k) {
      a[k] = 1 + 0.2 * sim::draw_normal(stream);
      b[k] = 0.2 * sim::draw_normal(stream);
    }
    passed += two_one_sided_tests(sim::welch_difference(a, b), {-1, 1}).verdict == Equivalence::equivalent;
  }

  CHECK(static_cast<double>(passed) / trials == Approx(0.05).margin(4 * std::sqrt(0.05 * 0.95 / trials)));
}
