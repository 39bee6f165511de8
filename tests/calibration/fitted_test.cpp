#include "calibration/fit/fitted.h"

#include <catch2/catch.hpp>

#include "sim/rng.h"
#include "tests/calibration/capture_bench.h"

using namespace calibration;
using namespace std::chrono_literals;

namespace {

MeasuredQuantity sampled(const sim::Distribution& distribution, int count, sim::Nanos resolution) {
  MeasuredQuantity quantity;
  quantity.name = "sampled";
  quantity.resolution = resolution;
  sim::Stream stream = sim::Rng{11}.stream("samples");
  for (int i = 0; i < count; ++i) {
    quantity.values.add(distribution.sample(stream) / resolution);
  }
  return quantity;
}

double parameter(const FittedDistribution& fitted, std::string_view name) {
  for (const FormParameter& candidate : fitted.parameters) {
    if (candidate.name == name) {
      return candidate.value;
    }
  }
  return -1;
}

}  // namespace

TEST_CASE("a lognormal cost is recovered from truncated microseconds", "[fitted]") {
  const FittedDistribution fitted = fit(sampled(sim::Distribution::lognormal(3us, 0.6), 20'000, 1us));

  CHECK(fitted.form == "lognormal");
  CHECK(parameter(fitted, "median") == Approx(3000).epsilon(0.02));
  CHECK(parameter(fitted, "sigma") == Approx(0.6).epsilon(0.03));
  CHECK(fitted.goodness.ks < 0.01);
  CHECK(fitted.tried.size() == all_forms.size());
}

TEST_CASE("a cost of which most runs print 0 or 1 us is recovered by its intervals", "[fitted]") {
  const FittedDistribution fitted = fit(sampled(sim::Distribution::lognormal(700ns, 0.5), 20'000, 1us));

  CHECK(fitted.form == "lognormal");
  CHECK(parameter(fitted, "median") == Approx(700).epsilon(0.05));
  CHECK(parameter(fitted, "sigma") == Approx(0.5).epsilon(0.08));
  REQUIRE(fitted.notes.size() == 1);
  CHECK(fitted.notes[0].find("below 1000 ns is assumed") != std::string::npos);
}

TEST_CASE("each form is recognised by its own values", "[fitted]") {
  const FittedDistribution exponential = fit(sampled(sim::Distribution::exponential(80us), 20'000, 1us));
  const FittedDistribution gamma = fit(sampled(sim::Distribution::gamma(80us, 0.5), 20'000, 1us));
  const FittedDistribution weibull = fit(sampled(sim::Distribution::weibull(80us, 3.0), 20'000, 1ns));
  const FittedDistribution constant = fit(sampled(sim::Distribution::constant(7300ns), 20'000, 1us));

  CHECK(exponential.distribution.mean_ns() == Approx(80'000).epsilon(0.03));
  CHECK(exponential.goodness.ks < 0.01);
  CHECK(gamma.form == "gamma");
  CHECK(parameter(gamma, "cv") == Approx(0.5).epsilon(0.03));
  CHECK(weibull.form == "weibull");
  CHECK(parameter(weibull, "shape") == Approx(3).epsilon(0.03));
  CHECK(constant.form == "constant");
  CHECK(parameter(constant, "value") == Approx(7500).margin(500));
}

TEST_CASE("a cost with two humps becomes a table that keeps its percentiles", "[fitted]") {
  const auto humps = sim::Distribution::mixture(
      {{0.7, sim::Distribution::lognormal(3us, 0.2)}, {0.3, sim::Distribution::lognormal(90us, 0.3)}});
  const MeasuredQuantity quantity = sampled(humps, 20'000, 1us);

  const FittedDistribution fitted = fit(quantity);

  CHECK(fitted.form == "quantiles");
  CHECK(fitted.table.size() < 80);
  CHECK(fitted.goodness.ks < 0.004);
  for (const double p : {0.5, 0.9, 0.99, 0.999}) {
    CHECK(fitted.distribution.quantile_ns(p) == Approx(quantity.dequantized().quantile_ns(p)).epsilon(0.03));
  }
  CHECK(fitted.distribution.quantile(1) == (quantity.values.max() + 1) * 1us);
  CHECK(fitted.why.starts_with("no form is good enough; the closest, "));
}

TEST_CASE("a form that misses the far tail is not good enough", "[fitted]") {
  const auto tailed = sim::Distribution::mixture(
      {{0.997, sim::Distribution::lognormal(5us, 0.4)}, {0.003, sim::Distribution::lognormal(2ms, 0.2)}});

  CHECK(fit(sampled(tailed, 20'000, 1us)).form == "quantiles");
}

TEST_CASE("a few values are never given a form", "[fitted]") {
  const FittedDistribution fitted = fit(sampled(sim::Distribution::exponential(20us), 49, 1us));

  CHECK(fitted.form == "quantiles");
  CHECK(fitted.why.find("fewer than 50") != std::string::npos);
  CHECK(fitted.tried.empty());
}

TEST_CASE("one value alone can be fitted", "[fitted]") {
  CHECK(fit(sampled(sim::Distribution::constant(3us), 1, 1us)).distribution.quantile(0.5) == 3500ns);
  CHECK(fit(sampled(sim::Distribution::constant(3us), 1, 1ns)).distribution.quantile(0.5) == 3us);
  CHECK(fit(sampled(sim::Distribution::constant(0us), 60, 1ns)).distribution.quantile(0.5) == 0us);
}

TEST_CASE("a quantile table begins at 0, ends at 1 and ascends", "[fitted]") {
  const QuantileTable table =
      quantile_table(sampled(sim::Distribution::lognormal(200us, 1.0), 5000, 1ns).bins());

  CHECK(table.front().first == 0);
  CHECK(table.back().first == 1);
  for (std::size_t i = 1; i < table.size(); ++i) {
    CHECK(table[i - 1].first <= table[i].first);
    CHECK(table[i - 1].second <= table[i].second);
  }
}
