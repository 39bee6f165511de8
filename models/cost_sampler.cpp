#include "models/cost_sampler.h"

#include <string>

namespace models {

CostSampler::CostSampler(const Costs& costs, const sim::Rng& rng) {
  for (const CostEntry& entry : cost_list) {
    values_.push_back(costs[entry.id].value);
    streams_[static_cast<std::size_t>(entry.id)] = rng.stream(std::string("cost/") + std::string(entry.name));
  }
}

}  // namespace models
