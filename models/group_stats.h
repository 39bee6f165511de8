// What the groups of a domain have to do, against what they can.
//
// Models:   kernel/sched/fair.c: enum group_type, struct sg_lb_stats, struct sd_lb_stats, update_sd_lb_stats,
//           update_sg_lb_stats, group_classify, update_sd_pick_busiest; update_group_capacity with
//           scale_rt_capacity; update_idle_cpu_scan, which sets the LLC's budget for wakeups.
#pragma once

#include <cstdint>

#include "models/lb_env.h"

namespace models {

// In the order of how much they want to give.
enum class GroupType : std::uint8_t {
  has_spare,
  fully_busy,
  misfit_task,
  smt_balance,
  imbalanced,
  overloaded
};

struct SgStats {
  std::int64_t avg_load = 0;
  std::int64_t load = 0;
  std::int64_t capacity = 0;
  std::int64_t util = 0;
  std::int64_t runnable = 0;
  int nr_running = 0;    // tasks of all classes
  int h_nr_running = 0;  // fair ones
  int idle_cpus = 0;
  int weight = 0;
  GroupType type = GroupType::has_spare;
  bool smt_balance = false;
  std::int64_t misfit_task_load = 0;
};

struct SdStats {
  SchedGroup* busiest = nullptr;
  SchedGroup* local = nullptr;
  std::int64_t total_load = 0;
  std::int64_t total_capacity = 0;
  std::int64_t avg_load = 0;
  bool prefer_sibling = false;
  SgStats busiest_stat;
  SgStats local_stat;
};

// Of all groups of the pass's domain. Refreshes the local group's capacity, the LLC's budget, and, in the top
// domain, whether any CPU is overloaded.
SdStats update_sd_lb_stats(RunQueues& rqs, const LbEnv& env);

}  // namespace models
