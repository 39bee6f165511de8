#include "calibration/replay/teacher.h"

#include <algorithm>
#include <utility>

#include "calibration/replay/teacher_run.h"

namespace calibration {
namespace {

using models::CpuId;

constexpr std::int16_t sched_softirq = 7;  // SCHED_SOFTIRQ, include/linux/interrupt.h

models::TopologyConfig topology_of(const ReplayInput& input) {
  models::TopologyConfig topology;
  topology.cpus = std::max(input.cpus, 1);
  return topology;
}

models::SchedConfig sched_config(const ReplayTask& task) {
  models::SchedConfig config;
  if (task.prio < 100) {
    config.sched = models::SchedClass::fifo;
    config.rt_priority = std::clamp(99 - task.prio, 1, 99);
  } else {
    config.nice = std::clamp(task.prio - 120, -20, 19);
  }
  if (task.pinned >= 0) {
    config.cpus = {task.pinned};
  }
  return config;
}

}  // namespace

Teacher::Teacher(const ReplayInput& input, const TeacherOptions& options)
    : input_{input},
      options_{options},
      topology_{topology_of(input)},
      kernel_{input.kernel.config},
      queues_{topology_, kernel_},
      balance_{queues_, sim::Rng{1}},
      placement_{options.placement, queues_},
      tasks_(input.tasks.size()),
      cpus_(static_cast<std::size_t>(topology_.cpus)) {
  balance_.update_rq_clock.connect<&Teacher::update_rq_clock>(*this);
  models::GroupId session = models::GroupId::root;
  if (input.kernel.autogroup) {
    session = queues_.fair().add_group({});
  }
  for (const ReplayTask& each : input.tasks) {
    models::Task& task =
        queues_.add_task(each.name, each.kernel_thread ? models::Role::kernel : models::Role::background,
                         sched_config(each), each.kernel_thread ? models::GroupId::root : session);
    task.cpu = static_cast<CpuId>(std::max(each.pinned >= 0 ? each.pinned : each.first_cpu, 0));
    task.recent_used_cpu = task.cpu;
    task.se.load_known = true;  // it has run before the capture began: its first enqueue is not a new task's
  }
  for (CapturedCpu& each : cpus_) {
    each.unsettled_since = input.begin;
  }
  score(Decision::cpu).baselines = {Baseline{"stay on prev CPU"}, Baseline{}};
  score(Decision::next_task).baselines = {Baseline{"FIFO"}, Baseline{}};
  for (const Decision each : {Decision::preempted, Decision::wakeup_resched, Decision::tick_resched}) {
    score(each).baselines = {Baseline{"never"}, Baseline{"always"}};
  }
}

TeacherResult Teacher::run() {
  const std::vector<LeaveOutcome> outcomes = leave_outcomes(input_);
  for (std::size_t i = 0; i < input_.events.size(); ++i) {
    const ReplayEvent& event = input_.events[i];
    now_ = event.time;
    at_ = static_cast<std::int64_t>(i);
    if (event.kind == ReplayKind::lost) {
      for (int number = 0; number < input_.cpus; ++number) {
        if (event.cpu < 0 || event.cpu == number) {
          unsettle(number, event.time);
        }
      }
      continue;
    }
    const bool wakes = event.kind == ReplayKind::wakeup || event.kind == ReplayKind::wakeup_new;
    if (!wakes) {
      silent_pass(event);
    }
    switch (event.kind) {
      case ReplayKind::sched_switch:
        on_switch(event, outcomes[i]);
        break;
      case ReplayKind::waking:
        on_waking(event);
        break;
      case ReplayKind::wakeup:
      case ReplayKind::wakeup_new:
        on_wakeup(event);
        break;
      case ReplayKind::migrate:
        on_migrate(event);
        break;
      case ReplayKind::tick:
        on_tick(event);
        break;
      case ReplayKind::softirq_exit:
        if (event.vec == sched_softirq) {
          balance_.rebalance_seen(static_cast<CpuId>(event.cpu), sim::SimTime{sim::Nanos{now_}});
        }
        break;
      default:
        break;
    }
    if (wakes) {
      silent_pass(event);
    }
  }
  return std::move(result_);
}

// The fair class asks for a reschedule while it charges its current task.
void Teacher::take_request(int number) {
  const auto id = static_cast<CpuId>(number);
  if (queues_.fair().need_resched(id) && queues_.curr(id) != nullptr && !queues_.curr(id)->is_rt) {
    queues_.set_resched(id, models::Resched::now);
  }
}

void Teacher::unsettle(int number, std::int64_t now) {
  CapturedCpu& here = cpu(number);
  here.settled = false;
  here.known = false;
  here.unsettled_since = now;
  for (const ReplayTaskId id : here.queue) {
    captured(id).phase = ReplayPhase::unknown;
    take_off(*model(id), true);
  }
  here.queue.clear();
  here.open_wakeups.clear();
  here.open_tick.open = false;
}

void Teacher::activate(models::Task& task, int number, models::EnqueueFlags flags) {
  const auto id = static_cast<CpuId>(number);
  set_clock(number, now_);
  if (!task.on_rq() && task.cpu != id) {
    set_clock(static_cast<int>(task.cpu), now_);
    queues_.set_task_cpu(task, id);
  }
  queues_.activate_task(task, id, flags);
  take_request(number);
}

// Off its queue, if it is on one; a sleeper that is delayed for good.
void Teacher::take_off(models::Task& task, bool sleeps) {
  const int number = static_cast<int>(task.cpu);
  if (!task.on_rq()) {
    return;
  }
  set_clock(number, now_);
  const bool delayed = !task.is_rt && task.se.sched_delayed;
  queues_.deactivate_task(task,
                          {.sleep = sleeps, .special = sleeps && !delayed, .delayed = sleeps && delayed});
  take_request(number);
}

// It is about to run or to wait on this CPU, as the capture says, wherever the model has it.
void Teacher::ensure_queued(models::Task& task, int number) {
  const auto id = static_cast<CpuId>(number);
  if (task.on_rq() && task.cpu == id) {
    if (!task.is_rt && task.se.sched_delayed) {
      correct("a task that the model holds asleep runs");
      activate(task, number, {.wakeup = true});
    }
    return;
  }
  correct("a task that the model does not hold on this CPU runs");
  const CpuId there = task.cpu;
  const bool runs_there = queues_.curr(there) == &task;
  take_off(task, false);
  if (runs_there) {
    queues_.switch_to(there, nullptr);
    queues_.clear_resched(there);
  }
  activate(task, number, {.migrated = there != id});
}

void Teacher::queue(ReplayTaskId id, int number) {
  unqueue(id);
  captured(id).phase = ReplayPhase::queued;
  captured(id).cpu = number;
  captured(id).since = now_;
  cpu(number).queue.push_back(id);
}

void Teacher::unqueue(ReplayTaskId id) {
  CapturedTask& task = captured(id);
  if (task.phase == ReplayPhase::queued && task.cpu >= 0) {
    std::vector<ReplayTaskId>& waiting = cpu(task.cpu).queue;
    waiting.erase(std::remove(waiting.begin(), waiting.end(), id), waiting.end());
  }
  task.phase = ReplayPhase::unknown;
}

// A __schedule() that picked the current task again leaves no event.
void Teacher::silent_pass(const ReplayEvent& event) {
  const int number = event.cpu;
  CapturedCpu& here = cpu(number);
  if (event.kind == ReplayKind::sched_switch || !event.flags_known ||
      event.context == ReplayContext::hardirq) {
    return;
  }
  if (event.need_resched || here.current < ReplayTaskId{0} || !asked(number)) {
    close_tick(number, event.need_resched, asked(number));
    return;
  }
  const auto id = static_cast<CpuId>(number);
  queues_.update_rq_clock_of_schedule(id, sim::SimTime{sim::Nanos{now_}}, sim::Nanos{0});
  const bool switches = queues_.pick_next_task(id) != queues_.curr(id);
  if (switches) {
    correct("the model reschedules to another task and the kernel goes on");
    for (OpenWakeup& open : here.open_wakeups) {
      open.model_went_on |= open.model_asked;
    }
  }
  close_tick(number, false, switches);
  queues_.clear_resched(id);
}

void Teacher::enter_current(int number, ReplayTaskId id) {
  const auto where = static_cast<CpuId>(number);
  models::Task* task = model(id);
  models::Task* curr = queues_.curr(where);
  if (curr == task) {
    return;
  }
  if (task != nullptr) {
    ensure_queued(*task, number);
  }
  set_clock(number, now_);
  if (curr != nullptr) {
    take_off(*curr, true);
  }
  queues_.switch_to(where, task);
  queues_.clear_resched(where);
}

void Teacher::on_switch(const ReplayEvent& event, LeaveOutcome outcome) {
  const int number = event.cpu;
  const auto id = static_cast<CpuId>(number);
  CapturedCpu& here = cpu(number);
  if (event.broken) {
    if (here.current >= ReplayTaskId{0}) {
      captured(here.current).phase = ReplayPhase::unknown;
    }
    unsettle(number, now_);
  }
  if (event.task >= ReplayTaskId{0}) {
    unqueue(event.task);
  }
  enter_current(number, event.task);
  here.current = event.task;
  if (!here.settled && now_ - here.unsettled_since > options_.settling_time) {
    here.settled = true;
  }

  queues_.update_rq_clock_of_schedule(id, sim::SimTime{sim::Nanos{now_}}, sim::Nanos{0});
  leave(event, outcome);
  if (!here.arrivals.empty()) {
    // Newidle balance comes after a pick that found nobody, and has finished delayed dequeues on the way.
    queues_.pick_next_task(id);
  }
  arrive(number);
  const models::Task* pick = queues_.pick_next_task(id);
  score_next(event, pick);
  close_wakeups(event, pick);
  close_tick(number, event.state == TaskState::running, asked(number));

  if (event.next >= ReplayTaskId{0}) {
    unqueue(event.next);
    ensure_queued(*model(event.next), number);
    captured(event.next) = {ReplayPhase::running, number, now_, captured(event.next).known};
  }
  if (queues_.curr(id) != model(event.next)) {
    queues_.switch_to(id, model(event.next));
  }
  queues_.clear_resched(id);
  here.current = event.next;
  here.switched_at = now_;
  if (event.next == ReplayTaskId::idle) {
    here.idle_at = now_;
    here.settled = true;
    here.known = true;
    for (const ReplayTaskId waiting : std::vector<ReplayTaskId>{here.queue}) {
      if (captured(waiting).since < now_) {
        correct("a CPU idles while the capture has a task wait there");
        unqueue(waiting);
        take_off(*model(waiting), true);
      }
    }
  }
}

void Teacher::leave(const ReplayEvent& event, LeaveOutcome outcome) {
  if (event.task < ReplayTaskId{0}) {
    return;
  }
  models::Task& prev = *model(event.task);
  if (event.state == TaskState::running) {
    queue(event.task, event.cpu);
    return;
  }
  if (prev.on_rq()) {
    queues_.deactivate_task(prev, {.sleep = true, .special = event.state == TaskState::other});
  }
  captured(event.task) = {ReplayPhase::asleep, event.cpu, now_, cpu(event.cpu).known};
  if (outcome == LeaveOutcome::requeued) {
    activate(prev, event.cpu, {.wakeup = true});
    queue(event.task, event.cpu);
  } else if (outcome == LeaveOutcome::in_flight) {
    captured(event.task).phase = ReplayPhase::waking;
  }
}

// What a newly idle CPU has pulled.
void Teacher::arrive(int number) {
  for (const ReplayTaskId id : std::exchange(cpu(number).arrivals, {})) {
    if (!model(id)->on_rq()) {
      activate(*model(id), number, {.migrated = true});
    }
    queue(id, number);
  }
}

void Teacher::on_waking(const ReplayEvent& event) {
  CapturedTask& wakee = captured(event.task);
  const ReplayTask& about = input_.task(event.task);
  models::Task& task = *model(event.task);
  if (event.early || wakee.phase == ReplayPhase::running) {
    skip(Decision::cpu, "the wakee has not left its CPU");
    return;
  }
  if (wakee.phase == ReplayPhase::queued) {
    skip(Decision::cpu, "the wakee is runnable");
    return;
  }
  if (event.partner < 0 || event.to_cpu < 0) {
    skip(Decision::cpu, "no sched_wakeup follows");
    return;
  }
  const ReplayEvent& wakeup = input_.events[static_cast<std::size_t>(event.partner)];
  const bool selected = event.to_cpu != event.from_cpu || wakeup.cpu != event.cpu;  // as the kernel shows
  wakee.phase = ReplayPhase::waking;
  wakee.cpu = event.to_cpu;
  if (task.on_rq()) {
    score_still_queued(event, selected);
    if (!selected) {
      return;
    }
    take_off(task, true);
  }
  const auto prev = static_cast<CpuId>(std::max<int>(event.from_cpu, 0));
  const auto chosen = static_cast<CpuId>(event.to_cpu);
  if (task.cpu != prev) {
    queues_.set_task_cpu(task, prev);
  }
  const sim::SimTime now{sim::Nanos{now_}};
  if (about.pinned < 0) {
    queues_.record_wakee(static_cast<CpuId>(event.cpu), task, now);
    score_cpu(event, placement_.select_task_rq({.task = task,
                                                .prev = prev,
                                                .waker = static_cast<CpuId>(event.cpu),
                                                .sync = event.sync,
                                                .in_task = event.context == ReplayContext::task,
                                                .now = now}));
  } else {
    skip(Decision::cpu, "bound to one CPU");
  }
  if (chosen != task.cpu) {
    queues_.set_task_cpu(task, chosen);
  }
  if (wakeup.cpu != event.cpu) {
    queues_.add_to_wake_list(chosen, task);
  }
}

void Teacher::on_wakeup(const ReplayEvent& event) {
  CapturedTask& wakee = captured(event.task);
  models::Task& task = *model(event.task);
  const int number = event.to_cpu;
  const auto id = static_cast<CpuId>(number);
  CapturedCpu& there = cpu(number);
  if (event.cpu == number) {
    queues_.clear_wake_list(id);
  }
  if (wakee.phase == ReplayPhase::running || wakee.phase == ReplayPhase::queued) {
    return;  // it only stays runnable
  }
  if (std::exchange(there.open_tick.open, false)) {
    skip(Decision::tick_resched, "a wakeup came before the flags showed");
  }
  const bool fresh = event.kind == ReplayKind::wakeup_new;
  const bool pending_before = asked(number);
  const bool was_queued = task.on_rq() && task.cpu == id;
  there.known = there.known && (wakee.known || (there.queue.empty() && queues_.nr_running(id) == 0));
  if (task.on_rq() && task.cpu != id) {
    correct("a task that the model holds on another CPU wakes");
    take_off(task, true);
  }
  if (task.on_rq() && !task.is_rt && !task.se.sched_delayed) {
    correct("a task that the model holds awake wakes");
    if (queues_.curr(id) == &task) {
      return;
    }
    take_off(task, true);
  }
  // The clock of an enqueue by the waker itself is read between its two events.
  const ReplayEvent* waking =
      event.partner < 0 ? nullptr : &input_.events[static_cast<std::size_t>(event.partner)];
  now_ = waking != nullptr && waking->cpu == event.cpu ? (waking->time + event.time) / 2 : event.time;
  activate(task, number,
           {.initial = fresh, .wakeup = !fresh, .migrated = event.from_cpu >= 0 && event.from_cpu != number});
  now_ = event.time;
  if (there.current >= ReplayTaskId{0}) {
    if (queues_.wakeup_preempt(task, id, fresh)) {
      queues_.set_resched(id, models::Resched::now);
    }
    take_request(number);
    open_wakeup(event, pending_before, was_queued);
  }
  if (asked(number) || there.current == ReplayTaskId::idle) {
    queues_.rq_clock_skip_update(id);
  }
  queue(event.task, number);
}

void Teacher::on_migrate(const ReplayEvent& event) {
  models::Task& task = *model(event.task);
  CapturedTask& moved = captured(event.task);
  const int from = event.from_cpu;
  const int to = event.to_cpu;
  if (moved.phase == ReplayPhase::running) {
    skip(Decision::next_task, "migrated while running");
    return;
  }
  const bool delayed = moved.phase != ReplayPhase::queued;
  const bool model_queued = task.on_rq() && static_cast<int>(task.cpu) == from;
  if (delayed) {  // balancing moves only what is queued
    ++score(Decision::still_queued).n;
    score(Decision::still_queued).errors += model_queued ? 0 : 1;
    if (!model_queued) {
      note({now_,
            at_,
            event.cpu,
            Decision::still_queued,
            0,
            "migrated while asleep",
            "still queued",
            "not queued",
            {}});
    }
  }
  if (model_queued) {
    take_off(task, false);
  }
  if (!task.on_rq()) {
    set_clock(static_cast<int>(task.cpu), now_);
    if (static_cast<int>(task.cpu) != to) {
      queues_.set_task_cpu(task, static_cast<CpuId>(to));
    }
  }
  if (delayed) {
    if (model_queued) {
      activate(task, to, {.migrated = true});
    }
    moved.cpu = to;
    return;
  }
  unqueue(event.task);
  cpu(to).known = cpu(to).known && cpu(from).known;
  if (event.cause == MigrateCause::newidle && event.cpu == to) {
    cpu(to).arrivals.push_back(event.task);
    moved.cpu = to;
    return;
  }
  activate(task, to, {.migrated = true});
  if (cpu(to).current >= ReplayTaskId{0}) {
    if (queues_.wakeup_preempt(task, static_cast<CpuId>(to))) {
      queues_.set_resched(static_cast<CpuId>(to), models::Resched::now);
    }
    take_request(to);
  }
  if (asked(to) || cpu(to).current == ReplayTaskId::idle) {
    queues_.rq_clock_skip_update(static_cast<CpuId>(to));
  }
  queue(event.task, to);
}

void Teacher::on_tick(const ReplayEvent& event) {
  const int number = event.cpu;
  CapturedCpu& here = cpu(number);
  here.tick_at = now_;
  if (here.current < ReplayTaskId{0} || queues_.curr(static_cast<CpuId>(number)) == nullptr) {
    return;
  }
  set_clock(number, now_);
  const bool pending = asked(number);
  if (queues_.tick(static_cast<CpuId>(number))) {
    queues_.set_resched(static_cast<CpuId>(number), models::Resched::now);
  }
  if (here.settled && event.flags_known && !event.need_resched && !pending && !here.queue.empty()) {
    here.open_tick = {true, now_};
  }
}

TeacherResult replay_teacher_forced(const ReplayInput& input, const TeacherOptions& options) {
  Teacher teacher{input, options};
  return teacher.run();
}

}  // namespace calibration
