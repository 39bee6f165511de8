#include "models/policies/pack_on_running.h"

#include <algorithm>

namespace models {

CpuId PackOnRunning::select_task_rq(const Placement& placement) {
  const CpuId here = placement.waker;
  const CpuId prev = placement.prev;
  if (placement.task.is_rt || !rqs_.allowed(placement.task, here)) {
    return KernelDefault::select_task_rq(placement);
  }
  rqs_.record_wakee(here, placement.task, placement.now);
  const int runnable_here = rqs_.nr_runnable(here);
  if (runnable_here == 0) {
    return here;
  }
  if (runnable_here <= config_.limit && fits(placement, here)) {
    return prev == here || placement.sync || rqs_.nr_runnable(prev) == 0 ? here : prev;
  }
  if (prev != here) {
    return prev;
  }
  const CpuId other = other_than(placement);
  return other != CpuId::none ? other : prev;
}

// With the wakee the CPU stays below the gate. Where it slept its share is part of the CPU's utilisation
// already, and is left out (cpu_util_without).
bool PackOnRunning::fits(const Placement& placement, CpuId id) const {
  const Task& task = placement.task;
  const std::int64_t task_util = rqs_.fair().task_util(task.se);
  std::int64_t util = rqs_.cpu_util_cfs(id);
  if (id == placement.prev) {
    util -= std::min(util, task_util);
  } else {
    util += std::max(task_util, task.util_est.estimate);
  }
  return static_cast<double>(util) < config_.utilisation_gate * static_cast<double>(sched_capacity_scale);
}

// A running CPU that is not full, or an idle one if the LLC's budget allows to look for one.
CpuId PackOnRunning::other_than(const Placement& placement) const {
  const LlcShared* llc = rqs_.domains().llc(placement.waker);
  if (llc == nullptr) {
    return CpuId::none;
  }
  const bool look_for_idle = !rqs_.kernel().placement.sis_util || llc->nr_idle_scan != 0;
  const CpuSpan span = llc->span;
  for (int i = 1; i < span.weight; ++i) {
    const auto candidate =
        static_cast<CpuId>(span.first + (static_cast<int>(placement.waker) - span.first + i) % span.weight);
    const int runnable = rqs_.nr_runnable(candidate);
    if (!rqs_.allowed(placement.task, candidate) || rqs_.wakeup_in_flight(candidate) ||
        runnable > config_.limit) {
      continue;
    }
    if (runnable == 0 ? look_for_idle : fits(placement, candidate)) {
      return candidate;
    }
  }
  return CpuId::none;
}

}  // namespace models
