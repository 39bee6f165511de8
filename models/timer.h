// One CPU's timers: sleeping tasks' hrtimers and the tick, behind one local timer interrupt.
//
//   nanosleep ──arm()──► expiry ─ [delivery] ─► Cpu ─► hrtimer_interrupt ─► wake every task that is due
//   tick (unless stopped) ──┘                                        ├─► sched_tick, TIMER/SCHED/RCU softirqs
//   a socket's pacing timer ─┘                                       └─► HRTIMER softirq ─► soft_expired
//
// Models:   kernel/time/hrtimer.c:hrtimer_interrupt (everything whose soft expiry has passed runs in one
//           interrupt; what arms a timer meanwhile leaves the clock event to its end, which programs it
//           once; it looks again up to three times if it is late, then backs off), hrtimer_nanosleep with
//           the task's slack, kernel/time/tick-sched.c (ticks fall on one global grid, or beside it with
//           skew_tick; the idle loop stops and restarts them, which programs the clock event if the tick
//           was or is the next); hrtimer_run_softirq, which runs the timers of softirq mode.
// Left out: the timer wheel's contents: TIMER and RCU softirqs come at tick edges at the configured mean
//           intervals. Where a timer is armed is the caller's choice: timer_target.h.
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

// A timer of HRTIMER_MODE_ABS_PINNED_SOFT: it expires in the HRTIMER softirq.
struct SoftTimer {
  sim::SimTime expires{};
  std::int64_t task = 0;  // as hrtimer_expire_entry shows it: pace_kick
  std::uint64_t cookie = 0;
};
inline constexpr std::int64_t pace_kick = -2;  // in place of a sleeping task: tcp_pace_kick

class CpuTimers {
 public:
  CpuTimers(sim::Engine& engine, Cpu& cpu, Softirq& softirq, const KernelConfig& kernel, int cpus,
            CostSampler& costs, const Tracepoints& tracepoints, CompletionPool& completions,
            const sim::Rng& rng);
  CpuTimers(const CpuTimers&) = delete;
  CpuTimers& operator=(const CpuTimers&) = delete;

  sim::Port<void(const Sleeper&, CpuId)> expired;      // out: hrtimer_wakeup
  sim::Port<void(CpuId)> tick;                         // out: sched_tick
  sim::Port<void(std::uint64_t, CpuId)> soft_expired;  // out: a soft timer's function, by its cookie

  void arm(const Sleeper& sleeper);       // in: the current task goes to sleep on it
  void arm_soft(const SoftTimer& timer);  // in: by who executes here, who pays for the clock event
  void run_softirq();                     // in: HRTIMER's action
  void idle_changed(bool stop_tick);      // in: the idle loop stops the tick, or restarts it in phase
  sim::Nanos next_timer() const;  // to the next hard expiry but the tick's; a long time if there is none
  // hrtimer_check_target: a timer of that hard expiry would be this CPU's next, tick included.
  bool would_be_next(sim::SimTime hard) const { return hard < first_expiry(); }

 private:
  void start_tick();
  sim::SimTime first_expiry() const;
  sim::SimTime first_timer() const;
  void program();
  void expire();
  void arrive() { cpu_.raise(line_); }
  void enter();
  void run_queues();
  void run_due(sim::SimTime now);
  void end_interrupt(bool late, sim::Nanos spent);
  void run_tick();
  void leave() {}

  sim::Engine& engine_;
  Cpu& cpu_;
  Softirq& softirq_;
  CostSampler& costs_;
  const Tracepoints& tracepoints_;
  CompletionPool& completions_;
  sim::Nanos tick_period_;
  sim::Nanos tick_skew_;
  int balance_jiffies_;
  sim::Distribution timer_interval_;
  sim::Distribution rcu_interval_;
  sim::Stream stream_;

  IrqLine line_;
  sim::Timer event_;               // the programmed clock event
  bool interrupt_due_ = false;     // from the clock event until its handler has run the queues
  int retries_ = 0;                // of the interrupt under way
  sim::SimTime entered_at_{};      // hrtimer_interrupt's entry_time
  sim::SimTime not_before_{};      // the back-off after an interrupt that never caught up
  std::vector<Sleeper> sleepers_;  // few; in the order of arming
  std::vector<SoftTimer> soft_timers_;
  bool softirq_activated_ = false;  // HRTIMER is pending or runs: soft timers do not program the clock event
  sim::SimTime next_tick_ = sim::never;
  sim::SimTime next_wheel_{};  // the next timer-wheel timer of this CPU
  sim::SimTime next_rcu_{};
};

}  // namespace models
