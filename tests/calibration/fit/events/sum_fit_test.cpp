#include <catch2/catch.hpp>
#include <cmath>

#include "calibration/fit/events/sum_fit.h"
#include "sim/rng.h"

using namespace calibration;

namespace {

const sim::Distribution sought = sim::Distribution::lognormal(sim::Nanos{3'000}, 0.5);
const sim::Distribution other = sim::Distribution::lognormal(sim::Nanos{2'000}, 0.6);

std::vector<SumSample> sums(int count, bool coarse) {
  sim::Stream stream = sim::Rng{7}.stream("sums");
  std::vector<SumSample> samples;
  for (int i = 0; i < count; ++i) {
    const std::int64_t begin = static_cast<std::int64_t>(stream.next() % 1'000'000);
    const std::int64_t end = begin + (sought.sample(stream) + other.sample(stream)).count();
    const std::int64_t ns = coarse ? (end / 1000 - begin / 1000) * 1000 : end - begin;
    samples.push_back({static_cast<double>(ns), coarse});
  }
  return samples;
}

}  // namespace

TEST_CASE("a cost is found in a sum with a known one", "[sum_fit]") {
  SumOfCosts known;
  known.add(other);
  std::string why;

  const auto fit = fit_sum(sums(20'000, false), known, why);

  REQUIRE(fit);
  CHECK(fit->form == "lognormal");
  CHECK(fit->value.value.quantile_ns(0.5) == Approx(3'000).epsilon(0.02));
  CHECK(fit->value.value.quantile_ns(0.99) == Approx(sought.quantile_ns(0.99)).epsilon(0.05));
}

TEST_CASE("a clock of whole microseconds costs samples, not accuracy", "[sum_fit]") {
  SumOfCosts known;
  known.add(other);
  std::string why;

  const auto fit = fit_sum(sums(20'000, true), known, why);

  REQUIRE(fit);
  CHECK(fit->value.value.quantile_ns(0.5) == Approx(3'000).epsilon(0.03));
  CHECK(fit->value.value.quantile_ns(0.99) == Approx(sought.quantile_ns(0.99)).epsilon(0.06));
}

TEST_CASE("where the known costs are all there is, nothing is identified", "[sum_fit]") {
  SumOfCosts known;
  known.add(other);
  known.add(sought);
  known.add_constant(500);
  std::string why;

  CHECK_FALSE(fit_sum(sums(2'000, false), known, why));
  CHECK(why == "nothing remains once the known costs are subtracted");
}

TEST_CASE("a cost of two humps is described by a table", "[sum_fit]") {
  sim::Stream stream = sim::Rng{3}.stream("humps");
  std::vector<SumSample> samples;
  for (int i = 0; i < 20'000; ++i) {
    const double cost = stream.next() % 4 == 0 ? 20'000 : 2'000;
    samples.push_back({cost + static_cast<double>(other.sample(stream).count()), false});
  }
  SumOfCosts known;
  known.add(other);
  std::string why;

  const auto fit = fit_sum(samples, known, why);

  REQUIRE(fit);
  CHECK(fit->form == "quantiles");
  CHECK(fit->value.value.quantile_ns(0.6) == Approx(2'000).epsilon(0.3));
  CHECK(fit->value.value.quantile_ns(0.9) == Approx(20'000).epsilon(0.1));
}
