#include "calibration/validate/predict.h"

#include <catch2/catch.hpp>
#include <cmath>

#include "sim/ziggurat.h"

using calibration::Prediction;

namespace {

std::vector<double> lognormals(int n, double centre, double sigma, sim::Stream& stream) {
  std::vector<double> values;
  for (int i = 0; i < n; ++i) {
    values.push_back(centre * std::exp(sigma * sim::draw_normal(stream)));
  }
  return values;
}

}  // namespace

// The simulation scatters by 1 %, its costs by 3 %, real runs by 4 %: each trial has costs of its own.
TEST_CASE("with all three sources known, the interval holds the next real run as often as it says",
          "[validate]") {
  sim::Stream stream = sim::Rng{1}.stream("coverage");
  constexpr int trials = 4000;
  int held = 0;
  for (int i = 0; i < trials; ++i) {
    const double truth = 500e3;
    const double believed = truth * std::exp(0.03 * sim::draw_normal(stream));
    const auto replications = lognormals(5, believed, 0.01, stream);
    std::vector<double> perturbed;
    for (int draw = 0; draw < 8; ++draw) {
      perturbed.push_back(believed *
                          std::exp(0.03 * sim::draw_normal(stream) + 0.01 * sim::draw_normal(stream)));
    }
    const double real = truth * std::exp(0.04 * sim::draw_normal(stream));
    held += calibration::predict({replications, perturbed, 0.04}).interval.contains(real);
  }

  CAPTURE(held);
  CHECK(held > 0.93 * trials);
  CHECK(held < 0.97 * trials);
}

TEST_CASE("an interval that leaves a source out holds too few", "[validate]") {
  sim::Stream stream = sim::Rng{2}.stream("without");
  constexpr int trials = 1000;
  int held = 0;
  for (int i = 0; i < trials; ++i) {
    const auto replications = lognormals(5, 500e3, 0.01, stream);
    held += calibration::predict({replications, {}, 0})
                .interval.contains(500e3 * std::exp(0.04 * sim::draw_normal(stream)));
  }

  CHECK(held < 0.75 * trials);
}

// Logarithms -0.1, 0, 0.1: deviation 0.1, so 0.1^2 / 3 + max(0.2, 0.1)^2; t with Satterthwaite's degrees.
TEST_CASE("sources add by their squares around the geometric mean", "[validate]") {
  const std::vector<double> replications{1000 * std::exp(-0.1), 1000, 1000 * std::exp(0.1)};

  const Prediction prediction = calibration::predict({replications, {}, 0.2});

  CHECK(prediction.value == Approx(1000));
  CHECK(prediction.replication == Approx(0.1 / std::sqrt(3.0)));
  CHECK(prediction.calibration == 0);
  CHECK(prediction.repeat == Approx(0.2));
  CHECK(std::log(prediction.interval.high / 1000) == Approx(std::log(1000 / prediction.interval.low)));
  CHECK(std::log(prediction.interval.high / 1000) > 1.96 * std::sqrt(0.04 + 0.01 / 3));
}

TEST_CASE("real runs are not taken to scatter less than simulated ones do", "[validate]") {
  const std::vector<double> replications{900, 1000, 1100};

  CHECK(calibration::predict({replications, {}, 0.001}).repeat == Approx(0.1).epsilon(0.02));
}

TEST_CASE("costs are drawn anew from their uncertainties, and only those that have one", "[validate]") {
  scenarios::Profile profile;
  for (const models::CostEntry& entry : models::cost_list) {
    profile[entry.id].emplace();
    profile[entry.id]->value = scenarios::written_constant(sim::Nanos{1'000'000});
  }
  CHECK_FALSE(calibration::has_uncertainties(profile));
  const models::Cost known = models::Cost::virtio_blk_request;
  profile[known]->uncertainty = scenarios::CostUncertainty{.p50 = 0.1, .p99 = 0.2};
  CHECK(calibration::has_uncertainties(profile));

  double squares = 0;
  constexpr int draws = 400;
  for (std::uint64_t draw = 1; draw <= draws; ++draw) {
    const models::Costs costs = calibration::perturbed_costs(profile, draw);
    const double ratio = costs[known].value.mean_ns() / 1e6;
    squares += std::log(ratio) * std::log(ratio) / draws;
    CHECK(costs[models::Cost::nvme_read_4k].value.mean_ns() == 1e6);
  }
  CHECK(std::sqrt(squares) == Approx(0.1).epsilon(0.12));
  CHECK(calibration::perturbed_costs(profile, 7)[known].value.mean_ns() ==
        calibration::perturbed_costs(profile, 7)[known].value.mean_ns());
}

TEST_CASE("the spread between repeated runs is found by column and percentile", "[validate]") {
  scenarios::Profile profile;
  profile.repeat_spread = {{"compute", {0.1, 0.2, 0.3, 0.4}}, {"step", {0.01, 0.02, 0.03, 0.04}}};

  CHECK(calibration::repeat_spread(profile, models::Metric::compute, 1) == 0.2);
  CHECK(calibration::repeat_spread(profile, models::Metric::step, 3) == 0.04);
  CHECK(calibration::repeat_spread(profile, models::Metric::tool, 0) == 0);
}
