#include "models/sched.h"

#include <utility>

#include "sim/check.h"

namespace models {

namespace {

constexpr sim::Nanos migration_cost{500'000};  // sysctl_sched_migration_cost, kernel/sched/fair.c

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
    : engine_{engine},
      topology_{topology},
      kernel_{kernel},
      costs_{costs},
      tracepoints_{tracepoints},
      completions_{completions},
      meter_{meter},
      cpus_{cpus},
      llc_cpus_{topology.llc_cpus == 0 ? topology.cpus : topology.llc_cpus},
      tick_{1'000'000'000 / kernel.hz} {
  const CfsConfig cfs{sched_features(kernel.release), base_slice(kernel.base_slice, topology.cpus),
                      kernel.base_slice, tick_};
  for (auto& each : cpus_) {
    rqs_.push_back(std::make_unique<Rq>(cfs, tick_));
    rqs_.back()->wake_list.reserve(64);
    rqs_.back()->newidle.dice = rng.stream("sched/newidle", index(each->id()));
    ipis_.push_back(std::make_unique<IpiReceiver>(engine_, *each, costs_));
    ipis_.back()->drain.connect<&Sched::ttwu_pending>(*this);
    each->schedule.connect<&Sched::schedule>(*this);
    each->drain_wake_list.connect<&Sched::ttwu_pending>(*this);
  }
}

Task& Sched::add_task(std::string name, Role role, const SchedConfig& config) {
  auto task = std::make_unique<Task>();
  task->id = static_cast<TaskId>(tasks_.size());
  task->name = std::move(name);
  task->role = role;
  for (int i = 0; i < cpu_count(); ++i) {
    task->allowed.set(static_cast<std::size_t>(i), config.cpus.empty());
  }
  for (const int allowed : config.cpus) {
    task->allowed.set(static_cast<std::size_t>(allowed));
  }
  task->nr_allowed = static_cast<int>(task->allowed.count());
  // A new task starts where it may run; tasks spread over the CPUs in the order of their creation.
  int start = static_cast<int>(tasks_.size()) % cpu_count();
  while (!task->allowed.test(static_cast<std::size_t>(start))) {
    start = (start + 1) % cpu_count();
  }
  task->cpu = static_cast<CpuId>(start);
  task->recent_used_cpu = task->cpu;
  task->is_rt = config.sched == SchedClass::fifo || config.sched == SchedClass::rr;
  task->se.task = task->id;
  task->rt.task = task->id;
  CfsRq& cfs = rqs_[index(task->cpu)]->cfs;
  if (task->is_rt) {
    task->rt.policy = config.sched;
    task->rt.rt_priority = config.rt_priority;
  } else {
    task->se.policy = config.sched;
    cfs.set_user_nice(task->se, config.nice, 0);
    if (config.slice.count() != 0) {
      cfs.set_slice(task->se, config.slice, 0);
    }
  }
  tasks_.push_back(std::move(task));
  return *tasks_.back();
}

// rq->clock_task: what the fair class charges by. It never runs backwards, although interrupt time is
// booked only at the ends of its sections (kernel/sched/core.c:update_rq_clock_task).
std::int64_t Sched::clock_task(CpuId id) {
  Rq& rq = *rqs_[index(id)];
  std::int64_t clock = sim::count(engine_.now());
  if (kernel_.irq_time_accounting) {
    clock -= cpu(id).irq_time().count();
  }
  rq.clock_task = std::max(rq.clock_task, clock);
  return rq.clock_task;
}

int Sched::nr_running(CpuId id) const {
  const Rq& rq = *rqs_[index(id)];
  return rq.rt.nr_running() + rq.cfs.nr_queued();
}

int Sched::nr_runnable(CpuId id) const {
  const Rq& rq = *rqs_[index(id)];
  return rq.rt.nr_running() + rq.cfs.nr_runnable();
}

bool Sched::idle_cpu(CpuId id) const {
  const Rq& rq = *rqs_[index(id)];
  return rq.curr == nullptr && nr_running(id) == 0 && rq.wake_list.empty();
}

bool Sched::share_llc(CpuId a, CpuId b) const {
  return static_cast<int>(a) / llc_cpus_ == static_cast<int>(b) / llc_cpus_;
}

int Sched::llc_first(CpuId id) const { return static_cast<int>(id) / llc_cpus_ * llc_cpus_; }

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
    rqs_[index(task.cpu)]->cfs.enqueue(task.se, clock_task(task.cpu), {.wakeup = true});
    wakeup_preempt(task, task.cpu, waker);
    note_wakeup(task, waker);
    return true;
  }
  CpuId target = task.cpu;
  if (task.nr_allowed > 1) {
    target = select_task_rq(Placement{task, task.cpu, waker, wake.sync});
  }
  const bool migrated = target != task.cpu;
  if (migrated) {
    tracepoints_.fire(Tracepoint::sched_migrate_task, waker, static_cast<std::int64_t>(task.id),
                      static_cast<std::int64_t>(task.cpu), static_cast<std::int64_t>(target));
    meter_.count(Counter::migrations);
    task.cpu = target;
  }
  if (wake_list_allowed(task, target, waker)) {
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

// ttwu_queue_cond: across LLCs, or to a remote CPU that has nothing to run.
bool Sched::wake_list_allowed(const Task&, CpuId id, CpuId waker) const {
  return !share_llc(id, waker) || (id != waker && nr_running(id) == 0);
}

void Sched::queue_on_wake_list(Task& task, CpuId id, CpuId waker) {
  Rq& rq = *rqs_[index(id)];
  task.on_wake_list = true;
  const bool was_empty = rq.wake_list.empty();
  rq.wake_list.push_back(&task);
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
  Rq& rq = *rqs_[index(id)];
  for (std::size_t i = 0; i < rq.wake_list.size(); ++i) {
    Task& task = *rq.wake_list[i];
    task.on_wake_list = false;
    activate(task, id, id, task.last_ran != id);
  }
  rq.wake_list.clear();
}

void Sched::activate(Task& task, CpuId id, CpuId waker, bool migrated) {
  Rq& rq = *rqs_[index(id)];
  if (task.is_rt) {
    rq.rt.enqueue(task.rt);
  } else {
    rq.cfs.enqueue(task.se, clock_task(id), {.wakeup = true, .migrated = migrated});
    take_resched_request(id, waker);
  }
  overloaded_ |= nr_running(id) >= 2;  // add_nr_running
  wakeup_preempt(task, id, waker);
  note_wakeup(task, waker);
}

// sched_wakeup, on the CPU that enqueued the task: the target's own only for its wake list.
void Sched::note_wakeup(Task& task, CpuId here) {
  task.wakeup_at = engine_.now();
  completions_.stamp(task.woken_by, Stage::runnable, engine_.now());
  tracepoints_.fire(Tracepoint::sched_wakeup, here, static_cast<std::int64_t>(task.id),
                    static_cast<std::int64_t>(task.cpu));
}

void Sched::wakeup_preempt(Task& task, CpuId id, CpuId waker) {
  Rq& rq = *rqs_[index(id)];
  const Task* curr = rq.curr;
  if (curr == nullptr) {
    resched_curr(id, waker);
  } else if (task.is_rt) {
    if (!curr->is_rt || rq.rt.wakeup_preempt(task.rt, curr->rt)) {
      resched_curr(id, waker);
    }
  } else if (!curr->is_rt && !cpu(id).need_resched()) {
    rq.cfs.wakeup_preempt(task.se, clock_task(id));
    take_resched_request(id, waker);
  }
}

void Sched::resched_curr(CpuId id, CpuId from) {
  Cpu& target = cpu(id);
  if (target.need_resched()) {
    return;
  }
  const bool polling = target.polling();
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
void Sched::take_resched_request(CpuId id, CpuId from) {
  Rq& rq = *rqs_[index(id)];
  if (rq.cfs.need_resched() && rq.curr != nullptr && !rq.curr->is_rt) {
    resched_curr(id, from);
  }
}

void Sched::sleep(Task& task, const Work& on_wake) {
  task.state = TaskState::interruptible;
  task.saved = on_wake;
  schedule(task.cpu);
}

// __schedule. The current task has blocked (no task work, saved set) or is preempted (its work is taken).
void Sched::schedule(CpuId id) {
  Rq& rq = *rqs_[index(id)];
  Cpu& cpu_ref = cpu(id);
  Task* prev = rq.curr;
  const std::int64_t clock = clock_task(id);
  if (prev != nullptr) {
    prev->last_ran_at = engine_.now();
    if (prev->state == TaskState::interruptible) {
      if (prev->is_rt) {
        rq.rt.dequeue(prev->rt);
      } else {
        rq.cfs.dequeue(prev->se, clock, {.sleep = true});
      }
    } else {
      prev->saved = cpu_ref.take_task_work();
    }
  }
  Task* next = pick_next_task(rq, id);
  if (next == nullptr) {
    next = newidle_balance(id);
  }
  cpu_ref.clear_need_resched();
  rq.cfs.clear_resched();
  if (next == prev && prev != nullptr) {
    cpu_ref.set_work(Context::task, std::exchange(prev->saved, Work{}));
    return;
  }
  start_switch(rq, id, prev, next);
}

Task* Sched::pick_next_task(Rq& rq, CpuId id) {
  if (RtEntity* rt = rq.rt.pick()) {
    return &task(rt->task);
  }
  if (SchedEntity* se = rq.cfs.pick(clock_task(id))) {
    return &task(se->task);
  }
  return nullptr;
}

void Sched::put_prev(Rq& rq, Task* prev, CpuId id) {
  if (prev != nullptr && !prev->is_rt && rq.cfs.curr() == &prev->se) {
    rq.cfs.put_prev(clock_task(id));
  }
}

void Sched::start_switch(Rq& rq, CpuId id, Task* prev, Task* next) {
  put_prev(rq, prev, id);
  if (next != nullptr && !next->is_rt) {
    rq.cfs.set_next(next->se, clock_task(id));
  }
  rq.switch_from = prev;
  rq.switch_from_sleeps = prev != nullptr && prev->state == TaskState::interruptible;
  rq.curr = next;
  const bool for_agent = next != nullptr && next->role == Role::agent;
  Work work =
      make_work<&Sched::finish_switch>(costs_.draw(Cost::context_switch, for_agent), *this, index(id));
  work.irqs_off = true;
  cpu(id).set_work(Context::task, work);
}

void Sched::finish_switch(std::uint64_t cpu_number) {
  const auto id = static_cast<CpuId>(cpu_number);
  Rq& rq = *rqs_[cpu_number];
  Cpu& cpu_ref = cpu(id);
  Task* next = rq.curr;
  meter_.count(Counter::context_switches);
  tracepoints_.fire(Tracepoint::sched_switch, id, trace_id(rq.switch_from), rq.switch_from_sleeps ? 1 : 0,
                    trace_id(next));
  const bool from_idle = cpu_ref.idle();
  set_owner(cpu_ref, next);
  if (next == nullptr) {
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
  cpu_ref.set_work(Context::task, work);
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
  Rq& rq = *rqs_[index(id)];
  if (rq.curr == nullptr) {
    return;
  }
  if (rq.curr->is_rt) {
    if (rq.rt.tick(rq.curr->rt)) {
      resched_curr(id, id);
    }
    return;
  }
  rq.cfs.tick(clock_task(id));
  take_resched_request(id, id);
}

// update_newidle_stats: the ratio is that of the last 512 to 1024 calls.
void Sched::Newidle::update(int success) {
  ++calls;
  successes += success;
  if (calls >= 1024) {
    ratio = successes;
    calls /= 2;
    successes /= 2;
  }
}

// sched_balance_newidle. A success counts for all the calls that the die refused.
Task* Sched::newidle_balance(CpuId id) {
  Rq& rq = *rqs_[index(id)];
  if (!overloaded_ || !rq.wake_list.empty()) {
    return nullptr;
  }
  const int weight = 1 + rq.newidle.ratio;
  if (static_cast<int>(rq.newidle.dice.below(1024)) > weight) {
    rq.newidle.update(0);
    return nullptr;
  }
  overloaded_ = false;  // update_sd_lb_stats looks at all CPUs of the root domain
  for (int i = 0; i < cpu_count(); ++i) {
    overloaded_ |= nr_running(static_cast<CpuId>(i)) >= 2;
  }
  Task* pulled = newidle_pull(id);
  rq.newidle.update(pulled == nullptr ? 0 : (1024 + weight / 2) / weight);
  return pulled;
}

// sched_balance_rq, reduced: the busiest CPU of the LLC gives one waiting task that is not cache-hot.
Task* Sched::newidle_pull(CpuId id) {
  const int first = llc_first(id);
  CpuId busiest = CpuId::none;
  int most = 1;
  for (int i = first; i < first + llc_cpus_; ++i) {
    const auto other = static_cast<CpuId>(i);
    if (other != id && nr_running(other) > most) {
      most = nr_running(other);
      busiest = other;
    }
  }
  if (busiest == CpuId::none) {
    return nullptr;
  }
  Rq& from = *rqs_[index(busiest)];
  for (const auto& candidate : tasks_) {
    Task& task = *candidate;
    if (task.cpu != busiest || task.is_rt || !task.se.on_rq || task.se.sched_delayed || &task == from.curr ||
        !allowed(task, id) || engine_.now() - task.last_ran_at < migration_cost) {
      continue;
    }
    from.cfs.dequeue(task.se, clock_task(busiest), {});
    take_resched_request(busiest, id);
    tracepoints_.fire(Tracepoint::sched_migrate_task, id, static_cast<std::int64_t>(task.id),
                      static_cast<std::int64_t>(busiest), static_cast<std::int64_t>(id));
    meter_.count(Counter::migrations);
    task.cpu = id;
    rqs_[index(id)]->cfs.enqueue(task.se, clock_task(id), {.migrated = true});
    return pick_next_task(*rqs_[index(id)], id);
  }
  return nullptr;
}

}  // namespace models
