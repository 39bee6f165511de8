#include "models/cost_sampler.h"

#include <cmath>
#include <string>

#include "sim/special_functions.h"
#include "sim/ziggurat.h"

namespace models {

CostSampler::CostSampler(const Costs& costs, const sim::Rng& rng) {
  for (const CostEntry& entry : cost_list) {
    values_.push_back(costs[entry.id].value);
    const auto i = static_cast<std::size_t>(entry.id);
    streams_[i] = rng.stream(std::string("cost/") + std::string(entry.name));
    if (!costs[entry.id].value.is_constant()) {
      autocorrelation_[i] = costs[entry.id].autocorrelation;
    }
    if (autocorrelation_[i] != 0) {
      score_[i] = sim::draw_normal(streams_[i]);
    }
  }
}

sim::Nanos CostSampler::draw_dependent(std::size_t cost) {
  const double r = autocorrelation_[cost];
  score_[cost] = r * score_[cost] + std::sqrt(1 - r * r) * sim::draw_normal(streams_[cost]);
  return values_[cost].quantile(sim::normal_cdf(score_[cost]));
}

}  // namespace models
