// What Linux does by default, at every hook that a policy may redefine. Derive from it and redefine only the
// hooks that differ; hooks carry kernel names.
//
// Models:   kernel/sched/fair.c:select_task_rq_fair -> wake_affine_idle, select_idle_sibling (waker's CPU,
//           previous CPU, recently used CPU, an idle core, then a scan of the LLC from the target on).
//           RT: select_task_rq_rt keeps the previous CPU unless it runs an RT task of at least its priority.
// Left out: wake_wide, wake_affine_weight (an undecided pair stays on the previous CPU), SIS_UTIL's scan
//           budget (every CPU of the LLC is looked at), NUMA levels, asymmetric capacity.
#pragma once

#include <string_view>

#include "models/napi.h"
#include "models/policy_config.h"
#include "models/request.h"
#include "models/sched.h"

namespace models {

class KernelDefault {
 public:
  static constexpr std::string_view name = "kernel_default";
  KernelDefault(Sched& sched, const PolicyConfig& config) : sched_{sched}, config_{config} {}

  CpuId select_task_rq(const Placement& placement);
  PollBounds poll_bounds(const Napi&, int weight) {
    return {.packets = weight, .time = sim::Nanos{0}, .agents_at_once = false};
  }
  bool completes_first(const Request&) { return false; }

 protected:
  CpuId select_idle_sibling(const Placement& placement, CpuId target);
  bool available(const Task& task, CpuId id) const { return sched_.allowed(task, id) && sched_.idle_cpu(id); }

  Sched& sched_;
  PolicyConfig config_;

 private:
  CpuId wake_affine_idle(const Placement& placement);
  CpuId select_task_rq_rt(const Placement& placement);
  CpuId idle_core(const Task& task, CpuId target);
  CpuId idle_in_llc(const Task& task, CpuId target);
  CpuId first_allowed(const Task& task, CpuId from);
};

}  // namespace models
