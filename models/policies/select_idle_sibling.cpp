#include "models/policies/select_idle_sibling.h"

#include <limits>
#include <utility>

namespace models {

namespace {

bool idle_enough(const RunQueues& rqs, CpuId id) { return rqs.idle_cpu(id) || rqs.sched_idle_cpu(id); }

// is_per_cpu_kthread(current); an idle task is one.
bool waker_is_per_cpu_kthread(const RunQueues& rqs, CpuId waker) {
  const Task* curr = rqs.curr(waker);
  return curr == nullptr || (curr->role == Role::kernel && curr->nr_allowed == 1);
}

CpuId select_idle_smt(const RunQueues& rqs, const Task& task, CpuId prev) {
  const CpuSpan threads = rqs.domains().smt_mask(prev);
  for (int i = threads.first; i < threads.first + threads.weight; ++i) {
    const auto candidate = static_cast<CpuId>(i);
    if (candidate != prev && rqs.allowed(task, candidate) && idle_enough(rqs, candidate)) {
      return candidate;
    }
  }
  return CpuId::none;
}

// Whether all threads of a core are idle. `idle_cpu` is the first idle one that the task may use, of any core
// looked at so far.
bool select_idle_core(const RunQueues& rqs, const Task& task, CpuSpan threads, CpuId& idle_cpu) {
  bool all_idle = true;
  for (int i = threads.first; i < threads.first + threads.weight; ++i) {
    const auto thread = static_cast<CpuId>(i);
    const bool idle = rqs.idle_cpu(thread);
    all_idle = all_idle && idle;
    if (!idle && idle_cpu != CpuId::none) {
      break;
    }
    if (idle_cpu == CpuId::none && rqs.allowed(task, thread) && (idle || rqs.sched_idle_cpu(thread))) {
      idle_cpu = thread;
    }
  }
  return all_idle;
}

// The LLC's allowed CPUs from target + 1 on, around to the target: a wholly idle core. If there is none, that
// is remembered, and the first idle CPU met has to do.
CpuId scan_cores(const RunQueues& rqs, LlcShared& llc, const Task& task, CpuId target) {
  CpuId idle_cpu = CpuId::none;
  CpuMask seen;
  const CpuSpan span = llc.span;
  for (int i = 1; i <= span.weight; ++i) {
    const auto candidate =
        static_cast<CpuId>(span.first + (static_cast<int>(target) - span.first + i) % span.weight);
    if (!rqs.allowed(task, candidate) || seen.test(index(candidate))) {
      continue;
    }
    const CpuSpan threads = rqs.domains().smt_mask(candidate);
    if (select_idle_core(rqs, task, threads, idle_cpu)) {
      return candidate;
    }
    for (int thread = threads.first; thread < threads.first + threads.weight; ++thread) {
      seen.set(static_cast<std::size_t>(thread));
    }
  }
  llc.has_idle_cores = false;
  return idle_cpu;
}

CpuId scan_cpus(const RunQueues& rqs, const LlcShared& llc, const Task& task, CpuId target, int budget) {
  const CpuSpan span = llc.span;
  for (int i = 1; i <= span.weight; ++i) {
    const auto candidate =
        static_cast<CpuId>(span.first + (static_cast<int>(target) - span.first + i) % span.weight);
    if (!rqs.allowed(task, candidate)) {
      continue;
    }
    if (--budget <= 0) {
      return CpuId::none;
    }
    if (idle_enough(rqs, candidate)) {
      return candidate;
    }
  }
  return CpuId::none;
}

CpuId select_idle_cpu(const RunQueues& rqs, LlcShared& llc, const Task& task, CpuId target,
                      bool has_idle_core) {
  int budget = std::numeric_limits<int>::max();
  if (rqs.kernel().placement.sis_util) {
    budget = llc.nr_idle_scan + 1;
    if (budget == 1) {
      return CpuId::none;
    }
  }
  return has_idle_core ? scan_cores(rqs, llc, task, target) : scan_cpus(rqs, llc, task, target, budget);
}

}  // namespace

CpuId select_idle_sibling(RunQueues& rqs, const Placement& placement, CpuId target) {
  Task& task = placement.task;
  const CpuId prev = placement.prev;
  if (idle_enough(rqs, target)) {
    return target;
  }
  if (prev != target && rqs.share_llc(prev, target) && idle_enough(rqs, prev)) {
    return prev;
  }
  // The wakee queued work for the kernel thread, which is done with it: as good as a sync wakeup.
  if (placement.in_task && prev == placement.waker && rqs.nr_running(prev) <= 1 &&
      waker_is_per_cpu_kthread(rqs, placement.waker)) {
    return prev;
  }
  const CpuId recent = std::exchange(task.recent_used_cpu, prev);
  if (recent != prev && recent != target && rqs.share_llc(recent, target) && idle_enough(rqs, recent) &&
      rqs.allowed(task, recent)) {
    return recent;
  }
  LlcShared* llc = rqs.domains().llc(target);
  if (llc == nullptr) {
    return target;
  }
  bool has_idle_core = false;
  if (rqs.domains().smt_active()) {
    has_idle_core = llc->has_idle_cores;
    if (!has_idle_core && rqs.share_llc(prev, target)) {
      if (const CpuId sibling = select_idle_smt(rqs, task, prev); sibling != CpuId::none) {
        return sibling;
      }
    }
  }
  const CpuId idle = select_idle_cpu(rqs, *llc, task, target, has_idle_core);
  return idle != CpuId::none ? idle : target;
}

}  // namespace models
