// The scheduler's side of load balancing: it moves the tasks that load_balance.h chooses, and pays for the
// search.
#include "models/sched.h"

namespace models {

void Sched::connect_balancing() {
  balance_.update_rq_clock.connect<&Sched::update_clock>(*this);
  balance_.detach_task.connect<&Sched::detach_task>(*this);
  balance_.attach_task.connect<&Sched::attach_task>(*this);
  balance_.search_cost.connect<&Sched::search_domain>(*this);
  balance_.kick.connect<&Sched::kick_balancer>(*this);
  balance_.active_balance.connect<&Sched::wake_stopper>(*this);
}

bool Sched::newidle(CpuId id) {
  balances_ = id;
  return balance_.newidle(id, engine_.now());
}

void Sched::rebalance_domains(CpuId id) {
  balances_ = id;
  balance_.run_rebalance_domains(id, engine_.now());
}

void Sched::tick_stopped(CpuId id) { balance_.enter_nohz_idle(id); }

void Sched::detach_task(Task& task, CpuId from, CpuId to) {
  update_clock(from);
  deactivate_task(task, {.migrating = true});
  take_fair_request(from, balances_);
  tracepoints_.fire(Tracepoint::sched_migrate_task, balances_, static_cast<std::int64_t>(task.id),
                    static_cast<std::int64_t>(from), static_cast<std::int64_t>(to));
  meter_.count(Counter::migrations);
  set_task_cpu(task, to);
}

void Sched::attach_task(Task& task, CpuId to) {
  update_clock(to);
  activate_task(task, to, {.migrated = true});
  take_fair_request(to, balances_);
  if (wakeup_preempt(task, to)) {
    resched_curr_lazy(to, balances_);
  }
  take_fair_request(to, balances_);
  if (cpu(to).need_resched()) {
    rq_clock_skip_update(to);
  }
}

// Whoever searches, a task on its way to sleep or the softirq, is busy for that long.
sim::Nanos Sched::search_domain(CpuId id) {
  const sim::Nanos cost = costs_.draw(Cost::balance_domain);
  cpu(id).charge(cost);
  return cost;
}

void Sched::kick_balancer(CpuId from, CpuId to) { balance_ipis_[index(to)]->send_call_function(cpu(from)); }

void Sched::balancer_kicked(CpuId id) {
  if (balance_.nohz_kicked(id) && raise_sched_softirq.connected()) {
    raise_sched_softirq(id);
  }
}

Task& Sched::stopper(CpuId id) {
  Task*& task = locals_[index(id)].stopper;
  if (task == nullptr) {
    SchedConfig config;
    config.sched = SchedClass::fifo;
    config.rt_priority = RtEntity::stop_priority;
    config.cpus = {static_cast<int>(id)};
    task = &add_task("migration/" + std::to_string(index(id)), Role::kernel, config);
    task->saved = make_work<&Sched::stopper_runs>(sim::Nanos{0}, *this, index(id));
  }
  return *task;
}

void Sched::add_stoppers() {
  for (int i = 0; i < cpu_count(); ++i) {
    stopper(static_cast<CpuId>(i));
  }
}

// stop_one_cpu_nowait.
void Sched::wake_stopper(CpuId busiest, CpuId from) {
  try_to_wake_up(stopper(busiest), from, {.cause = woken_on(from)});
}

void Sched::stopper_runs(std::uint64_t cpu_number) {
  const auto id = static_cast<CpuId>(cpu_number);
  balances_ = id;
  balance_.push_running(id, engine_.now());
  sleep(*locals_[cpu_number].stopper, make_work<&Sched::stopper_runs>(sim::Nanos{0}, *this, cpu_number));
}

}  // namespace models
