// Experiment D, patch 5: latency-bounded batching for tagged flows.
//
// While a tagged agent waits behind a NAPI, its polls end after `packet_budget` packets or `time_budget`, and
// the agent's packet goes up the stack at once instead of with its batch of gro_normal_batch. NAPI's model
// stays: the rest is polled again in the next pass.
#pragma once

#include <algorithm>

#include "models/policies/kernel_default.h"

namespace models {

class LatencyBoundedNapi : public KernelDefault {
 public:
  static constexpr std::string_view name = "latency_bounded_napi";
  using KernelDefault::KernelDefault;

  PollBounds poll_bounds(const Napi& napi, int weight) {
    if (napi.agent_waiters == 0) {
      return KernelDefault::poll_bounds(napi, weight);
    }
    return {.packets = std::min(weight, config_.packet_budget),
            .time = config_.time_budget,
            .agents_at_once = true};
  }
};

}  // namespace models
