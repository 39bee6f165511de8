// One CPU: who executes on it, who is interrupted, and what that costs each of them.
//
//   hardirq    ▲ interrupts   IrqLine::raise ─► handler
//   softirq    │              Softirq (pending after a hardirq, or at local_bh_enable)
//   task       │              the scheduler's current task, a context switch, or the idle loop
//
// A context holds at most one piece of Work: how much longer it needs the CPU and what happens then.
// Whoever is interrupted keeps its remainder; nothing is re-drawn. Work with interrupts off delays
// every interrupt until it ends, so irq-off latency emerges from who runs with interrupts off.
//
// In four files:  cpu.cpp             interrupts, softirqs, where NEED_RESCHED acts
//                 cpu_idle.cpp        the idle loop: governor, tick stop, polling, waking up
//                 cpu_accounting.cpp  where time goes
//                 cpu_speed.cpp       time stolen by a hypervisor, frequency, a busy SMT sibling
//
// Models:   arch/x86/kernel/irq.c:common_interrupt (one latched edge per line; handlers never nest; of the
//           latched vectors the local APIC delivers IPIs first, then its timer, then devices),
//           kernel/softirq.c:irq_exit_rcu (softirqs at the exit of the outermost hardirq, before any
//           reschedule), kernel/entry/common.c and kernel/Kconfig.preempt (where NEED_RESCHED and
//           NEED_RESCHED_LAZY act), kernel/sched/idle.c:do_idle, drivers/cpuidle.
// Left out: NMIs, nested hardirqs, the APIC's order among device vectors.
#pragma once

#include <array>
#include <cstdint>
#include <utility>
#include <vector>

#include "models/completion.h"
#include "models/cost_sampler.h"
#include "models/cpuidle.h"
#include "models/ids.h"
#include "models/irq_line.h"
#include "models/kernel_config.h"
#include "models/recent_share.h"
#include "models/tracepoints.h"
#include "models/work.h"
#include "sim/check.h"
#include "sim/engine.h"
#include "sim/port.h"
#include "sim/ring.h"
#include "sim/time.h"

