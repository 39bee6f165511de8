#include "models/sched.h"

#include <algorithm>
#include <utility>

#include "sim/check.h"

namespace models {

namespace {

Metric wakeup_metric(Role role) {
  switch (role) {
    case Role::agent:
      return Metric::wakeup_to_run;
    case Role::server:
      return Metric::wakeup_to_run_server;
    case Role::background:
      return Metric::wakeup_to_run_background;
    case Role::kernel:
      return Metric::wakeup_to_run_kernel;
    case Role::tracer:
      return Metric::wakeup_to_run_tracer;
  }
  return Metric::wakeup_to_run;
}

std::int64_t trace_id(const Task* task) { return task == nullptr ? -1 : static_cast<std::int64_t>(task->id); }

}  // namespace

Sched::Sched(sim::Engine& engine, const TopologyConfig& topology, const KernelConfig& kernel,
             CostSampler& costs, const Tracepoints& tracepoints, CompletionPool& completions, Meter& meter,
             std::vector<std::unique_ptr<Cpu>>& cpus, const sim::Rng& rng)
    : RunQueues{topology, kernel},
      engine_{engine},
      costs_{costs},
      tracepoints_{tracepoints},
      completions_{completions},
      meter_{meter},
      cpus_{cpus},
      locals_(cpus.size()),
      fair_servers_(cpus.size()),
      balance_{*this, rng} {
  for (auto& each : cpus_) {
    ipis_.push_back(std::make_unique<IpiReceiver>(engine_, *each, costs_));
    ipis_.back()->drain.connect<&Sched::ttwu_pending>(*this);
    each->schedule.connect<&Sched::schedule>(*this);
    each->drain_wake_list.connect<&Sched::ttwu_pending>(*this);
    balance_ipis_.push_back(std::make_unique<IpiReceiver>(engine_, *each, costs_));
    balance_ipis_.back()->drain.connect<&Sched::balancer_kicked>(*this);
    fair_servers_[index(each->id())].bind<&Sched::fair_server_expired>(engine_, *this, index(each->id()));
    if (kernel.features.hrtick) {
      hrticks_.push_back(std::make_unique<Hrtick>(engine_, *each, costs_));
      hrticks_.back()->expired.connect<&Sched::hrtick>(*this);
    }
  }
  connect_balancing();
  connect_bandwidth();
}

// What tasks are not charged for.
sim::Nanos Sched::not_task_time(CpuId id) {
  sim::Nanos not_task{0};
  if (kernel().irq_time_accounting) {
    not_task += cpu(id).irq_time();
  }
  if (kernel().paravirt_time_accounting) {
    not_task += cpu(id).steal_time();
  }
  return not_task;
}

void Sched::update_clock(CpuId id) { update_rq_clock(id, engine_.now(), not_task_time(id)); }

double Sched::utilisation() const {
  double sum = 0;
  for (const auto& each : cpus_) {
    sum += each->busy_share(engine_.now());
  }
  return sum / static_cast<double>(cpus_.size());
}

// try_to_wake_up, kernel/sched/core.c: sched_waking on the waker, selection, delivery.
bool Sched::try_to_wake_up(Task& task, CpuId waker, Wake wake) {
  if (task.state != TaskState::interruptible || task.on_wake_list) {
    return false;
  }
  task.state = TaskState::running;
  task.wake_pending = true;
  task.waking_at = engine_.now();
  task.woken_by = wake.completion;
  completions_.stamp(wake.completion, Stage::waking, engine_.now());
  tracepoints_.fire(Tracepoint::sched_waking, waker, static_cast<std::int64_t>(task.id),
                    static_cast<std::int64_t>(task.cpu));
  if (tracepoints_.explain_wakeups()) {
    explain_wakeup(task, waker, wake);
  }
  const bool for_agent = wake.completion != CompletionId::none;
  cpu(waker).charge(costs_.draw(Cost::try_to_wake_up, for_agent));
  if (task.on_rq()) {  // ttwu_runnable: a delayed dequeue is called off where the task is
    activate(task, task.cpu, waker, false);
    return true;
  }
  if (task.on_cpu) {  // It is still switching out. Its CPU finishes the wakeup, or the waker spins until
                      // then.
    if (wake_list_allowed(task.cpu, waker)) {
      queue_on_wake_list(task, task.cpu, waker);
      return true;
    }
    cpu(waker).charge(std::max(sim::Nanos{0}, locals_[index(task.cpu)].switched_at - engine_.now()));
  }
  CpuId target = task.cpu;
  if (task.nr_allowed > 1) {
    target = select_task_rq(
        Placement{task, task.cpu, waker, wake.sync, cpu(waker).context() == Context::task, engine_.now()});
  }
  const bool migrated = target != task.cpu;
  if (migrated) {
    tracepoints_.fire(Tracepoint::sched_migrate_task, waker, static_cast<std::int64_t>(task.id),
                      static_cast<std::int64_t>(task.cpu), static_cast<std::int64_t>(target));
    meter_.count(Counter::migrations);
    if (curr(task.cpu) == nullptr) {
      update_clock(task.cpu);  // migrate_se_pelt_lag: its load decays while its CPU idles
    }
    set_task_cpu(task, target);
  }
  if (wake_list_allowed(target, waker)) {
    queue_on_wake_list(task, target, waker);
  } else {
    activate(task, target, waker, migrated);
  }
  return true;
}

// The proposal's tracepoint, for who carries a context; the truth, for everyone.
void Sched::explain_wakeup(const Task& task, CpuId waker, const Wake& wake) {
  ExplainedWakeup wakeup{.task = task.id, .cause = wake.cause};
  if (wake.completion != CompletionId::none) {
    const AgentLatencyCtx& ctx = completions_[wake.completion].ctx;
    if (ctx.agent_id >= 0) {
      wakeup.agent_id = ctx.agent_id;
      wakeup.step_id = ctx.step_id;
      wakeup.latency_class = ctx.latency_class;
      tracepoints_.fire(Tracepoint::agent_wakeup, waker, wakeup);
    }
  }
  tracepoints_.fire(Tracepoint::wake_cause, waker, wakeup);
}

void Sched::queue_on_wake_list(Task& task, CpuId id, CpuId waker) {
  task.on_wake_list = true;
  const bool was_empty = !wakeup_in_flight(id);
  add_to_wake_list(id, task);
  if (!was_empty) {
    return;  // its IPI is on the way
  }
  Cpu& target = cpu(id);
  if (target.polling()) {
    target.set_need_resched();  // call_function_single_prep_ipi: the store wakes it
    target.wake_polling();
  } else {
    ipis_[index(id)]->send_call_function(cpu(waker));
  }
}

void Sched::ttwu_pending(CpuId id) {
  Rq& here = rq(id);
  for (std::size_t i = 0; i < here.wake_list.size(); ++i) {
    Task& task = *here.wake_list[i];
    task.on_wake_list = false;
    activate(task, id, id, task.last_ran != id);
  }
  clear_wake_list(id);
}

// ttwu_do_activate, and ttwu_runnable for a task that is still queued.
void Sched::activate(Task& task, CpuId id, CpuId waker, bool migrated) {
  update_clock(id);
  activate_task(task, id, {.wakeup = true, .migrated = migrated});
  take_fair_request(id, waker);
  if (wakeup_preempt(task, id)) {
    if (task.is_rt) {
      resched_curr(id, waker);
    } else {
      resched_curr_lazy(id, waker);
    }
  }
  take_fair_request(id, waker);  // The check charges the current task, whose slice may be over.
  if (cpu(id).need_resched()) {
    rq_clock_skip_update(id);
  }
  update_hrtick(id);
  arm_fair_server(id);
  note_wakeup(task, waker);
}

// sched_wakeup, on the CPU that enqueued the task: the target's own only for its wake list.
void Sched::note_wakeup(Task& task, CpuId here) {
  task.wakeup_at = engine_.now();
  completions_.stamp(task.woken_by, Stage::runnable, engine_.now());
  tracepoints_.fire(Tracepoint::sched_wakeup, here, static_cast<std::int64_t>(task.id),
                    static_cast<std::int64_t>(task.cpu));
}

void Sched::resched_curr(CpuId id, CpuId from) {
  Cpu& target = cpu(id);
  if (target.need_resched()) {
    return;
  }
  const bool polling = target.polling();
  set_resched(id, Resched::now);
  target.set_need_resched();
  if (id == from) {
    return;
  }
  if (polling) {
    target.wake_polling();
  } else {
    ipis_[index(id)]->send_reschedule(cpu(from));
  }
}

// The fair class asks for a reschedule while it charges its current task.
void Sched::take_fair_request(CpuId id, CpuId from) {
  if (fair().need_resched(id) && curr(id) != nullptr && !curr(id)->is_rt) {
    resched_curr_lazy(id, from);
  }
}

// What fair tasks ask for. Under lazy preemption it waits for the return to userspace or the next tick, which
// the CPU needs no IPI for; the class may ask again, for its checks look at TIF_NEED_RESCHED only.
void Sched::resched_curr_lazy(CpuId id, CpuId from) {
  if (kernel().preemption != Preemption::lazy || curr(id) == nullptr) {
    resched_curr(id, from);
    return;
  }
  fair().clear_resched(id);
  if (rq(id).resched == Resched::none) {
    set_resched(id, Resched::lazy);
    cpu(id).set_need_resched_lazy();
  }
}

void Sched::sleep(Task& task, const Work& on_wake) {
  task.state = TaskState::interruptible;
  task.saved = on_wake;
  schedule(task.cpu);
}

// __schedule. The current task has blocked (no task work, saved set) or is preempted (its work is taken).
void Sched::schedule(CpuId id) {
  Cpu& cpu_ref = cpu(id);
  Task* prev = curr(id);
  update_rq_clock_of_schedule(id, engine_.now(), not_task_time(id));
  if (prev != nullptr) {
    prev->last_ran_at = engine_.now();
    if (prev->state == TaskState::interruptible) {
      deactivate_task(*prev, {.sleep = true});
    } else {
      prev->saved = cpu_ref.take_task_work();
      if (prev->saved.user || prev->saved.boundary) {
        throttle_current(id);  // 6.18: it returns to user mode, perhaps without runtime
      }
    }
  }
  Task* next = pick_next_task(id);
  if (next == nullptr && newidle(id)) {
    next = pick_next_task(id);
  }
  cpu_ref.clear_need_resched();
  clear_resched(id);
  arm_fair_server(id);
  if (next == prev && prev != nullptr) {
    cpu_ref.set_work(Context::task, std::exchange(prev->saved, Work{}));
    return;
  }
  start_switch(id, prev, next);
}

void Sched::start_switch(CpuId id, Task* prev, Task* next) {
  if (prev != next) {
    switch_to(id, next);
  }
  Local& local = locals_[index(id)];
  local.switch_from = prev;
  local.switch_from_sleeps = prev != nullptr && prev->state == TaskState::interruptible;
  const bool for_agent = next != nullptr && next->role == Role::agent;
  const sim::Nanos cost = costs_.draw(Cost::context_switch, for_agent);
  local.switched_at = engine_.now() + cost;
  if (next != nullptr) {
    next->on_cpu = true;
  }
  update_hrtick(id);
  cpu(id).run<&Sched::finish_switch>(Context::task, cost, *this, index(id)).irqs_off = true;
}

void Sched::finish_switch(std::uint64_t cpu_number) {
  const auto id = static_cast<CpuId>(cpu_number);
  const Local& local = locals_[cpu_number];
  Cpu& cpu_ref = cpu(id);
  Task* next = curr(id);
  if (local.switch_from != nullptr) {
    local.switch_from->on_cpu = false;  // finish_task
  }
  meter_.count(Counter::context_switches);
  tracepoints_.fire(Tracepoint::sched_switch, id, trace_id(local.switch_from),
                    local.switch_from_sleeps ? 1 : 0, trace_id(next));
  const bool from_idle = cpu_ref.idle();
  set_owner(cpu_ref, next);
  if (next == nullptr) {
    balance_.run_idle_balance(id, engine_.now());
    return;  // the idle loop goes to sleep, unless a wakeup has come meanwhile
  }
  if (from_idle && next->role == Role::agent) {
    cpu_ref.book_idle_exit_to_agent();
  }
  if (next->wake_pending) {
    measure_wakeup(*next);
  }
  Work work = std::exchange(next->saved, Work{});
  if (next->last_ran != id && next->last_ran != CpuId::none) {
    work.remaining += costs_.draw(Cost::migration_cold_cache, next->role == Role::agent);
  }
  next->last_ran = id;
  if (!next->is_rt && fair().throttle_work(next->se)) {
    cpu_ref.set_need_resched();  // TIF_NOTIFY_RESUME, which acts at the same place
  }
  cpu_ref.set_work(Context::task, work);
}

// hrtick_update and hrtick_start_fair.
void Sched::update_hrtick(CpuId id) {
  if (!hrticks_.empty()) {
    hrticks_[index(id)]->arm(fair().hrtick_delay(id));
  }
}

void Sched::hrtick(CpuId id) {
  update_clock(id);
  fair().hrtick(id, rq(id).clock_task);
  take_fair_request(id, id);
}

void Sched::measure_wakeup(Task& task) {
  task.wake_pending = false;
  const sim::SimTime now = engine_.now();
  completions_.stamp(task.woken_by, Stage::running, now);
  task.woken_by = CompletionId::none;
  meter_.record(wakeup_metric(task.role), now - task.wakeup_at);
  if (task.role == Role::agent) {
    meter_.record(Metric::wake_to_run, now - task.waking_at);
  }
}

void Sched::set_owner(Cpu& cpu_ref, const Task* next) {
  cpu_ref.set_idle_task(next == nullptr);
  if (next == nullptr) {
    return;
  }
  const bool foreign = next->role == Role::kernel || next->role == Role::tracer;
  cpu_ref.set_accounting(foreign ? CpuTime::other : CpuTime::user,
                         foreign ? CpuTime::other : CpuTime::system);
}

void Sched::tick(CpuId id) {
  update_clock(id);
  if (cpu(id).promote_lazy()) {
    set_resched(id, Resched::now);
  }
  if (RunQueues::tick(id)) {
    if (curr(id)->is_rt) {
      resched_curr(id, id);
    } else {
      resched_curr_lazy(id, id);
    }
  }
  if (balance_.trigger(id, engine_.now()) && raise_sched_softirq.connected()) {
    raise_sched_softirq(id);
  }
}

}  // namespace models
