// Teacher-forced replay: the models' run queues follow a capture. At each decision the model is asked first,
// its answer is compared with what the kernel did, and then the kernel's choice is applied, so that one wrong
// answer does not spoil the next question.
//
//   ReplayInput ─► clock, enqueue, dequeue, tick, switch of RunQueues ─► pick, preempt, CPU ─► DecisionScores
//
// What a CPU's queue holds is unknown at the beginning of a capture and after a broken switch; its decisions
// count from its next idle on, or after `settling_time` where it never idles.
//
// Still queued: a task that blocked while not eligible stays in the queue (delayed dequeue), and its wakeup
// selects no CPU. No event says so; a wakeup that migrates or goes through a wake list shows that it was not.
//
// Without a sched_switch the trace does not show a __schedule() that picked the current task again. The
// replay runs it where the model has asked for one and the events' flags show no NEED_RESCHED any more.
//
// Clock: a wakeup that leaves NEED_RESCHED set makes the next __schedule() keep rq->clock as it is
// (rq_clock_skip_update in wakeup_preempt). Whoever runs next pays for the time since that wakeup. Without
// this half of the errors below come back.
//
// Models:   the order of calls in kernel/sched/core.c: __schedule, try_to_wake_up, ttwu_runnable, sched_tick;
//           fair.c: sched_balance_newidle, attach_task.
// Left out: the time between a decision and the event that shows it (clock updates carry the events' times);
//           steal time; yields; IRQ_TIME_ACCOUNTING (interrupts are charged to the task that they interrupt).
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "calibration/replay/decisions.h"
#include "calibration/replay/replay_input.h"
#include "models/policy_config.h"

namespace calibration {

struct TeacherOptions {
  models::PolicyConfig placement;              // kernel_default or pack_on_running
  std::int64_t settling_time = 1'000'000'000;  // ns
  std::size_t kept_disagreements = 20'000;     // for listing
};

struct TeacherResult {
  DecisionScores scores;
  std::vector<DecisionDisagreement> disagreements;  // in order of time
  // What the model's queues had to be corrected for without a decision being at fault, by what.
  std::map<std::string, std::uint64_t> corrections;
};

TeacherResult replay_teacher_forced(const ReplayInput& input, const TeacherOptions& options);

}  // namespace calibration
