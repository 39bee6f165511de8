#include "calibration/validate/predict.h"

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "sim/check.h"
#include "sim/math.h"
#include "sim/prediction.h"
#include "sim/rng.h"
#include "sim/ziggurat.h"

namespace calibration {
namespace {

// Four loads, five repetitions each: the profile keeps the spread and not how many runs it is of.
constexpr double repeat_degrees = 16;

std::vector<double> logs(std::span<const double> values) {
  std::vector<double> result;
  for (const double value : values) {
    sim::check(value > 0, "a predicted percentile is above zero");
    result.push_back(sim::log(value));
  }
  return result;
}

double variance(std::span<const double> values) {
  const double deviation = sim::standard_deviation(values);
  return deviation * deviation;
}

}  // namespace

Prediction predict(const PredictionSources& sources, double confidence) {
  const std::vector<double> replications = logs(sources.replications);
  const std::vector<double> perturbed = logs(sources.perturbed);
  const double n = static_cast<double>(replications.size());
  const double own = variance(replications);
  const double costs = perturbed.size() >= 2 ? std::max(0.0, variance(perturbed) - own) : 0;
  const double measured = sources.repeat_spread * sources.repeat_spread;

  std::vector<sim::VarianceComponent> components{{own / n, n - 1}};
  if (costs > 0) {
    components.push_back({costs, static_cast<double>(perturbed.size()) - 1});
  }
  components.push_back(measured > own ? sim::VarianceComponent{measured, repeat_degrees}
                                      : sim::VarianceComponent{own, n - 1});
  const double centre = sim::mean(replications);
  const sim::Interval interval = sim::combined_interval(centre, components, confidence);
  return {.value = sim::exp(centre),
          .interval = {sim::exp(interval.low), sim::exp(interval.high)},
          .replication = std::sqrt(own / n),
          .calibration = std::sqrt(costs),
          .repeat = std::sqrt(std::max(measured, own))};
}

models::Costs perturbed_costs(const scenarios::Profile& profile, std::uint64_t draw) {
  models::Costs costs = scenarios::costs_of(profile);
  const sim::Rng rng{draw};
  for (const models::CostEntry& entry : models::cost_list) {
    const auto& known = profile[entry.id];
    if (known && known->uncertainty && known->uncertainty->p50 > 0) {
      sim::Stream stream = rng.stream("uncertainty/" + std::string{entry.name});
      costs[entry.id].value =
          costs[entry.id].value.scaled(sim::exp(known->uncertainty->p50 * sim::draw_normal(stream)));
    }
  }
  return costs;
}

bool has_uncertainties(const scenarios::Profile& profile) {
  return std::any_of(profile.costs.begin(), profile.costs.end(), [](const auto& cost) {
    return cost && cost->uncertainty && cost->uncertainty->p50 > 0;
  });
}

double repeat_spread(const scenarios::Profile& profile, models::Metric column, std::size_t percentile) {
  const auto found =
      std::find_if(profile.repeat_spread.begin(), profile.repeat_spread.end(),
                   [&](const auto& each) { return each.column == models::metric_name(column); });
  return found == profile.repeat_spread.end() ? 0 : found->relative[percentile];
}

}  // namespace calibration
