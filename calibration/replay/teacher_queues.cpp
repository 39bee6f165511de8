// The teacher's run queues: what it puts on them and takes off, beside what the capture shows.
#include "calibration/replay/teacher_run.h"

#include <algorithm>
#include <utility>

namespace calibration {

using models::CpuId;

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

}  // namespace calibration
