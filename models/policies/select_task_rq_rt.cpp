#include "models/policies/select_task_rq_rt.h"

namespace models {

CpuId RtPlacement::select_task_rq(const RunQueues& rqs, const Placement& placement) {
  const Task* curr = rqs.curr(placement.prev);
  const int priority = placement.task.rt.rt_priority;
  const bool blocked =
      curr != nullptr && curr->is_rt && (curr->nr_allowed < 2 || curr->rt.rt_priority >= priority);
  if (!blocked) {
    return placement.prev;
  }
  const CpuId lowest = find_lowest_rq(rqs, placement);
  return lowest != CpuId::none && rqs.rq(lowest).rt.highest_prio() < priority ? lowest : placement.prev;
}

CpuId RtPlacement::find_lowest_rq(const RunQueues& rqs, const Placement& placement) {
  const Task& task = placement.task;
  if (task.nr_allowed == 1) {
    return CpuId::none;
  }
  // cpupri_find: of the CPUs whose tasks are all of lower priority, those whose highest is lowest.
  int lowest = task.rt.rt_priority;
  CpuMask mask;
  for (int i = 0; i < rqs.cpu_count(); ++i) {
    const auto candidate = static_cast<CpuId>(i);
    const int highest = rqs.rq(candidate).rt.highest_prio();
    if (!rqs.allowed(task, candidate) || highest > lowest || highest >= task.rt.rt_priority) {
      continue;
    }
    if (highest < lowest) {
      lowest = highest;
      mask.reset();
    }
    mask.set(index(candidate));
  }
  if (mask.none()) {
    return CpuId::none;
  }
  if (mask.test(index(placement.prev))) {
    return placement.prev;
  }
  const bool waker = mask.test(index(placement.waker));
  for (const SchedDomain& domain : rqs.domains().of(placement.prev)) {
    if (!domain.wake_affine) {
      continue;
    }
    if (waker && domain.span.contains(placement.waker)) {
      return placement.waker;
    }
    if (const CpuId any = any_and_distribute(placement.waker, mask, domain.span); any != CpuId::none) {
      return any;
    }
  }
  return waker ? placement.waker : any_and_distribute(placement.waker, mask, {0, rqs.cpu_count()});
}

// cpumask_any_and_distribute: the next one after the one that this CPU chose last, around the machine.
CpuId RtPlacement::any_and_distribute(CpuId waker, const CpuMask& mask, CpuSpan span) {
  if (distribute_prev_.size() <= index(waker)) {
    distribute_prev_.resize(index(waker) + 1);
  }
  int& prev = distribute_prev_[index(waker)];
  const int end = span.first + span.weight;
  int chosen = end;
  for (int i = span.first; i < end; ++i) {
    if (mask.test(static_cast<std::size_t>(i)) && (chosen == end || (i > prev && chosen <= prev))) {
      chosen = i;
    }
  }
  if (chosen == end) {
    return CpuId::none;
  }
  prev = chosen;
  return static_cast<CpuId>(chosen);
}

}  // namespace models
