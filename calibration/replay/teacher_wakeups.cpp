// The teacher at wakeups and migrations: the model places and checks, then the captured choice holds.
#include "calibration/replay/teacher_run.h"

#include <algorithm>
#include <utility>

namespace calibration {

using models::CpuId;

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

}  // namespace calibration