namespace models {

// What a CPU knows of its kernel. A preemption model alone stands for the defaults of everything else.
struct CpuKernel {
  CpuKernel(Preemption model) : preemption{model} {}  // NOLINT: callers say Preemption::full
  CpuKernel(const KernelConfig& kernel)               // NOLINT: or hand over all there is
      : preemption{kernel.preemption}, release{kernel.release}, hz{kernel.hz}, skew_tick{kernel.skew_tick} {}
  Preemption preemption;
  KernelRelease release = KernelRelease::v6_12;
  int hz = 250;
  bool skew_tick = false;
};

// tick_setup_sched_timer: how far a CPU's ticks lie behind the global grid (skew_tick=1).
inline sim::Nanos tick_skew(CpuId id, int cpus, int hz, bool skewed) {
  return skewed ? sim::Nanos{1'000'000'000 / hz / 2 / cpus * static_cast<int>(id)} : sim::Nanos{0};
}

// Where a CPU's time went, by what the outermost context was.
enum class CpuTime : std::uint8_t { user, system, softirq, ksoftirqd, hardirq, idle, other, steal };
inline constexpr std::size_t cpu_time_count = 8;

class Cpu {
 public:
  Cpu(sim::Engine& engine, CpuId id, const TopologyConfig& topology, const CpuKernel& kernel,
      CostSampler& costs, const Tracepoints& tracepoints);
  Cpu(const Cpu&) = delete;
  Cpu& operator=(const Cpu&) = delete;

  sim::Port<void(CpuId)> schedule;            // out: NEED_RESCHED acts here; the scheduler sets task work
  sim::Port<void(CpuId)> start_softirqs;      // out: pending softirqs may run now; sets softirq work
  sim::Port<bool(CpuId)> softirqs_pending;    // out
  sim::Port<void(CpuId)> drain_wake_list;     // out: the idle loop ends; wakeups may be queued without an IPI
  sim::Port<sim::Nanos(CpuId)> next_timer;    // out: time to the next timer of this CPU but the tick
  sim::Port<void(CpuId, bool)> idle_changed;  // out: the tick stops (true) or restarts; may charge()

  // in: work in `context`, from inside a callback of this CPU. One piece per context.
  template <auto Method, class T>
  Work& run(Context context, sim::Nanos cost, T& object, std::uint64_t argument = 0) {
    Work& slot = work_[static_cast<std::size_t>(context)];
    sim::check(slot.call == nullptr, "a context has one piece of work");
    fill_work<Method>(slot, cost, object, argument);
    return slot;  // for its flags
  }
  void set_work(Context context, const Work& work);
  // Takes the current task's unfinished work away (preemption), or what it had set for later.
  Work take_task_work();

  // in: an edge on `line`. Delivered now, or when interrupts are on again, or after the idle exit.
  void raise(IrqLine& line);
  // in: synchronous work of whoever executes here, added to its current or next piece of work.
  void charge(sim::Nanos cost);
  // Some of it has yet to pass: an end that comes after it needs one more piece of work.
  bool charged() const { return debt_.count() != 0; }
  sim::Nanos debt() const { return debt_; }
  // in: the current task turns bottom halves off: softirqs that are raised wait for its local_bh_enable.
  void local_bh_disable() { bh_off_ = true; }
  // in: last local_bh_enable of a task: pending softirqs run now, in its context.
  void local_bh_enable() {
    bh_off_ = false;
    invoke_softirqs_ = true;
  }

  void set_need_resched() { need_resched_ = true; }
  void clear_need_resched() { need_resched_ = need_resched_lazy_ = false; }
  bool need_resched() const { return need_resched_; }
  // in, lazy preemption: TIF_NEED_RESCHED_LAZY, which acts at the return to userspace only; the idle task
  // gets TIF_NEED_RESCHED. Under the other models it is TIF_NEED_RESCHED (get_lazy_tif_bit).
  void set_need_resched_lazy() {
    if (preemption_ == Preemption::lazy && !idle_task_) {
      need_resched_lazy_ = true;
    } else {
      need_resched_ = true;
    }
  }
  bool need_resched_lazy() const { return need_resched_lazy_; }
  // in: the tick found it set, before the class's own tick: it becomes NEED_RESCHED. True: it did.
  bool promote_lazy() {
    if (!need_resched_lazy_ || need_resched_) {
      return false;
    }
    return need_resched_ = true;
  }
  // in: a remote CPU set NEED_RESCHED of a polling idle CPU. No IPI.
  void wake_polling();
  // in, at set-up: users in the order in which the queue runs them (csd entries before task wakeups).
  void add_call_function(CallFunction& user) { call_functions_.push_back(&user); }
  // in: __smp_call_single_queue. True: the queue was empty and the CPU does not poll, so it needs an IPI. A
  // CPU that polls in idle is told to reschedule instead (call_function_single_prep_ipi).
  bool queue_call_function(CallFunction& user);
  // in: __flush_smp_call_function_queue, from the IPI's handler. True: something was queued.
  bool flush_call_functions();
  // in: the tick interrupted the idle loop; the governor hears of it.
  void note_idle_tick() { got_idle_tick_ = true; }

  // in: the hypervisor takes the physical CPU away for `length`. A halted CPU does not miss it until it is to
  // run again. Interrupts wait.
  void steal(sim::Nanos length);
  sim::Nanos steal_time() const { return steal_time_; }  // so far; PARAVIRT_TIME_ACCOUNTING: nobody's runtime
  // in: another hardware thread of this core; both slow down while the other is not asleep.
  void add_sibling(Cpu& sibling) { siblings_.push_back(&sibling); }
  int speed() const { return speed_; }  // now, in 1/1024
  // in: the work of `context` is over sooner than it was set to be: a spin on what another CPU did.
  void finish_now(Context context);

  // irq_handler_entry of the device's handler that runs here; unstamped: none does.
  void set_handler_entered(sim::SimTime at) { handler_entered_ = at; }
  sim::SimTime handler_entered() const { return handler_entered_; }

  // The scheduler says who owns the task context now.
  void set_idle_task(bool idle) { idle_task_ = idle; }
  void set_accounting(CpuTime user, CpuTime system) {
    task_user_ = user;
    task_system_ = system;
  }
  // ksoftirqd owns the task context: softirq time is its own.
  void set_ksoftirqd(bool running) { ksoftirqd_ = running; }

  CpuId id() const { return id_; }
  sim::SimTime now() const { return engine_.now(); }
  bool idle() const { return idle_task_; }
  bool asleep() const { return asleep_ || in_poll_; }  // inside an idle routine
  // TIF_POLLING_NRFLAG of the idle task: a store of NEED_RESCHED is enough to be noticed.
  bool polling() const { return polling_; }
  bool in_hardirq() const { return work_[2].call != nullptr || in_hardirq_; }
  bool in_softirq() const { return serving_softirq_; }
  void set_serving_softirq(bool serving) {
    serving_softirq_ = serving;
    book_irq_time();
  }
  Context context() const {
    return in_hardirq() ? Context::hardirq : serving_softirq_ ? Context::softirq : Context::task;
  }
  bool irqs_off() const;
  int idle_state() const { return idle_state_; }
  sim::SimTime idle_since() const { return idle_since_; }

  // Time that interrupts took from tasks so far: what clock_task leaves out. As in irqtime_account_irq, it is
  // booked at the ends of sections: one that is open does not show yet, nor does a reschedule IPI ever.
  sim::Nanos irq_time() const { return irq_time_; }
  // Shares of recent time, averaged as the kernel's PELT does (periods of 1.05 ms, half-life 32 periods).
  double irq_share(sim::SimTime now, Context context) const {
    return share_[static_cast<std::size_t>(context)].at(now);
  }
  double busy_share(sim::SimTime now) const { return busy_.at(now); }
  // Time per CpuTime so far, up to the last change of context.
  const std::array<std::int64_t, cpu_time_count>& accounted() const { return accounted_; }
  void account_now();
  void reset_accounting();
  const std::array<std::int64_t, 3>& interrupts() const { return interrupts_; }

  // The switch from idle that is being made serves an agent: its exit costs count as the agent's.
  void book_idle_exit_to_agent();

  // Brings the CPU to its next piece of work; for the host, once, to start the idle loop.
  void settle();

 private:
  // cpu.cpp
  void expire();
  void begin_interrupt(IrqLine& line);
  void end_interrupt();
  IrqLine& take_latched();
  bool interrupt_deliverable() const { return !irqs_off(); }
  bool reschedules() const;
  void arm(Context context);

  // cpu_idle.cpp
  bool settle_idle();
  void leave_idle_loop();
  void idle_loop_left() { left_loop_ = true; }
  bool schedule_idle();
  void idle_entered();
  void enter_idle_state();
  void poll_idle();
  void resume_poll();
  void poll_timed_out();
  void idle_woken();
  void idle_exited();
  void leave_idle_state();
  void reflect();
  void choose_idle_state();
  bool tick_can_stop() const { return !need_resched_ && !softirqs_pending(id_); }
  IdleView idle_view() const;
  sim::Nanos time_to_tick() const;
  const IdleStateConfig& state_config() const {
    return topology_.idle[static_cast<std::size_t>(idle_state_)];
  }

  // cpu_accounting.cpp
  void book_irq_time() { irq_time_ += std::exchange(open_irq_time_, sim::Nanos{0}); }
  CpuTime bucket_of(sim::SimTime now, sim::Nanos span);

  // cpu_speed.cpp
  bool hypervisor_keeps_cpu();
  void stolen_begin();
  void stolen_end();
  void progress(Work& work, sim::Nanos span) const;
  sim::Nanos wall_time(const Work& work) const;
  void tell_siblings();
  void sibling_changed();

  sim::Engine& engine_;
  CpuId id_;
  const TopologyConfig& topology_;
  Preemption preemption_;
  sim::Nanos tick_;
  sim::Nanos tick_skew_;
  CostSampler& costs_;
  const Tracepoints& tracepoints_;

  std::array<Work, context_count> work_{};
  sim::Timer end_;  // the end of the active context's work
  Context active_ = Context::task;
  sim::SimTime resumed_{};  // when the active context last started to execute, or idle began
  sim::Nanos debt_{0};      // charged while nothing could take it
  bool in_callback_ = false;
  sim::SimTime handler_entered_ = unstamped;
  bool in_hardirq_ = false;  // between begin_interrupt and the end of its last work
  bool serving_softirq_ = false;
  bool invoke_softirqs_ = false;
  bool bh_off_ = false;
  bool exit_runs_softirqs_ = false;
  bool need_resched_ = false;
  bool need_resched_lazy_ = false;
  bool idle_task_ = true;
  bool ksoftirqd_ = false;
  bool executing_ = false;  // the active context's timer runs
  bool stolen_ = false;

  // The idle loop. `asleep_`: in MWAIT or HLT, nothing executes; `in_poll_`: the polling state spins.
  bool asleep_ = false;
  bool in_poll_ = false;
  bool polling_ = false;
  bool tick_stopped_ = false;
  bool left_loop_ = false;  // the loop has ended; the wake list, what it raises, and schedule() remain
  bool in_state_ = false;   // since the cpu_idle entry event, until its exit event
  bool got_idle_tick_ = false;
  bool poll_timed_out_ = false;
  int idle_state_ = 0;
  Cost state_exit_ = Cost::idle_exit_c1;
  sim::Nanos state_exit_cost_{0};
  sim::Nanos loop_exit_cost_{0};
  sim::SimTime idle_since_{};
  sim::Nanos residency_{0};  // of the state left last; the governor hears of it when the loop goes on
  bool reflects_ = false;
  sim::SimTime poll_until_{};
  AnyIdleGovernor governor_;
  CpuTime task_user_ = CpuTime::user;
  CpuTime task_system_ = CpuTime::system;

  std::vector<CallFunction*> call_functions_;
  std::vector<IrqLine*> latched_;  // in the order of their edges; capacity set at construction
  std::array<std::int64_t, cpu_time_count> accounted_{};
  std::array<std::int64_t, 3> interrupts_{};
  sim::Nanos irq_time_{0};
  sim::Nanos open_irq_time_{0};  // of the section under way
  std::array<RecentShare, context_count> share_{};
  RecentShare busy_;

  int own_speed_ = full_speed;
  int speed_ = full_speed;
  std::vector<Cpu*> siblings_;
  sim::SimTime stolen_until_{};
  sim::Nanos steal_time_{0};
  sim::Timer stolen_end_;
};

}  // namespace models
