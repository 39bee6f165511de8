// When which domains of a CPU are balanced: as it runs out of work, and periodically.
#include <algorithm>
#include <utility>

#include "models/load_balance.h"

namespace models {

namespace {

constexpr std::int64_t migration_cost = 500'000;  // sysctl_sched_migration_cost, ns

}  // namespace

bool LoadBalance::newidle(CpuId id, sim::SimTime now) {
  set_now(now);
  Rq& rq = rqs_.rq(id);
  if (rqs_.wakeup_in_flight(id)) {
    return false;
  }
  rq.idle_stamp = rq.clock;
  if (rqs_.domains().of(id).empty()) {
    return false;
  }
  std::int64_t next_balance = jiffies_ + hz_;
  const bool pulled = newidle_domains(id, next_balance);
  locals_[index(id)].next_balance = std::min(locals_[index(id)].next_balance, next_balance);
  if (pulled) {
    rq.idle_stamp = 0;
  } else {
    nohz_newidle(id);
  }
  return pulled;
}

bool LoadBalance::newidle_domains(CpuId id, std::int64_t& next_balance) {
  Rq& rq = rqs_.rq(id);
  const auto domains = rqs_.domains().of(id);
  const auto note_next = [&](const SchedDomain& sd) {  // update_next_balance
    next_balance = std::min(next_balance, sd.last_balance + balance_interval(sd, false));
  };
  if (!rqs_.overloaded() || rq.avg_idle < domains[0].max_newidle_lb_cost) {
    note_next(domains[0]);
    return false;
  }
  update_blocked_averages(id);
  std::int64_t spent = 0;
  bool pulled = false;
  bool continue_balancing = true;
  for (std::size_t level = 0; level < domains.size() && !pulled && continue_balancing; ++level) {
    SchedDomain& sd = domains[level];
    note_next(sd);
    if (rq.avg_idle < spent + sd.max_newidle_lb_cost) {
      break;
    }
    if (!sd.balance_newidle) {
      continue;
    }
    int weight = 1;
    if (rqs_.kernel().placement.ni_random) {
      // A success counts for all the calls that the die refused.
      weight = 1 + sd.newidle.ratio;
      if (static_cast<int>(locals_[index(id)].dice.below(1024)) > weight) {
        sd.newidle.update(0);
        continue;
      }
      weight = (1024 + weight / 2) / weight;
    }
    pulled = balance_rq(id, level, CpuIdleType::newly_idle, continue_balancing) != 0;
    const std::int64_t cost = search_cost(id).count();
    spent += cost;
    update_newidle_cost(sd, cost, pulled ? weight : 0);
  }
  rq.max_idle_balance_cost = std::max(rq.max_idle_balance_cost, spent);
  return pulled;
}

void LoadBalance::update_newidle_cost(SchedDomain& sd, std::int64_t cost, int success) {
  sd.newidle.update(success);
  if (cost > sd.max_newidle_lb_cost) {
    sd.max_newidle_lb_cost = cost;
    sd.last_decay_max_lb_cost = jiffies_;
  } else {
    decay_newidle_cost(sd);
  }
}

// By about 1 % a second.
bool LoadBalance::decay_newidle_cost(SchedDomain& sd) const {
  if (jiffies_ <= sd.last_decay_max_lb_cost + hz_) {
    return false;
  }
  sd.max_newidle_lb_cost = sd.max_newidle_lb_cost * 253 / 256;
  sd.last_decay_max_lb_cost = jiffies_;
  return true;
}

bool LoadBalance::trigger(CpuId id, sim::SimTime now) {
  set_now(now);
  Local& local = locals_[index(id)];
  local.idle_balance = rqs_.idle_cpu(id) ? CpuIdleType::idle : CpuIdleType::not_idle;
  if (rqs_.domains().of(id).empty()) {
    return false;
  }
  const bool due = jiffies_ >= local.next_balance;
  nohz_balancer_kick(id);
  return due;
}

// sched_balance_softirq: for others first, as a pull would end this CPU's idleness.
void LoadBalance::run_rebalance_domains(CpuId id, sim::SimTime now) {
  set_now(now);
  Local& local = locals_[index(id)];
  const Kick asked = std::exchange(local.nohz_idle_balance, Kick{});
  if ((asked.any() || asked.newilb) && local.idle_balance == CpuIdleType::idle) {
    nohz_idle_balance(id, asked);
    return;
  }
  update_blocked_averages(id);
  balance_domains(id, local.idle_balance);
}

void LoadBalance::rebalance_seen(CpuId id, sim::SimTime now) {
  locals_[index(id)].idle_balance = rqs_.idle_cpu(id) ? CpuIdleType::idle : CpuIdleType::not_idle;
  run_rebalance_domains(id, now);
}

// sched_balance_domains
void LoadBalance::balance_domains(CpuId id, CpuIdleType idle) {
  Rq& rq = rqs_.rq(id);
  bool busy = idle == CpuIdleType::not_idle && !sched_idle(id);
  bool continue_balancing = true;
  bool need_decay = false;
  std::int64_t max_cost = 0;
  std::int64_t next_balance = jiffies_ + 60 * hz_;
  bool update_next_balance = false;
  const auto domains = rqs_.domains().of(id);
  for (std::size_t level = 0; level < domains.size(); ++level) {
    SchedDomain& sd = domains[level];
    need_decay = decay_newidle_cost(sd);
    max_cost += sd.max_newidle_lb_cost;
    if (!continue_balancing) {
      if (need_decay) {
        continue;
      }
      break;
    }
    std::int64_t interval = balance_interval(sd, busy);
    if (jiffies_ >= sd.last_balance + interval) {
      if (balance_rq(id, level, idle, continue_balancing) != 0) {
        idle = rqs_.idle_cpu(id) ? CpuIdleType::idle : CpuIdleType::not_idle;
        busy = idle == CpuIdleType::not_idle && !sched_idle(id);
      }
      sd.last_balance = jiffies_;
      interval = balance_interval(sd, busy);
    }
    if (sd.last_balance + interval < next_balance) {
      next_balance = sd.last_balance + interval;
      update_next_balance = true;
    }
  }
  if (need_decay) {
    rq.max_idle_balance_cost = std::max(migration_cost, max_cost);
  }
  if (update_next_balance) {
    locals_[index(id)].next_balance = next_balance;
  }
}

// get_sd_balance_interval: in jiffies; less one when busy, so that levels do not meet.
std::int64_t LoadBalance::balance_interval(const SchedDomain& sd, bool busy) const {
  const std::int64_t interval = sd.balance_interval * (busy ? sd.busy_factor : 1);
  const std::int64_t in_jiffies = (interval * hz_ + 999) / 1000 - (busy ? 1 : 0);
  return std::clamp(in_jiffies, std::int64_t{1}, max_interval_);
}

// sched_balance_update_blocked_averages
void LoadBalance::update_blocked_averages(CpuId id) {
  update_rq_clock(id);
  Rq& rq = rqs_.rq(id);
  Local& local = locals_[index(id)];
  local.blocked_load_update = jiffies_;
  const bool runs_rt = rq.curr != nullptr && rq.curr->is_rt;
  update_rt_rq_load_avg(rq.clock_task, rq.avg_rt, runs_rt);
  update_irq_load_avg(rq.clock, rq.avg_irq, 0);
  rqs_.fair().update_blocked_averages(id, rq.clock_task);
  if (rqs_.fair().cpu_load(id) == 0 && rqs_.fair().cpu_util(id) == 0 && rq.avg_rt.util_avg == 0 &&
      rq.avg_irq.util_avg == 0) {
    local.has_blocked_load = false;
  }
}

}  // namespace models
