// The placement policies that a replay can ask, over run queues that the replay drives.
#pragma once

#include <string>
#include <variant>

#include "models/policies/kernel_default.h"
#include "models/policies/pack_on_running.h"
#include "models/policy_config.h"
#include "models/run_queues.h"

namespace calibration {

class ReplayPlacement {
 public:
  // `config.name`: kernel_default or pack_on_running. Throws InputError for any other.
  ReplayPlacement(const models::PolicyConfig& config, models::RunQueues& queues);

  models::CpuId select_task_rq(const models::Placement& placement) {
    return std::visit([&](auto& policy) { return policy.select_task_rq(placement); }, policy_);
  }

 private:
  std::variant<models::KernelDefault, models::PackOnRunning> policy_;
};

}  // namespace calibration
