// Experiment D, patches 1, 2 and 8: an agent resumes on its home CPU, unless that is hot with interrupts.
//
//   home online, allowed, idle, not irq-hot, no softirq pressure  ->  home
//   else  select_nearby_quiet_cpu: the idle, quiet CPU nearest to home (its LLC first)
//   else  what the kernel does by default
//
// The proposal's sketch takes a quiet home even when it is busy; an agent that waits behind another task
// there gains nothing, so a busy home counts as not available. DECISIONS.md has the measurement.
#pragma once

#include "models/policies/kernel_default.h"
#include "models/sched.h"

namespace models {

class AgentWakeupPlacement : public KernelDefault {
 public:
  static constexpr std::string_view name = "agent_wakeup_placement";
  // Interrupts and softirqs are the CPUs' to know.
  AgentWakeupPlacement(Sched& sched, const PolicyConfig& config)
      : KernelDefault{sched, config}, sched_{&sched} {}

  CpuId select_task_rq(const Placement& placement);

 private:
  bool quiet(CpuId id) const;
  CpuId select_nearby_quiet_cpu(const Task& task, CpuId home) const;

  const Sched* sched_;
};

}  // namespace models
