#include "models/policies/agent_wakeup_placement.h"

namespace models {

CpuId AgentWakeupPlacement::select_task_rq(const Placement& placement) {
  const Task& task = placement.task;
  if (task.latency_class != LatencyClass::agent_interactive) {
    return KernelDefault::select_task_rq(placement);
  }
  const CpuId home = task.home_cpu != CpuId::none ? task.home_cpu : placement.prev;
  if (available(task, home) && quiet(home)) {
    return home;
  }
  const CpuId nearby = select_nearby_quiet_cpu(task, home);
  return nearby != CpuId::none ? nearby : KernelDefault::select_task_rq(placement);
}

// !cpu_irq_hot() && !cpu_softirq_pressure(). A hardirq under way is no heat: it is over in microseconds, and
// an agent's timer always wakes it from one, on the CPU it slept on.
bool AgentWakeupPlacement::quiet(CpuId id) const {
  const Cpu& cpu = sched_->cpu(id);
  const sim::SimTime now = cpu.now();
  return !cpu.in_softirq() && cpu.irq_share(now, Context::hardirq) * 100.0 < config_.irq_hot_percent &&
         cpu.irq_share(now, Context::softirq) * 100.0 < config_.softirq_hot_percent;
}

CpuId AgentWakeupPlacement::select_nearby_quiet_cpu(const Task& task, CpuId home) const {
  const int first = rqs_.llc_first(home);
  const int size = rqs_.llc_size();
  for (int i = 1; i < size; ++i) {
    const auto candidate = static_cast<CpuId>(first + (static_cast<int>(home) - first + i) % size);
    if (available(task, candidate) && quiet(candidate)) {
      return candidate;
    }
  }
  for (int i = 0; i < rqs_.cpu_count(); ++i) {
    const auto candidate = static_cast<CpuId>(i);
    if (!rqs_.share_llc(candidate, home) && available(task, candidate) && quiet(candidate)) {
      return candidate;
    }
  }
  return CpuId::none;
}

}  // namespace models
