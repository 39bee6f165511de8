// Draws costs and keeps account of what was drawn for agents' steps.
//
// Each cost has its own stream, so adding a draw of one cost does not shift the numbers of another.
//
// Models:   dependence between successive draws of one cost, where its profile has an autocorrelation r: a
//           first-order autoregression of normal scores, z' = r z + sqrt(1 - r^2) e, mapped to the cost's own
//           distribution (Cario, Nelson, "Autoregressive to anything", OR Letters 1996). The distribution of
//           single draws stays as it is.
// Left out: dependence between different costs.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "models/costs.h"
#include "sim/rng.h"

namespace models {

class CostSampler {
 public:
  CostSampler(const Costs& costs, const sim::Rng& rng);

  sim::Nanos draw(Cost cost) {
    const auto i = static_cast<std::size_t>(cost);
    if (autocorrelation_[i] != 0) [[unlikely]] {
      return draw_dependent(i);
    }
    return values_[i].sample(streams_[i]);
  }

  // The same, on behalf of an agent's step: a share of its time rests on this cost.
  sim::Nanos draw_for_agent(Cost cost) {
    const sim::Nanos value = draw(cost);
    agent_ns_[static_cast<std::size_t>(cost)] += value.count();
    return value;
  }

  // Time already drawn turns out to be an agent's.
  void book(Cost cost, sim::Nanos value) { agent_ns_[static_cast<std::size_t>(cost)] += value.count(); }

  sim::Nanos draw(Cost cost, bool for_agent) { return for_agent ? draw_for_agent(cost) : draw(cost); }

  const std::array<std::int64_t, cost_count>& agent_ns() const { return agent_ns_; }
  void reset_account() { agent_ns_.fill(0); }

 private:
  sim::Nanos draw_dependent(std::size_t cost);

  std::vector<sim::Distribution> values_;  // by Cost
  std::array<sim::Stream, cost_count> streams_;
  std::array<std::int64_t, cost_count> agent_ns_{};
  std::array<double, cost_count> autocorrelation_{};
  std::array<double, cost_count> score_{};  // the last draw's
};

}  // namespace models
