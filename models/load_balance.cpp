#include "models/load_balance.h"

#include <algorithm>

#include "models/busiest_group.h"

namespace models {

namespace {

constexpr int nr_migrate = 32;                     // sysctl_sched_nr_migrate
constexpr std::int64_t migration_cost = 500'000;   // sysctl_sched_migration_cost, ns
constexpr std::int64_t max_pinned_interval = 512;  // MAX_PINNED_INTERVAL, ms

// All threads of the CPU's core but itself idle.
bool is_core_idle(const RunQueues& rqs, CpuId id) {
  const CpuSpan threads = rqs.domains().smt_mask(id);
  for (int i = threads.first; i < threads.first + threads.weight; ++i) {
    if (static_cast<CpuId>(i) != id && !rqs.idle_cpu(static_cast<CpuId>(i))) {
      return false;
    }
  }
  return true;
}

}  // namespace

LoadBalance::LoadBalance(RunQueues& rqs, const sim::Rng& rng)
    : rqs_{rqs},
      rules_{balance_rules(rqs.kernel().release)},
      tick_{1'000'000'000 / rqs.kernel().hz},
      hz_{rqs.kernel().hz},
      max_interval_{std::max(hz_ * rqs.cpu_count() / 10, std::int64_t{1})},
      locals_(static_cast<std::size_t>(rqs.cpu_count())) {
  for (std::size_t i = 0; i < locals_.size(); ++i) {
    locals_[i].dice = rng.stream("sched/newidle", i);
  }
}

// sched_balance_rq: how many tasks were moved.
int LoadBalance::balance_rq(CpuId id, std::size_t level, CpuIdleType idle, bool& continue_balancing) {
  LbEnv env{.domains = rqs_.domains().of(id),
            .level = level,
            .dst = id,
            .idle = idle,
            .rules = rules_,
            .jiffies = jiffies_,
            .max_interval = max_interval_};
  SchedDomain& sd = env.sd();
  for (int i = sd.span.first; i < sd.span.first + sd.span.weight; ++i) {
    env.cpus.set(static_cast<std::size_t>(i));
  }
  bool balanced = true;
  bool one_pinned = false;
  int moved = 0;
  while (true) {
    if (!should_we_balance(env)) {
      continue_balancing = false;
      break;
    }
    const SchedGroup* group = find_src_group(rqs_, env);
    env.src = group == nullptr ? CpuId::none : find_src_rq(rqs_, env, *group);
    if (env.src == CpuId::none) {
      break;
    }
    if (!detach_task.connected()) {
      sd.balance_interval = sd.min_interval;
      return 0;
    }
    env.all_pinned = true;
    moved = rqs_.nr_running(env.src) > 1 ? move_tasks(env) : 0;
    if (!env.all_pinned || rqs_.nr_running(env.src) <= 1) {
      balanced = false;
      break;
    }
    // Every task there is pinned: look elsewhere, as long as there is an elsewhere.
    env.cpus.reset(index(env.src));
    const CpuSpan own = sd.local_group().span;
    CpuMask rest = env.cpus;
    for (int i = own.first; i < own.first + own.weight; ++i) {
      rest.reset(static_cast<std::size_t>(i));
    }
    if (rest.none()) {
      break;
    }
    env.loop = 0;
  }

  if (!balanced) {
    bool requested = false;
    if (moved == 0) {
      sd.nr_balance_failed += idle != CpuIdleType::newly_idle ? 1 : 0;
      one_pinned = need_active_balance(env) && !request_active_balance(env, id, requested);
    } else {
      sd.nr_balance_failed = 0;
    }
    if (!one_pinned) {
      if (!requested || need_active_balance(env)) {
        sd.balance_interval = sd.min_interval;
      }
      return moved;
    }
  } else {
    if (sd.parent != nullptr && !env.all_pinned) {
      sd.parent->imbalance = false;
    }
    sd.nr_balance_failed = 0;
  }
  // Balanced, or as good as it gets: look less often.
  if (idle != CpuIdleType::newly_idle && ((env.all_pinned && sd.balance_interval < max_pinned_interval) ||
                                          sd.balance_interval < sd.max_interval)) {
    sd.balance_interval *= 2;
  }
  return 0;
}

// Detaches and attaches, also to a neighbour for tasks that may not run on this CPU.
int LoadBalance::move_tasks(LbEnv& env) {
  env.loop_max = std::min(nr_migrate, rqs_.nr_running(env.src));
  int moved = 0;
  while (true) {
    update_rq_clock(env.src);
    const int detached = detach_tasks(env);
    attach_tasks(env.dst, detached);
    moved += detached;
    if (!env.dst_pinned || env.imbalance <= 0) {
      break;
    }
    env.cpus.reset(index(env.dst));
    env.dst = env.new_dst;
    env.dst_pinned = false;
    env.loop = 0;
  }
  SchedGroup* parent = env.sd().parent;
  if (parent != nullptr && env.some_pinned && env.imbalance > 0) {
    parent->imbalance = true;
  }
  return moved;
}

// Of the group's CPUs one balances for the group: the first one that idles on an idle core, or that idles, or
// the first.
bool LoadBalance::should_we_balance(const LbEnv& env) const {
  if (!env.cpus.test(index(env.dst))) {
    return false;
  }
  if (env.idle == CpuIdleType::newly_idle) {
    return rqs_.nr_running(env.dst) == 0 && !rqs_.wakeup_in_flight(env.dst);
  }
  const CpuSpan span = env.sd().local_group().span;
  CpuId idle_smt = CpuId::none;
  for (int i = span.first; i < span.first + span.weight; ++i) {
    const auto candidate = static_cast<CpuId>(i);
    if (!env.cpus.test(index(candidate)) || !rqs_.idle_cpu(candidate)) {
      continue;
    }
    if (!env.sd().share_cpucapacity && !is_core_idle(rqs_, candidate)) {
      idle_smt = idle_smt == CpuId::none ? candidate : idle_smt;
      const CpuSpan threads = rqs_.domains().smt_mask(candidate);
      i = threads.first + threads.weight - 1;
      continue;
    }
    return candidate == env.dst;
  }
  return env.dst == (idle_smt != CpuId::none ? idle_smt : static_cast<CpuId>(span.first));
}

int LoadBalance::detach_tasks(LbEnv& env) {
  if (rqs_.nr_running(env.src) <= 1) {
    env.all_pinned = false;
    return 0;
  }
  int detached = 0;
  while (env.imbalance > 0) {
    Task* task = rqs_.cfs_tasks_tail(env.src);
    if (task == nullptr || (!env.busy() && rqs_.nr_running(env.src) <= 1) || ++env.loop > env.loop_max) {
      break;
    }
    if (!can_migrate_task(*task, env) || takes_too_much(*task, env)) {
      rqs_.move_to_front(*task);
      continue;
    }
    detach_task(*task, env.src, env.dst);
    detached_[static_cast<std::size_t>(detached++)] = task;
    if (env.idle == CpuIdleType::newly_idle) {
      break;
    }
  }
  return detached;
}

// The last one detached is attached first.
void LoadBalance::attach_tasks(CpuId to, int count) {
  if (count == 0) {
    return;
  }
  update_rq_clock(to);
  while (count > 0) {
    attach_task(*detached_[static_cast<std::size_t>(--count)], to);
  }
}

// More than the imbalance; otherwise its share of the imbalance is accounted for.
bool LoadBalance::takes_too_much(const Task& task, LbEnv& env) const {
  std::int64_t amount = 1;
  if (env.migration_type != MigrationType::task) {
    const bool by_load = env.migration_type == MigrationType::load;
    amount = by_load ? std::max(rqs_.fair().task_h_load(task.se), std::int64_t{1})
                     : std::max(rqs_.fair().task_util(task.se), task.util_est.estimate);
    const int failed = env.sd().nr_balance_failed;
    if (by_load && rqs_.kernel().placement.lb_min && amount < 16 && failed == 0) {
      return true;
    }
    if (amount >> std::min(failed, 63) > env.imbalance) {
      return true;
    }
  }
  env.imbalance -= amount;
  return false;
}

bool LoadBalance::can_migrate_task(const Task& task, LbEnv& env) const {
  if (rules_.delayed_only_by_load && task.se.sched_delayed && env.migration_type != MigrationType::load) {
    return false;
  }
  if (rules_.ineligible_stays && env.sd().nr_balance_failed == 0 &&
      rqs_.fair().ineligible_on_dst_cpu(task.se, env.dst)) {
    return false;
  }
  if (task.role == Role::kernel && task.nr_allowed == 1) {  // kthread_is_per_cpu
    return false;
  }
  if (!rqs_.allowed(task, env.dst)) {
    env.some_pinned = true;
    if (env.idle == CpuIdleType::newly_idle || env.dst_pinned || env.active_lb) {
      return false;
    }
    const CpuSpan own = env.sd().local_group().span;
    for (int i = own.first; i < own.first + own.weight && !env.dst_pinned; ++i) {
      if (env.cpus.test(static_cast<std::size_t>(i)) && rqs_.allowed(task, static_cast<CpuId>(i))) {
        env.dst_pinned = true;
        env.new_dst = static_cast<CpuId>(i);
      }
    }
    return false;
  }
  env.all_pinned = false;
  if (&task == rqs_.curr(env.src) || task.on_cpu) {
    return false;
  }
  return env.active_lb || !task_hot(task, env) || env.sd().nr_balance_failed > env.sd().cache_nice_tries;
}

bool LoadBalance::task_hot(const Task& task, const LbEnv& env) const {
  if (task.se.policy == SchedClass::idle || env.sd().share_cpucapacity) {
    return false;
  }
  return rqs_.rq(env.src).clock_task - task.se.exec_start < migration_cost;
}

}  // namespace models
