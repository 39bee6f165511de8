#include "models/busiest_group.h"

#include <algorithm>

#include "models/group_stats.h"

namespace models {

namespace {

// Tasks to move so that both groups run the same number per core.
std::int64_t sibling_imbalance(const LbEnv& env, const SdStats& sds) {
  const SgStats& busiest = sds.busiest_stat;
  const SgStats& local = sds.local_stat;
  if (env.busy() || busiest.nr_running == 0) {
    return 0;
  }
  const std::int64_t cores_busiest = sds.busiest->cores;
  const std::int64_t cores_local = sds.local->cores;
  if (cores_busiest == cores_local) {
    return std::max(busiest.nr_running - local.nr_running, 0);
  }
  std::int64_t imbalance =
      std::max(cores_local * busiest.nr_running - cores_busiest * local.nr_running, std::int64_t{0});
  imbalance = (2 * imbalance + cores_local + cores_busiest) / (cores_local + cores_busiest);
  if (imbalance <= 1 && local.nr_running == 0 && busiest.nr_running > 1) {
    imbalance = 2;
  }
  return imbalance;
}

// The local group has spare capacity, to be used without overloading it or emptying the busiest.
void fill_spare_capacity(LbEnv& env, const SdStats& sds) {
  const SgStats& busiest = sds.busiest_stat;
  const SgStats& local = sds.local_stat;
  if (busiest.type > GroupType::fully_busy && !env.sd().share_llc) {
    env.migration_type = MigrationType::util;
    env.imbalance = std::max(local.capacity, local.util) - local.util;
    if (!env.busy() && env.imbalance == 0) {
      env.migration_type = MigrationType::task;
      env.imbalance = 1;
    }
    return;
  }
  env.migration_type = MigrationType::task;
  if (busiest.weight == 1 || sds.prefer_sibling) {
    env.imbalance = sibling_imbalance(env, sds);
  } else {
    env.imbalance = std::max(local.idle_cpus - busiest.idle_cpus, 0);
  }
  env.imbalance >>= 1;
}

// Both groups are or become overloaded: towards the mean load, from both sides and beyond it on neither.
void even_load(LbEnv& env, SdStats& sds) {
  SgStats& local = sds.local_stat;
  const SgStats& busiest = sds.busiest_stat;
  env.migration_type = MigrationType::load;
  if (local.type < GroupType::overloaded) {
    local.avg_load = local.load * sched_capacity_scale / local.capacity;
    if (local.avg_load >= busiest.avg_load) {
      env.imbalance = 0;
      return;
    }
    sds.avg_load = sds.total_load * sched_capacity_scale / sds.total_capacity;
    if (local.avg_load >= sds.avg_load) {
      env.imbalance = 0;
      return;
    }
  }
  // Unsigned as in the kernel: a busiest group below the mean does not bound it.
  const auto above = static_cast<std::uint64_t>((busiest.avg_load - sds.avg_load) * busiest.capacity);
  const auto below = static_cast<std::uint64_t>((sds.avg_load - local.avg_load) * local.capacity);
  env.imbalance = static_cast<std::int64_t>(std::min(above, below) / sched_capacity_scale);
}

void calculate_imbalance(LbEnv& env, SdStats& sds) {
  switch (sds.busiest_stat.type) {
    case GroupType::misfit_task:  // its CPU has lost capacity
      env.migration_type = MigrationType::load;
      env.imbalance = sds.busiest_stat.misfit_task_load;
      return;
    case GroupType::smt_balance:
    case GroupType::imbalanced:
      env.migration_type = MigrationType::task;
      env.imbalance = 1;
      return;
    default:
      break;
  }
  if (sds.local_stat.type == GroupType::has_spare) {
    fill_spare_capacity(env, sds);
  } else {
    even_load(env, sds);
  }
}

// Two overloaded groups: whether the difference is worth a move.
bool overload_differs(const LbEnv& env, SdStats& sds) {
  const SgStats& local = sds.local_stat;
  const SgStats& busiest = sds.busiest_stat;
  if (local.avg_load >= busiest.avg_load) {
    return false;
  }
  sds.avg_load = sds.total_load * sched_capacity_scale / sds.total_capacity;
  return local.avg_load < sds.avg_load && 100 * busiest.avg_load > env.sd().imbalance_pct * local.avg_load;
}

bool is_imbalanced(const LbEnv& env, SdStats& sds) {
  const SgStats& local = sds.local_stat;
  const SgStats& busiest = sds.busiest_stat;
  if (busiest.type == GroupType::misfit_task || busiest.type == GroupType::imbalanced) {
    return true;
  }
  if (local.type > busiest.type || (local.type == GroupType::overloaded && !overload_differs(env, sds))) {
    return false;
  }
  if (sds.prefer_sibling && local.type == GroupType::has_spare && sibling_imbalance(env, sds) > 1) {
    return true;
  }
  if (busiest.type == GroupType::overloaded) {
    return true;
  }
  if (env.busy()) {
    return false;  // let an idle CPU take it
  }
  if (busiest.type == GroupType::smt_balance &&
      sds.local->share_cpucapacity != sds.busiest->share_cpucapacity) {
    return true;
  }
  return !(busiest.weight > 1 && local.idle_cpus <= busiest.idle_cpus + 1) && busiest.h_nr_running != 1;
}

}  // namespace

SchedGroup* find_src_group(RunQueues& rqs, LbEnv& env) {
  SdStats sds = update_sd_lb_stats(rqs, env);
  env.imbalance = 0;
  if (sds.busiest == nullptr || !is_imbalanced(env, sds)) {
    return nullptr;
  }
  calculate_imbalance(env, sds);
  return env.imbalance != 0 ? sds.busiest : nullptr;
}

CpuId find_src_rq(const RunQueues& rqs, const LbEnv& env, const SchedGroup& group) {
  CpuId busiest = CpuId::none;
  std::int64_t most = 0;
  std::int64_t most_capacity = 1;
  for (int i = group.span.first; i < group.span.first + group.span.weight; ++i) {
    const auto id = static_cast<CpuId>(i);
    const int nr_running = h_nr_counted(rqs, env.rules, id);
    if (!env.cpus.test(index(id)) || nr_running == 0) {
      continue;
    }
    std::int64_t amount = nr_running;
    std::int64_t capacity = 1;  // what the amount is relative to
    if (env.migration_type == MigrationType::load) {
      amount = rqs.fair().cpu_load(id);
      capacity = rqs.rq(id).cpu_capacity;
      if (nr_running == 1 && amount > env.imbalance && !check_cpu_capacity(rqs, env.sd(), id)) {
        continue;
      }
    } else if (env.migration_type == MigrationType::util) {
      amount = std::max(rqs.cpu_util_cfs(id), rqs.fair().cpu_runnable(id));  // cpu_util_cfs_boost
      if (nr_running <= 1) {
        continue;
      }
      amount = std::min(amount, sched_capacity_scale);
    }
    if (amount * most_capacity > most * capacity) {
      most = amount;
      most_capacity = capacity;
      busiest = id;
    }
  }
  return busiest;
}

}  // namespace models
