#include "models/group_stats.h"

#include <algorithm>
#include <limits>

namespace models {

namespace {

std::int64_t scale_rt_capacity(const Rq& rq) {
  const std::int64_t irq = rq.avg_irq.util_avg;
  const std::int64_t used = rq.avg_rt.util_avg;
  if (irq >= sched_capacity_scale || used >= sched_capacity_scale) {
    return 1;
  }
  return (sched_capacity_scale - used) * (sched_capacity_scale - irq) / sched_capacity_scale;
}

// Of the local group only: others refresh theirs.
void update_group_capacity(RunQueues& rqs, const LbEnv& env) {
  SchedDomain& sd = env.sd();
  SchedGroup& group = sd.local_group();
  const std::int64_t hz = rqs.kernel().hz;
  group.next_update =
      env.jiffies + std::clamp((sd.balance_interval * hz + 999) / 1000, std::int64_t{1}, env.max_interval);
  if (env.level == 0) {
    Rq& rq = rqs.rq(env.dst);
    rq.cpu_capacity = std::max(scale_rt_capacity(rq), std::int64_t{1});
    group.capacity = rq.cpu_capacity;
    return;
  }
  group.capacity = 0;
  for (const SchedGroup& part : env.domains[env.level - 1].groups) {
    group.capacity += part.capacity;
  }
}

bool group_has_capacity(int imbalance_pct, const SgStats& stats) {
  if (stats.nr_running < stats.weight) {
    return true;
  }
  if (stats.capacity * imbalance_pct < stats.runnable * 100) {
    return false;
  }
  return stats.capacity * 100 > stats.util * imbalance_pct;
}

bool group_is_overloaded(int imbalance_pct, const SgStats& stats) {
  return stats.nr_running > stats.weight && (stats.capacity * 100 < stats.util * imbalance_pct ||
                                             stats.capacity * imbalance_pct < stats.runnable * 100);
}

GroupType group_classify(int imbalance_pct, const SchedGroup& group, const SgStats& stats) {
  if (group_is_overloaded(imbalance_pct, stats)) {
    return GroupType::overloaded;
  }
  if (group.imbalance) {
    return GroupType::imbalanced;
  }
  if (stats.smt_balance) {
    return GroupType::smt_balance;
  }
  if (stats.misfit_task_load != 0) {
    return GroupType::misfit_task;
  }
  return group_has_capacity(imbalance_pct, stats) ? GroupType::has_spare : GroupType::fully_busy;
}

SgStats update_sg_lb_stats(const RunQueues& rqs, const LbEnv& env, const SchedGroup& group, bool local,
                           bool& overloaded) {
  SgStats stats;
  for (int i = group.span.first; i < group.span.first + group.span.weight; ++i) {
    const auto id = static_cast<CpuId>(i);
    if (!env.cpus.test(index(id))) {
      continue;
    }
    const std::int64_t load = rqs.fair().cpu_load(id);
    const int nr_running = rqs.nr_running(id);
    stats.load += load;
    stats.util += rqs.cpu_util_cfs(id);
    stats.runnable += rqs.fair().cpu_runnable(id);
    stats.h_nr_running += h_nr_counted(rqs, env.rules, id);
    stats.nr_running += nr_running;
    overloaded |= nr_running > 1;
    if (rqs.idle_cpu(id)) {
      ++stats.idle_cpus;
    } else if (!local && !env.busy() && h_nr_counted(rqs, env.rules, id) == 1 &&
               check_cpu_capacity(rqs, env.sd(), id)) {  // sched_reduced_capacity
      stats.misfit_task_load = std::max(stats.misfit_task_load, load);
    }
  }
  stats.capacity = group.capacity;
  stats.weight = group.span.weight;
  stats.smt_balance = !local && !env.busy() && group.share_cpucapacity && stats.h_nr_running > 1;
  stats.type = group_classify(env.sd().imbalance_pct, group, stats);
  if (stats.type == GroupType::overloaded) {
    stats.avg_load = stats.load * sched_capacity_scale / stats.capacity;
  }
  return stats;
}

// Fewest idle CPUs, then most tasks.
bool has_less_spare(const SgStats& stats, const SgStats& busiest) {
  return stats.idle_cpus != busiest.idle_cpus ? stats.idle_cpus < busiest.idle_cpus
                                              : stats.nr_running > busiest.nr_running;
}

// Whether the group is busier than the busiest so far.
bool update_sd_pick_busiest(const SdStats& sds, const SchedGroup& group, const SgStats& stats) {
  const SgStats& busiest = sds.busiest_stat;
  if (stats.h_nr_running == 0) {
    return false;
  }
  if (stats.type != busiest.type) {
    return stats.type > busiest.type;
  }
  switch (stats.type) {
    case GroupType::overloaded:
      return stats.avg_load > busiest.avg_load;
    case GroupType::imbalanced:
      return false;
    case GroupType::misfit_task:
      return stats.misfit_task_load > busiest.misfit_task_load;
    case GroupType::smt_balance:
      if (stats.idle_cpus != 0 || busiest.idle_cpus != 0) {
        return has_less_spare(stats, busiest);
      }
      return !sds.busiest->share_cpucapacity;
    case GroupType::fully_busy:
      return !sds.busiest->share_cpucapacity;
    case GroupType::has_spare:
      // A core with one busy thread gives less readily than a core without threads.
      if (sds.busiest != nullptr && sds.busiest->share_cpucapacity != group.share_cpucapacity) {
        return !(group.share_cpucapacity && stats.h_nr_running <= 1);
      }
      return has_less_spare(stats, busiest);
  }
  return false;
}

// update_idle_cpu_scan: the more of an LLC is used, the fewer of its CPUs a wakeup looks at; none from about
// 85 % on. y = 1 - x^2 pct^2, of all CPUs.
void update_idle_cpu_scan(RunQueues& rqs, const LbEnv& env, std::int64_t sum_util) {
  LlcShared* llc = rqs.domains().llc(env.dst);
  if (!rqs.kernel().placement.sis_util || env.idle == CpuIdleType::newly_idle || llc == nullptr ||
      env.sd().span.weight != llc->span.weight) {
    return;
  }
  const std::int64_t weight = llc->span.weight;
  const std::int64_t pct = env.sd().imbalance_pct;
  const std::int64_t x = sum_util / weight;
  const std::int64_t used =
      std::min(x * x * pct * pct / (10'000 * sched_capacity_scale), sched_capacity_scale);
  llc->nr_idle_scan = static_cast<int>((sched_capacity_scale - used) * weight / sched_capacity_scale);
  llc->sum_util = sum_util;
}

}  // namespace

SdStats update_sd_lb_stats(RunQueues& rqs, const LbEnv& env) {
  const SchedDomain& sd = env.sd();
  SdStats sds;
  sds.busiest_stat.idle_cpus = std::numeric_limits<int>::max();
  bool overloaded = false;
  std::int64_t sum_util = 0;
  for (std::size_t i = 0; i < sd.groups.size(); ++i) {
    SchedGroup& group = sd.group(i);
    const bool local = i == 0;
    if (local && (env.idle != CpuIdleType::newly_idle || env.jiffies >= group.next_update)) {
      update_group_capacity(rqs, env);
    }
    const SgStats stats = update_sg_lb_stats(rqs, env, group, local, overloaded);
    if (local) {
      sds.local = &group;
      sds.local_stat = stats;
    } else if (update_sd_pick_busiest(sds, group, stats)) {
      sds.busiest = &group;
      sds.busiest_stat = stats;
    }
    sds.total_load += stats.load;
    sds.total_capacity += stats.capacity;
    sum_util += stats.util;
  }
  sds.prefer_sibling = sds.busiest != nullptr && sds.busiest->prefer_sibling;
  if (env.level + 1 == env.domains.size()) {
    rqs.set_overloaded(overloaded);
  }
  update_idle_cpu_scan(rqs, env, sum_util);
  return sds;
}

}  // namespace models
