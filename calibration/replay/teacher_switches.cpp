// The teacher at switches: the model picks, then the captured task runs.
#include "calibration/replay/teacher_run.h"

#include <algorithm>
#include <utility>

namespace calibration {

using models::CpuId;

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

}  // namespace calibration
