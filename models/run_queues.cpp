#include "models/run_queues.h"

#include <algorithm>
#include <utility>

#include "sim/check.h"

namespace models {

namespace {

constexpr std::int64_t migration_cost = 500'000;  // sysctl_sched_migration_cost, kernel/sched/fair.c
constexpr sim::Nanos flip_decay{1'000'000'000};   // record_wakee: flips halve at most once per second

CfsConfig cfs_config(const TopologyConfig& topology, const KernelConfig& kernel, sim::Nanos tick) {
  return {sched_features(kernel.release, kernel.features), base_slice(kernel.base_slice, topology.cpus),
          kernel.base_slice, tick};
}

void update_curr_rt(RtEntity& curr, std::int64_t clock_task) {
  curr.sum_exec_runtime += clock_task - curr.exec_start;
  curr.exec_start = clock_task;
}

}  // namespace

RunQueues::RunQueues(const TopologyConfig& topology, const KernelConfig& kernel)
    : topology_{topology},
      kernel_{kernel},
      tick_{1'000'000'000 / kernel.hz},
      llc_cpus_{topology.llc_cpus == 0 ? topology.cpus : topology.llc_cpus},
      domains_{topology},
      fair_{cfs_config(topology, kernel, tick_), topology.cpus} {
  for (int i = 0; i < topology.cpus; ++i) {
    rqs_.push_back(std::make_unique<Rq>(tick_, kernel.fair_server));
    rqs_.back()->wake_list.reserve(64);
    rqs_.back()->avg_idle = 2 * migration_cost;  // sched_init
    rqs_.back()->max_idle_balance_cost = migration_cost;
  }
}

Task& RunQueues::add_task(std::string name, Role role, const SchedConfig& config, GroupId group) {
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
  if (task->is_rt) {
    has_rt_tasks_ |= config.rt_priority < RtEntity::stop_priority;
    task->rt.policy = config.sched;
    task->rt.rt_priority = config.rt_priority;
  } else {
    task->se.policy = config.sched;
    fair_.attach(task->se, group);
    fair_.set_user_nice(task->cpu, task->se, config.nice, 0);
    if (config.slice.count() != 0) {
      fair_.set_slice(task->cpu, task->se, config.slice, 0);
    }
  }
  tasks_.push_back(std::move(task));
  return *tasks_.back();
}

int RunQueues::nr_running(CpuId id) const { return rq(id).rt.nr_running() + fair_.h_nr_queued(id); }

int RunQueues::nr_runnable(CpuId id) const { return rq(id).rt.nr_running() + fair_.h_nr_runnable(id); }

bool RunQueues::idle_cpu(CpuId id) const {
  return rq(id).curr == nullptr && nr_running(id) == 0 && rq(id).wake_list.empty();
}

std::int64_t RunQueues::cpu_util_cfs(CpuId id) const {
  return std::min(std::max(fair_.cpu_util(id), rq(id).util_est), sched_capacity_scale);
}

bool RunQueues::sched_idle_cpu(CpuId id) const {
  const int tasks = nr_running(id);
  return tasks != 0 && tasks == fair_.h_nr_idle(id);
}

bool RunQueues::wake_list_allowed(CpuId id, CpuId waker) const {
  return kernel_.placement.ttwu_queue && (!share_llc(id, waker) || (id != waker && nr_running(id) == 0));
}

// Interrupt time is booked only at the ends of its sections, so the difference may go back; the clock that
// tasks are charged by never does (update_rq_clock_task).
void RunQueues::update_rq_clock(CpuId id, sim::SimTime now, sim::Nanos not_task) {
  Rq& here = rq(id);
  const std::int64_t clock = sim::count(now);
  const std::int64_t clock_task = std::max(here.clock_task, clock - not_task.count());
  const std::int64_t taken = (clock - here.clock) - (clock_task - here.clock_task);
  here.clock = clock;
  here.clock_task = clock_task;
  if (taken > 0 && kernel_.placement.nontask_capacity) {
    update_irq_load_avg(clock, here.avg_irq, taken);
  }
}

void RunQueues::update_rq_clock_of_schedule(CpuId id, sim::SimTime now, sim::Nanos not_task) {
  if (!std::exchange(rq(id).skip_update, false)) {
    update_rq_clock(id, now, not_task);
  }
}

void RunQueues::activate_task(Task& task, CpuId id, EnqueueFlags flags) {
  Rq& here = rq(id);
  if (task.is_rt) {
    here.rt.enqueue(task.rt);
  } else {
    if (!task.se.on_rq) {  // account_entity_enqueue
      move_to_front(task);
    }
    if (!task.se.sched_delayed || flags.wakeup) {
      here.util_est += task.util_est.estimate;
    }
    charge_fair_server(id);
    const int queued_before = fair_.h_nr_queued(id);
    fair_.enqueue_task(id, task.se, here.clock_task, flags);
    tell_fair_server(id, queued_before);
  }
  overloaded_ |= nr_running(id) >= 2;  // add_nr_running
  if (flags.wakeup && here.idle_stamp != 0) {
    here.avg_idle += (here.clock - here.idle_stamp - here.avg_idle) / 8;
    here.avg_idle = std::min(here.avg_idle, 2 * here.max_idle_balance_cost);
    here.idle_stamp = 0;
  }
}

bool RunQueues::deactivate_task(Task& task, DequeueFlags flags) {
  if (task.is_rt) {
    rq(task.cpu).rt.dequeue(task.rt);
    return true;
  }
  if (!task.se.sched_delayed) {
    std::int64_t& util_est = rq(task.cpu).util_est;
    util_est -= std::min(util_est, task.util_est.estimate);
  }
  if (flags.sleep) {
    update_util_est(task.util_est, task.se.avg);
  }
  charge_fair_server(task.cpu);
  const int queued_before = fair_.h_nr_queued(task.cpu);
  const bool dequeued = fair_.dequeue_task(task.cpu, task.se, rq(task.cpu).clock_task, flags);
  tell_fair_server(task.cpu, queued_before);
  return dequeued;
}

bool RunQueues::wakeup_preempt(Task& task, CpuId id, bool fork) {
  const Rq& here = rq(id);
  const Task* curr = here.curr;
  if (curr == nullptr) {
    return true;
  }
  if (task.is_rt && !curr->is_rt) {  // Fair tasks on their server's terms are of the deadline class.
    return !here.fair_server.runs_fair() || task.rt.rt_priority == RtEntity::stop_priority;
  }
  if (task.is_rt) {
    return here.rt.wakeup_preempt(task.rt, curr->rt);
  }
  if (curr->is_rt) {  // dl_server_start: a server with time left goes on at once
    return here.fair_server.runs_fair() && curr->rt.rt_priority != RtEntity::stop_priority;
  }
  return here.resched != Resched::now && fair_.wakeup_preempt(id, task.se, here.clock_task, fork);
}

Task* RunQueues::pick_next_task(CpuId id) {
  charge_fair_server(id);
  const Rq& here = rq(id);
  RtEntity* rt = here.rt.pick();
  if (rt != nullptr && (!here.fair_server.runs_fair() || rt->rt_priority == RtEntity::stop_priority)) {
    return &task(rt->task);
  }
  const int queued_before = fair_.h_nr_queued(id);
  SchedEntity* se = fair_.pick_task(id, here.clock_task);
  tell_fair_server(id, queued_before);  // A pick may finish delayed dequeues.
  if (se != nullptr) {
    return &task(se->task);
  }
  return rt != nullptr ? &task(rt->task) : nullptr;
}

void RunQueues::charge_fair_server(CpuId id) {
  if (!has_rt_tasks_) {
    return;
  }
  Rq& here = rq(id);
  const sim::Nanos span{here.clock_task - here.served_until};
  here.served_until = here.clock_task;
  if (here.curr == nullptr) {
    here.fair_server.idled(span);
  } else if (!here.curr->is_rt) {
    here.fair_server.fair_ran(span, here.clock);
  }
}

void RunQueues::tell_fair_server(CpuId id, int queued_before) {
  if (!has_rt_tasks_ || (queued_before == 0) == (fair_.h_nr_queued(id) == 0)) {
    return;
  }
  if (queued_before == 0) {
    rq(id).fair_server.start(rq(id).clock);
  } else {
    rq(id).fair_server.stop();
  }
}

bool RunQueues::fair_server_timer(CpuId id) {
  charge_fair_server(id);
  rq(id).fair_server.expire(rq(id).clock);
  return rq(id).fair_server.runs_fair();
}

bool RunQueues::throttle_current(CpuId id) {
  const Task* curr = rq(id).curr;
  return curr != nullptr && !curr->is_rt && fair_.throttle_work(curr->se) &&
         fair_.throttle_task(id, rq(id).clock_task);
}

void RunQueues::switch_to(CpuId id, Task* next) {
  Rq& here = rq(id);
  Task* prev = here.curr;
  sim::check(next != prev, "a switch changes the task");
  const bool prev_rt = prev != nullptr && prev->is_rt;
  const bool next_rt = next != nullptr && next->is_rt;
  if (prev_rt || next_rt) {
    update_rt_rq_load_avg(here.clock_task, here.avg_rt, prev_rt);
  }
  if (prev_rt) {
    update_curr_rt(prev->rt, here.clock_task);
  }
  if (next_rt) {
    next->rt.exec_start = here.clock_task;
  }
  const bool next_fair = next != nullptr && !next_rt;
  if (next_fair) {
    move_to_front(*next);
  }
  if (next_fair || (prev != nullptr && !prev_rt)) {
    fair_.switch_task(id, next_fair ? &next->se : nullptr, here.clock_task);
  }
  here.curr = next;
  if (next == nullptr && domains_.smt_active()) {
    update_idle_core(id);
  }
}

void RunQueues::set_task_cpu(Task& task, CpuId id) {
  if (!task.is_rt) {
    fair_.migrate_task(task.se, task.cpu, id, rq(task.cpu).clock_task);
  }
  task.cpu = id;
}

void RunQueues::clear_resched(CpuId id) {
  rq(id).resched = Resched::none;
  fair_.clear_resched(id);
}

bool RunQueues::tick(CpuId id) {
  Rq& here = rq(id);
  if (here.curr == nullptr) {
    return false;
  }
  charge_fair_server(id);
  if (here.curr->is_rt) {
    update_rt_rq_load_avg(here.clock_task, here.avg_rt, true);
    update_curr_rt(here.curr->rt, here.clock_task);
    return here.rt.tick(here.curr->rt);
  }
  const bool served = here.fair_server.runs_fair();
  fair_.tick(id, here.clock_task);
  return fair_.need_resched(id) || (here.rt.nr_running() > 0 && !served);
}

void RunQueues::yield(CpuId id) {
  Rq& here = rq(id);
  sim::check(here.curr != nullptr, "a running task yields");
  if (here.curr->is_rt) {
    here.rt.yield(here.curr->rt);
  } else {
    fair_.yield(id, here.clock_task);
    rq_clock_skip_update(id);
  }
}

void RunQueues::record_wakee(CpuId waker, const Task& wakee, sim::SimTime now) {
  Rq& here = rq(waker);
  WakeeFlips& flips = here.curr == nullptr ? here.swapper : here.curr->wakee;
  if (now > flips.decay_at + flip_decay) {
    flips.flips >>= 1;
    flips.decay_at = now;
  }
  if (flips.last_wakee != &wakee) {
    flips.last_wakee = &wakee;
    ++flips.flips;
  }
}

// A core all of whose threads idle is worth a search (__update_idle_core).
void RunQueues::update_idle_core(CpuId id) {
  LlcShared* llc = domains_.llc(id);
  if (llc == nullptr || llc->has_idle_cores) {
    return;
  }
  const CpuSpan threads = domains_.smt_mask(id);
  for (int i = threads.first; i < threads.first + threads.weight; ++i) {
    if (static_cast<CpuId>(i) != id && !idle_cpu(static_cast<CpuId>(i))) {
      return;
    }
  }
  llc->has_idle_cores = true;
}

// Tasks that left the queue, perhaps inside a pick, stay in the list until they are met here or queued again.
Task* RunQueues::cfs_tasks_tail(CpuId id) {
  Task* task = rq(id).cfs_tail;
  while (task != nullptr && !task->se.on_rq) {
    unlink_cfs_task(*task);
    task = rq(id).cfs_tail;
  }
  return task;
}

void RunQueues::move_to_front(Task& task) {
  unlink_cfs_task(task);
  Rq& here = rq(task.cpu);
  task.cfs_list = task.cpu;
  task.cfs_next = here.cfs_head;
  (here.cfs_head != nullptr ? here.cfs_head->cfs_prev : here.cfs_tail) = &task;
  here.cfs_head = &task;
}

void RunQueues::unlink_cfs_task(Task& task) {
  if (task.cfs_list == CpuId::none) {
    return;
  }
  Rq& there = rq(task.cfs_list);
  (task.cfs_prev != nullptr ? task.cfs_prev->cfs_next : there.cfs_head) = task.cfs_next;
  (task.cfs_next != nullptr ? task.cfs_next->cfs_prev : there.cfs_tail) = task.cfs_prev;
  task.cfs_prev = nullptr;
  task.cfs_next = nullptr;
  task.cfs_list = CpuId::none;
}

}  // namespace models
