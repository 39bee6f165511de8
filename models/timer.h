// One CPU's timers: sleeping tasks' hrtimers and the tick, behind one local timer interrupt.
//
//   nanosleep ──arm()──► expiry ─ [delivery] ─► Cpu ─► hrtimer_interrupt ─► wake every task that is due
//   tick (while not idle) ──┘                                        └─► sched_tick, TIMER/SCHED/RCU softirqs
//
// Models:   kernel/time/hrtimer.c:hrtimer_interrupt (everything whose soft expiry has passed runs in one
//           interrupt; the clock event is programmed once, at its end), hrtimer_nanosleep with the task's
//           slack, kernel/time/tick-sched.c (no tick while idle; ticks fall on one global grid).
// Left out: timer migration to another CPU (tasks arm on the CPU they run on), the timer wheel's contents:
//           TIMER and RCU softirqs come at tick edges at the configured mean intervals.
#pragma once

#include <cstdint>
#include <vector>

#include "models/completion_pool.h"
#include "models/cost_sampler.h"
#include "models/cpu.h"
#include "models/kernel_config.h"
#include "models/softirq.h"
#include "models/tracepoints.h"
#include "sim/engine.h"
#include "sim/rng.h"

namespace models {

// A task's hrtimer_sleeper.
struct Sleeper {
  TaskId task = TaskId::none;
  sim::SimTime soft{};
  sim::SimTime hard{};
  CompletionId completion = CompletionId::none;
};

class CpuTimers {
 public:
  CpuTimers(sim::Engine& engine, Cpu& cpu, Softirq& softirq, const KernelConfig& kernel, int cpus,
            CostSampler& costs, const Tracepoints& tracepoints, CompletionPool& completions,
            const sim::Rng& rng);
  CpuTimers(const CpuTimers&) = delete;
  CpuTimers& operator=(const CpuTimers&) = delete;

  sim::Port<void(const Sleeper&, CpuId)> expired;  // out: hrtimer_wakeup
  sim::Port<void(CpuId)> tick;                     // out: sched_tick

  void arm(const Sleeper& sleeper);  // in: the current task goes to sleep on it
  void idle_changed(bool idle);      // in: stops and restarts the tick
  sim::Nanos next_timer() const;     // to the next expiry; a long time if there is none

 private:
  void program();
  void expire();
  void arrive() { cpu_.raise(line_); }
  void enter();
  void run_queues();
  void run_tick();
  void leave() {}

  sim::Engine& engine_;
  Cpu& cpu_;
  Softirq& softirq_;
  CostSampler& costs_;
  const Tracepoints& tracepoints_;
  CompletionPool& completions_;
  sim::Nanos tick_period_;
  int balance_jiffies_;
  sim::Distribution timer_interval_;
  sim::Distribution rcu_interval_;
  sim::Stream stream_;

  IrqLine line_;
  sim::Timer event_;               // the programmed clock event
  bool interrupt_due_ = false;     // from the clock event until its handler has run the queues
  std::vector<Sleeper> sleepers_;  // few; in the order of arming
  sim::SimTime next_tick_ = sim::never;
  sim::SimTime next_wheel_{};  // the next timer-wheel timer of this CPU
  sim::SimTime next_rcu_{};
};

}  // namespace models
