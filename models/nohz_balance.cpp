// Idle CPUs whose ticks are stopped cannot balance: a busy CPU kicks one of them, which does it for all.
#include <utility>

#include "models/load_balance.h"

namespace models {

namespace {

constexpr std::int64_t migration_cost = 500'000;  // sysctl_sched_migration_cost, ns
constexpr std::int64_t load_avg_period_ms = 32;   // LOAD_AVG_PERIOD

}  // namespace

void LoadBalance::nohz_balancer_kick(CpuId id) {
  if (locals_[index(id)].idle_balance == CpuIdleType::idle) {
    return;
  }
  nohz_exit_idle(id);
  if (nohz_.nr_cpus == 0) {
    return;
  }
  Kick flags;
  flags.stats = nohz_.has_blocked && jiffies_ > nohz_.next_blocked;
  if (jiffies_ >= nohz_.next_balance && nohz_worth_balancing(id)) {
    flags.stats = true;
    flags.balance = true;
  }
  flags.next = nohz_.needs_update;
  if (flags.any()) {
    kick_ilb(id, flags);
  }
}

bool LoadBalance::nohz_worth_balancing(CpuId id) const {
  if (rqs_.nr_running(id) >= 2) {
    return true;
  }
  if (h_nr_counted(rqs_, rules_, id) >= 1 && check_cpu_capacity(rqs_, rqs_.domains().of(id)[0], id)) {
    return true;
  }
  const LlcShared* llc = rqs_.domains().llc(id);
  return llc != nullptr && llc->nr_busy_cpus > 1;
}

void LoadBalance::kick_ilb(CpuId id, Kick flags) {
  if (flags.balance) {
    nohz_.next_balance = jiffies_ + 1;
  }
  for (int i = 0; i < rqs_.cpu_count(); ++i) {  // find_new_ilb
    const auto idle = static_cast<CpuId>(i);
    if (!nohz_.idle_cpus.test(index(idle)) || idle == id || !rqs_.idle_cpu(idle)) {
      continue;
    }
    Kick& asked = locals_[index(idle)].nohz_flags;
    const bool on_the_way = asked.any();
    asked.balance |= flags.balance;
    asked.stats |= flags.stats;
    asked.next |= flags.next;
    if (!on_the_way) {
      kick(id, idle);
    }
    return;
  }
}

// nohz_csd_func
bool LoadBalance::nohz_kicked(CpuId id) {
  Local& local = locals_[index(id)];
  const Kick flags = std::exchange(local.nohz_flags, Kick{});
  local.idle_balance = rqs_.idle_cpu(id) ? CpuIdleType::idle : CpuIdleType::not_idle;
  if (local.idle_balance == CpuIdleType::not_idle) {
    return false;
  }
  local.nohz_idle_balance = flags;
  return true;
}

void LoadBalance::enter_nohz_idle(CpuId id) {
  Local& local = locals_[index(id)];
  local.has_blocked_load = true;
  nohz_.has_blocked = true;
  if (local.nohz_tick_stopped || rqs_.domains().of(id).empty()) {
    return;
  }
  local.nohz_tick_stopped = true;
  nohz_.idle_cpus.set(index(id));
  ++nohz_.nr_cpus;
  nohz_.needs_update = true;
  if (LlcShared* llc = rqs_.domains().llc(id)) {
    --llc->nr_busy_cpus;
  }
}

void LoadBalance::nohz_exit_idle(CpuId id) {
  Local& local = locals_[index(id)];
  if (!local.nohz_tick_stopped) {
    return;
  }
  local.nohz_tick_stopped = false;
  nohz_.idle_cpus.reset(index(id));
  --nohz_.nr_cpus;
  if (LlcShared* llc = rqs_.domains().llc(id)) {
    ++llc->nr_busy_cpus;
  }
}

// nohz_newidle_balance: the loads of sleeping CPUs are due, and there is time before the next wakeup.
void LoadBalance::nohz_newidle(CpuId id) {
  if (rqs_.rq(id).avg_idle >= migration_cost && nohz_.has_blocked && jiffies_ >= nohz_.next_blocked) {
    locals_[index(id)].nohz_flags.newilb = true;
  }
}

// nohz_run_idle_balance
void LoadBalance::run_idle_balance(CpuId id, sim::SimTime now) {
  set_now(now);
  Local& local = locals_[index(id)];
  const bool asked = std::exchange(local.nohz_flags.newilb, false);
  if (asked && !local.nohz_flags.any() && rqs_.rq(id).resched == Resched::none) {
    nohz_idle_balance(id, Kick{.stats = true});
  }
}

// _nohz_idle_balance: from the next CPU on, itself last.
void LoadBalance::nohz_idle_balance(CpuId id, Kick flags) {
  if (flags.stats) {
    nohz_.has_blocked = false;
  }
  if (flags.next) {
    nohz_.needs_update = false;
  }
  std::int64_t next_balance = jiffies_ + 60 * hz_;
  bool update_next_balance = false;
  bool blocked = false;
  const int cpus = rqs_.cpu_count();
  for (int i = 1; i <= cpus; ++i) {
    const auto each = static_cast<CpuId>((static_cast<int>(id) + i) % cpus);
    if (!nohz_.idle_cpus.test(index(each)) || !rqs_.idle_cpu(each)) {
      continue;
    }
    if (!rqs_.idle_cpu(id) && rqs_.rq(id).resched != Resched::none) {  // it has work to do: another time
      nohz_.has_blocked |= flags.stats;
      nohz_.needs_update |= flags.next;
      return;
    }
    blocked |= flags.stats && update_nohz_stats(each);
    Local& local = locals_[index(each)];
    if (jiffies_ >= local.next_balance) {
      update_rq_clock(each);
      if (flags.balance) {
        balance_domains(each, CpuIdleType::idle);
      }
    }
    if (local.next_balance < next_balance) {
      next_balance = local.next_balance;
      update_next_balance = true;
    }
  }
  if (update_next_balance) {
    nohz_.next_balance = next_balance;
  }
  if (flags.stats) {
    nohz_.next_blocked = jiffies_ + (load_avg_period_ms * hz_ + 999) / 1000;
  }
  nohz_.has_blocked |= blocked;
}

bool LoadBalance::update_nohz_stats(CpuId id) {
  Local& local = locals_[index(id)];
  if (!local.has_blocked_load || !nohz_.idle_cpus.test(index(id))) {
    return false;
  }
  if (jiffies_ > local.blocked_load_update) {
    update_blocked_averages(id);
  }
  return local.has_blocked_load;
}

}  // namespace models
