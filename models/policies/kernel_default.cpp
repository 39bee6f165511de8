#include "models/policies/kernel_default.h"

#include "models/policies/select_idle_sibling.h"
#include "models/policies/wake_affine.h"

namespace models {

CpuId KernelDefault::select_task_rq(const Placement& placement) {
  const CpuId chosen =
      placement.task.is_rt ? rt_.select_task_rq(rqs_, placement) : select_task_rq_fair(placement);
  return rqs_.allowed(placement.task, chosen) ? chosen : select_fallback_rq(placement.task);
}

CpuId KernelDefault::select_task_rq_fair(const Placement& placement) {
  rqs_.record_wakee(placement.waker, placement.task, placement.now);
  CpuId target = placement.prev;
  if (placement.waker != placement.prev && rqs_.allowed(placement.task, placement.waker) &&
      !wake_wide(rqs_, placement)) {
    for (const SchedDomain& domain : rqs_.domains().of(placement.waker)) {
      if (domain.wake_affine && domain.span.contains(placement.prev)) {
        target = wake_affine(rqs_, domain, placement);
        break;
      }
    }
  }
  return select_idle_sibling(rqs_, placement, target);
}

// The first CPU that the task may use (all are of one node).
CpuId KernelDefault::select_fallback_rq(const Task& task) const {
  for (int i = 0; i < rqs_.cpu_count(); ++i) {
    if (rqs_.allowed(task, static_cast<CpuId>(i))) {
      return static_cast<CpuId>(i);
    }
  }
  return task.cpu;
}

}  // namespace models
