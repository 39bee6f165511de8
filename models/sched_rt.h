// The real-time class's run queue of one CPU: strict priority, first in first out within one.
//
// Models:   kernel/sched/rt.c: rt_prio_array, enqueue_rt_entity, requeue_rt_entity, pick_next_rt_entity,
//           wakeup_preempt_rt, task_tick_rt (SCHED_RR), yield_task_rt. A running task stays at the head of
//           its list, so one that is preempted resumes before its equals.
// Left out: pushing and pulling tasks between CPUs, which is CPU selection; group scheduling, throttling (the
//           fair server's work); priority inheritance.
#pragma once

#include <array>
#include <cstdint>

#include "models/ids.h"
#include "models/workload_config.h"
#include "sim/time.h"

namespace models {

// What the real-time class knows of one task; embedded in the task, linked into at most one RtRq.
struct RtEntity {
  TaskId task = TaskId::none;
  SchedClass policy = SchedClass::fifo;  // fifo or rr
  int rt_priority = 1;                   // 1..99, higher runs first (sched_attr.sched_priority)

  // The stop class, as a priority above all: a CPU's stopper goes before every real-time task.
  static constexpr int stop_priority = 100;

  bool on_rq = false;
  std::int64_t exec_start = 0;        // clock_task up to which it has been charged, while it runs
  std::int64_t sum_exec_runtime = 0;  // ns of CPU it was charged for
  int time_slice = 0;                 // rr: ticks left of its turn; kept over sleeps; 0: a turn not begun
  RtEntity* prev = nullptr;
  RtEntity* next = nullptr;
};

class RtRq {
 public:
  // rr_timeslice: kernel.sched_rr_timeslice_ms, as the nearest whole number of ticks, at least one.
  explicit RtRq(sim::Nanos tick, sim::Nanos rr_timeslice = sim::Nanos{100'000'000});
  RtRq(const RtRq&) = delete;  // tasks are linked here by address
  RtRq& operator=(const RtRq&) = delete;

  // Outputs.
  RtEntity* pick() const;  // highest priority, longest queued of those; nullptr if none
  int nr_running() const { return nr_running_; }
  int highest_prio() const;  // 1..99; 0: nothing queued
  // Whether a wakee takes the CPU from the running real-time task: only with a higher priority.
  bool wakeup_preempt(const RtEntity& wakee, const RtEntity& curr) const;

  // Inputs.
  void enqueue(RtEntity& se, bool head = false);  // head: a queued task whose priority was lowered
  void dequeue(RtEntity& se);
  void yield(RtEntity& se);  // behind its equals
  // One tick of the running task. True: its round-robin turn has ended and an equal waits, so reschedule.
  bool tick(RtEntity& curr);
  // Of a task queued or not. A lowered one goes before its new equals, a raised one behind them.
  void set_priority(RtEntity& se, int rt_priority);

 private:
  static constexpr int priorities = RtEntity::stop_priority + 1;
  struct List {
    RtEntity* head = nullptr;
    RtEntity* tail = nullptr;
  };
  void link(RtEntity& se, bool head);
  void unlink(RtEntity& se);

  int rr_timeslice_;  // ticks
  int nr_running_ = 0;
  std::array<std::uint64_t, 2> bitmap_{};  // bit p % 64 of word p / 64: list p is not empty
  std::array<List, priorities> queue_{};
};

}  // namespace models
