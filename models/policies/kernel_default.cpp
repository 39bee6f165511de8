#include "models/policies/kernel_default.h"

namespace models {

CpuId KernelDefault::select_task_rq(const Placement& placement) {
  if (placement.task.is_rt) {
    return select_task_rq_rt(placement);
  }
  CpuId target = placement.prev;
  if (sched_.allowed(placement.task, placement.waker)) {
    target = wake_affine_idle(placement);
  }
  const CpuId chosen = select_idle_sibling(placement, target);
  return sched_.allowed(placement.task, chosen) ? chosen : first_allowed(placement.task, chosen);
}

CpuId KernelDefault::wake_affine_idle(const Placement& placement) {
  const CpuId here = placement.waker;
  const CpuId prev = placement.prev;
  if (here == prev) {
    return here;
  }
  if (sched_.idle_cpu(here) && sched_.share_llc(here, prev)) {
    return sched_.idle_cpu(prev) ? prev : here;
  }
  if (placement.sync && sched_.nr_runnable(here) == 1) {
    return here;
  }
  return prev;
}

CpuId KernelDefault::select_idle_sibling(const Placement& placement, CpuId target) {
  Task& task = placement.task;
  const CpuId prev = placement.prev;
  if (available(task, target)) {
    return target;
  }
  if (prev != target && sched_.share_llc(prev, target) && available(task, prev)) {
    return prev;
  }
  const CpuId recent = std::exchange(task.recent_used_cpu, prev);
  if (recent != prev && recent != target && sched_.share_llc(recent, target) && available(task, recent)) {
    return recent;
  }
  if (sched_.smt() > 1) {
    if (const CpuId core = idle_core(task, target); core != CpuId::none) {
      return core;
    }
  }
  const CpuId idle = idle_in_llc(task, target);
  return idle != CpuId::none ? idle : target;
}

// A core all of whose threads are idle, from the target on.
CpuId KernelDefault::idle_core(const Task& task, CpuId target) {
  const int first = sched_.llc_first(target);
  const int size = sched_.llc_size();
  const int threads = sched_.smt();
  for (int i = 0; i < size / threads; ++i) {
    const int core = first + (static_cast<int>(target) - first + i * threads) % size / threads * threads;
    bool all_idle = true;
    for (int thread = core; thread < core + threads; ++thread) {
      all_idle = all_idle && sched_.idle_cpu(static_cast<CpuId>(thread));
    }
    if (all_idle && sched_.allowed(task, static_cast<CpuId>(core))) {
      return static_cast<CpuId>(core);
    }
  }
  return CpuId::none;
}

CpuId KernelDefault::idle_in_llc(const Task& task, CpuId target) {
  const int first = sched_.llc_first(target);
  const int size = sched_.llc_size();
  for (int i = 1; i < size; ++i) {
    const auto candidate = static_cast<CpuId>(first + (static_cast<int>(target) - first + i) % size);
    if (available(task, candidate)) {
      return candidate;
    }
  }
  return CpuId::none;
}

CpuId KernelDefault::select_task_rq_rt(const Placement& placement) {
  const Task* curr = sched_.curr(placement.prev);
  const bool blocked =
      curr != nullptr && curr->is_rt && curr->rt.rt_priority >= placement.task.rt.rt_priority;
  if (!blocked) {
    return placement.prev;
  }
  for (int i = 0; i < sched_.cpu_count(); ++i) {  // cpupri_find: a CPU that runs no RT task
    const auto candidate = static_cast<CpuId>(i);
    const Task* other = sched_.curr(candidate);
    if (sched_.allowed(placement.task, candidate) && (other == nullptr || !other->is_rt)) {
      return candidate;
    }
  }
  return placement.prev;
}

CpuId KernelDefault::first_allowed(const Task& task, CpuId from) {
  for (int i = 0; i < sched_.cpu_count(); ++i) {
    const auto candidate = static_cast<CpuId>((static_cast<int>(from) + i) % sched_.cpu_count());
    if (sched_.allowed(task, candidate)) {
      return candidate;
    }
  }
  return from;
}

}  // namespace models
