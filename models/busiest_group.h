// From whom to take work: the busiest group of a domain, the busiest CPU in it, and how much to take.
//
//   groups of the domain ─► classified by load against capacity ─► busiest ─► imbalance ─► busiest CPU
//
// Models:   kernel/sched/fair.c: sched_balance_find_src_group with update_sd_lb_stats, update_sg_lb_stats,
//           group_classify, update_sd_pick_busiest, calculate_imbalance, sibling_imbalance;
//           sched_balance_find_src_rq; update_group_capacity with scale_rt_capacity; update_idle_cpu_scan,
//           which sets the LLC's budget for wakeups.
// Left out: asymmetric packing and capacity, NUMA, energy-aware scheduling.
#pragma once

#include "models/lb_env.h"

namespace models {

// Sets the pass's imbalance and what it is measured by. Null: balanced.
SchedGroup* find_src_group(RunQueues& rqs, LbEnv& env);
// CpuId::none: none of its CPUs has a task to give.
CpuId find_src_rq(const RunQueues& rqs, const LbEnv& env, const SchedGroup& group);

}  // namespace models
