#include "models/cost_sampler.h"

#include <catch2/catch.hpp>
#include <cmath>
#include <vector>

using namespace models;
using namespace sim;

namespace {

constexpr Cost cost = Cost::virtio_blk_request;

std::vector<double> draws(double autocorrelation, int count) {
  Costs costs;
  costs[cost].value = Distribution::lognormal(Nanos{80'000}, 0.3);
  costs[cost].autocorrelation = autocorrelation;
  CostSampler sampler{costs, Rng{1}};
  std::vector<double> logarithms;
  for (int i = 0; i < count; ++i) {
    logarithms.push_back(std::log(static_cast<double>(sampler.draw(cost).count()) / 80'000));
  }
  return logarithms;
}

double lag_one(const std::vector<double>& values) {
  double product = 0;
  double square = 0;
  for (std::size_t i = 1; i < values.size(); ++i) {
    product += values[i] * values[i - 1];
    square += values[i] * values[i];
  }
  return product / square;
}

double deviation(const std::vector<double>& values) {
  double square = 0;
  for (const double value : values) {
    square += value * value;
  }
  return std::sqrt(square / static_cast<double>(values.size()));
}

}  // namespace

TEST_CASE("a cost with an autocorrelation keeps its distribution and depends on its last draw", "[costs]") {
  const std::vector<double> dependent = draws(0.6, 40'000);

  CHECK(lag_one(dependent) == Approx(0.6).margin(0.02));
  CHECK(deviation(dependent) == Approx(0.3).epsilon(0.03));
}

TEST_CASE("a cost without one draws independently", "[costs]") {
  CHECK(lag_one(draws(0, 40'000)) == Approx(0).margin(0.02));
}
