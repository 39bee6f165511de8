#include "models/policies/wake_affine.h"

#include <utility>

namespace models {

namespace {

// CpuId::none: undecided.
CpuId wake_affine_idle(const RunQueues& rqs, const Placement& placement) {
  const CpuId here = placement.waker;
  const CpuId prev = placement.prev;
  if (rqs.idle_cpu(here) && rqs.share_llc(here, prev)) {
    return rqs.idle_cpu(prev) ? prev : here;
  }
  if (placement.sync && rqs.nr_runnable(here) == 1) {
    return here;
  }
  return rqs.idle_cpu(prev) ? prev : CpuId::none;
}

// task_h_load(current). Idle tasks were forked with the load of nice 0, which nothing ever updates; the boot
// CPU's is init_task, without any.
std::int64_t current_load(const RunQueues& rqs, CpuId id) {
  const Task* curr = rqs.curr(id);
  if (curr == nullptr) {
    const std::int64_t queue = rqs.fair().cpu_load(id);
    return id == CpuId{0} ? 0 : sched_capacity_scale * queue / (queue + 1);
  }
  return curr->is_rt ? 0 : rqs.fair().task_h_load(curr->se);
}

bool wake_affine_weight(const RunQueues& rqs, const SchedDomain& domain, const Placement& placement) {
  const PlacementFeatures& features = rqs.kernel().placement;
  std::int64_t here_load = rqs.fair().cpu_load(placement.waker);
  if (placement.sync) {
    const std::int64_t current = current_load(rqs, placement.waker);
    if (current > here_load) {
      return true;
    }
    here_load -= current;
  }
  const std::int64_t task_load = rqs.fair().task_h_load(placement.task.se);
  here_load += task_load;
  std::int64_t prev_load = rqs.fair().cpu_load(placement.prev) - task_load;
  if (features.wa_bias) {
    here_load *= 100;
    prev_load *= 100 + (domain.imbalance_pct - 100) / 2;
  }
  here_load *= rqs.rq(placement.prev).cpu_capacity;
  prev_load *= rqs.rq(placement.waker).cpu_capacity;
  // A tie of a sync wakeup goes to the waker.
  return here_load < prev_load + (placement.sync ? 1 : 0);
}

}  // namespace

bool wake_wide(const RunQueues& rqs, const Placement& placement) {
  const Task* curr = rqs.curr(placement.waker);
  int master = curr == nullptr ? rqs.rq(placement.waker).swapper.flips : curr->wakee.flips;
  int slave = placement.task.wakee.flips;
  if (master < slave) {
    std::swap(master, slave);
  }
  const int factor = rqs.domains().llc_size(placement.waker);
  return slave >= factor && master >= slave * factor;
}

CpuId wake_affine(const RunQueues& rqs, const SchedDomain& domain, const Placement& placement) {
  const PlacementFeatures& features = rqs.kernel().placement;
  CpuId target = CpuId::none;
  if (features.wa_idle) {
    target = wake_affine_idle(rqs, placement);
  }
  if (features.wa_weight && target == CpuId::none && wake_affine_weight(rqs, domain, placement)) {
    target = placement.waker;
  }
  return target == placement.waker ? placement.waker : placement.prev;
}

}  // namespace models
