// Experiment D, patch 6: requests of tagged agents complete before the others reaped with them, and, on a
// single-queue device, in the interrupt itself instead of the BLOCK softirq behind it.
#pragma once

#include "models/policies/kernel_default.h"

namespace models {

class BlockCompletionClass : public KernelDefault {
 public:
  static constexpr std::string_view name = "block_completion_class";
  using KernelDefault::KernelDefault;

  bool completes_first(const Request& request) {
    return request.latency_class == LatencyClass::agent_interactive;
  }
};

}  // namespace models
