// A running task is pushed by its CPU's stopper when balancing has failed to move any that waits.
#include <algorithm>

#include "models/load_balance.h"

namespace models {

bool LoadBalance::need_active_balance(const LbEnv& env) const {
  const SchedDomain& sd = env.sd();
  if (env.migration_type == MigrationType::task && sd.nr_balance_failed > sd.cache_nice_tries + 2) {
    return true;
  }
  // Its only task would do better on the idle destination.
  return !env.busy() && h_nr_counted(rqs_, rules_, env.src) == 1 && check_cpu_capacity(rqs_, sd, env.src) &&
         rqs_.rq(env.src).cpu_capacity * sd.imbalance_pct < rqs_.rq(env.dst).cpu_capacity * 100;
}

// False: what runs there may not run here.
bool LoadBalance::request_active_balance(LbEnv& env, CpuId id, bool& requested) {
  const Task* curr = rqs_.curr(env.src);
  if (curr == nullptr || !rqs_.allowed(*curr, id)) {
    return false;
  }
  env.all_pinned = false;
  Local& busiest = locals_[index(env.src)];
  if (!busiest.active_balance) {
    busiest.active_balance = true;
    busiest.push_cpu = id;
    requested = true;
    active_balance(env.src, id);
  }
  return true;
}

// active_load_balance_cpu_stop: one task, no longer running since the stopper is.
void LoadBalance::push_running(CpuId busiest, sim::SimTime now) {
  set_now(now);
  Local& local = locals_[index(busiest)];
  local.active_balance = false;
  if (rqs_.nr_running(busiest) < 1) {
    return;  // the stopper, which the kernel counts, is alone
  }
  const auto domains = rqs_.domains().of(local.push_cpu);
  const auto sd = std::find_if(domains.begin(), domains.end(),
                               [&](const SchedDomain& each) { return each.span.contains(busiest); });
  if (sd == domains.end()) {
    return;
  }
  LbEnv env{.domains = domains,
            .level = static_cast<std::size_t>(sd - domains.begin()),
            .dst = local.push_cpu,
            .src = busiest,
            .idle = CpuIdleType::idle,
            .rules = rules_,
            .active_lb = true};
  update_rq_clock(busiest);
  for (Task* task = rqs_.cfs_tasks_tail(busiest); task != nullptr; task = task->cfs_prev) {
    if (task->se.on_rq && can_migrate_task(*task, env)) {
      detach_task(*task, busiest, env.dst);
      detached_[0] = task;
      env.sd().nr_balance_failed = 0;
      attach_tasks(env.dst, 1);
      return;
    }
  }
}

}  // namespace models
