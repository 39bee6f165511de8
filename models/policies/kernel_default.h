// What Linux does by default, at every hook that a policy may redefine. Derive from it and redefine only the
// hooks that differ; hooks carry kernel names.
//
// Models:   kernel/sched/fair.c:select_task_rq_fair: wake_wide and wake_affine choose a target
// (wake_affine.h),
//           select_idle_sibling an idle CPU near it (select_idle_sibling.h); rt.c:select_task_rq_rt
//           (select_task_rq_rt.h); core.c:select_fallback_rq for a choice that affinity forbids.
// Left out: energy-aware placement, WF_CURRENT_CPU, the slow path of fork and exec.
#pragma once

#include <string_view>

#include "models/napi.h"
#include "models/policies/select_task_rq_rt.h"
#include "models/policy_config.h"
#include "models/request.h"
#include "models/run_queues.h"

namespace models {

class KernelDefault {
 public:
  static constexpr std::string_view name = "kernel_default";
  KernelDefault(RunQueues& rqs, const PolicyConfig& config) : rqs_{rqs}, config_{config} {}

  // Counts the wakeup for wake_wide (record_wakee) on the way, as the kernel does.
  CpuId select_task_rq(const Placement& placement);
  PollBounds poll_bounds(const Napi&, int weight) {
    return {.packets = weight, .time = sim::Nanos{0}, .agents_at_once = false};
  }
  bool completes_first(const Request&) { return false; }

 protected:
  bool available(const Task& task, CpuId id) const { return rqs_.allowed(task, id) && rqs_.idle_cpu(id); }

  RunQueues& rqs_;
  PolicyConfig config_;

 private:
  CpuId select_task_rq_fair(const Placement& placement);
  CpuId select_fallback_rq(const Task& task) const;

  RtPlacement rt_;
};

}  // namespace models
