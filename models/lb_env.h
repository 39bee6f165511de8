// One balancing pass: a CPU looks for work to take over within one of its domains.
//
// Models:   kernel/sched/fair.c: struct lb_env, enum group_type, enum migration_type, enum cpu_idle_type.
#pragma once

#include <cstdint>
#include <span>

#include "models/run_queues.h"

namespace models {

enum class CpuIdleType : std::uint8_t { not_idle, idle, newly_idle };

// By what an imbalance is measured, and how much of it a task takes along.
enum class MigrationType : std::uint8_t { load, util, task };

// Where releases differ: 6.12 counts delayed sleepers among the tasks of a CPU and may move them.
struct BalanceRules {
  bool counts_delayed = true;         // h_nr_queued; otherwise h_nr_runnable
  bool delayed_only_by_load = false;  // a delayed sleeper moves only when load is balanced
  bool ineligible_stays = false;  // at first try, a task that is owed nothing stays if it would have to queue
};

constexpr BalanceRules balance_rules(KernelRelease release) {
  return release == KernelRelease::v6_12
             ? BalanceRules{}
             : BalanceRules{.counts_delayed = false, .delayed_only_by_load = true, .ineligible_stays = true};
}

struct LbEnv {
  std::span<SchedDomain> domains;  // of the destination CPU, lowest first
  std::size_t level = 0;
  CpuId dst = CpuId::none;
  CpuId src = CpuId::none;
  CpuIdleType idle = CpuIdleType::not_idle;
  BalanceRules rules{};
  std::int64_t jiffies = 0;
  std::int64_t max_interval = 1;  // max_load_balance_interval, jiffies
  CpuMask cpus{};                 // CPUs under consideration

  MigrationType migration_type = MigrationType::load;
  std::int64_t imbalance = 0;  // in units of load, utilisation, or tasks

  // LBF_*: what has been seen.
  bool all_pinned = false;   // until a task is met that may run on dst
  bool some_pinned = false;  // one was met that may not
  bool dst_pinned = false;   // which may run on new_dst, of the same group
  CpuId new_dst = CpuId::none;
  bool active_lb = false;  // the running task is to be pushed
  int loop = 0;
  int loop_max = 0;

  SchedDomain& sd() const { return domains[level]; }
  bool busy() const { return idle == CpuIdleType::not_idle; }
};

// Fair tasks of a CPU as balancing counts them.
inline int h_nr_counted(const RunQueues& rqs, const BalanceRules& rules, CpuId id) {
  return rules.counts_delayed ? rqs.fair().h_nr_queued(id) : rqs.fair().h_nr_runnable(id);
}
// check_cpu_capacity: interrupts and rt tasks have taken a noticeable part of it.
inline bool check_cpu_capacity(const RunQueues& rqs, const SchedDomain& sd, CpuId id) {
  return rqs.rq(id).cpu_capacity * sd.imbalance_pct < sched_capacity_scale * 100;
}

}  // namespace models
