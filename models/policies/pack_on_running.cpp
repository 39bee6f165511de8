#include "models/policies/pack_on_running.h"

namespace models {

CpuId PackOnRunning::select_task_rq(const Placement& placement) {
  const CpuId here = placement.waker;
  const CpuId prev = placement.prev;
  if (placement.task.is_rt || !sched_.allowed(placement.task, here)) {
    return KernelDefault::select_task_rq(placement);
  }
  const int runnable_here = sched_.nr_runnable(here);
  if (runnable_here == 0) {
    return here;
  }
  const bool gate_open = sched_.utilisation() < config_.utilisation_gate;
  if (runnable_here <= config_.limit) {
    if (prev == here) {
      return here;
    }
    return gate_open && (placement.sync || sched_.nr_runnable(prev) == 0) ? here : prev;
  }
  if (prev != here) {
    return prev;
  }
  const CpuId other = other_than(placement);
  if (other != CpuId::none && gate_open && sched_.nr_runnable(other) <= config_.limit &&
      !sched_.wakeup_in_flight(other)) {
    return other;
  }
  return prev;
}

CpuId PackOnRunning::other_than(const Placement& placement) const {
  const int first = sched_.llc_first(placement.waker);
  for (int i = 1; i < sched_.llc_size(); ++i) {
    const auto candidate =
        static_cast<CpuId>(first + (static_cast<int>(placement.waker) - first + i) % sched_.llc_size());
    if (sched_.allowed(placement.task, candidate) && sched_.nr_runnable(candidate) <= config_.limit) {
      return candidate;
    }
  }
  return CpuId::none;
}

}  // namespace models
