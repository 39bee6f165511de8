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
// Models:   arch/x86/kernel/irq.c:common_interrupt (one latched edge per line; handlers never nest),
//           kernel/softirq.c:irq_exit_rcu (softirqs at the exit of the outermost hardirq, before any
//           reschedule), kernel/entry/common.c (NEED_RESCHED acts on return to user; under full
//           preemption also on return to kernel), kernel/sched/idle.c:do_idle, cpuidle with a
//           simplified menu governor (the shortest of the recent idle spans' average and the next timer).
// Left out: NMIs, nested hardirqs, SMT contention, frequency, the full governors.
#pragma once

#include <array>
#include <cstdint>
#include <type_traits>
#include <utility>
#include <vector>

#include "models/completion.h"
#include "models/cost_sampler.h"
#include "models/ids.h"
#include "models/kernel_config.h"
#include "models/recent_share.h"
#include "models/tracepoints.h"
#include "sim/engine.h"
#include "sim/port.h"
#include "sim/ring.h"
#include "sim/time.h"

namespace models {

enum class Context : std::uint8_t { task, softirq, hardirq };
inline constexpr std::size_t context_count = 3;

struct Work {
  void (*call)(void* object, std::uint64_t argument) = nullptr;  // null: no work
  void* object = nullptr;
  std::uint64_t argument = 0;
  sim::Nanos remaining{0};
  bool irqs_off = false;
  bool user = false;      // task context: userspace, where NEED_RESCHED acts at once
  bool boundary = false;  // task context: entered from userspace; NEED_RESCHED acts before it begins
};

template <auto Method, class T>
Work make_work(sim::Nanos cost, T& object, std::uint64_t argument = 0) {
  Work work;
  work.call = [](void* target, std::uint64_t arg) {
    if constexpr (std::is_invocable_v<decltype(Method), T&, std::uint64_t>) {
      (static_cast<T*>(target)->*Method)(arg);
    } else {
      (static_cast<T*>(target)->*Method)();
    }
  };
  work.object = &object;
  work.argument = argument;
  work.remaining = cost;
  return work;
}

enum class IrqKind : std::uint8_t { device, timer, ipi };

// One interrupt source routed to one CPU. Edges merge while one is latched (IRR), as in the kernel.
struct IrqLine {
  sim::Port<void()> handler;  // runs at entry; starts hardirq work, whose last callback starts no more
  IrqKind kind = IrqKind::device;
  bool latched = false;
  bool runs_softirqs = true;  // the reschedule IPI does not (a "simple" sysvec)
};

// Where a CPU's time went, by what the outermost context was.
enum class CpuTime : std::uint8_t { user, system, softirq, ksoftirqd, hardirq, idle, other };
inline constexpr std::size_t cpu_time_count = 7;

class Cpu {
 public:
  Cpu(sim::Engine& engine, CpuId id, const TopologyConfig& topology, Preemption preemption,
      CostSampler& costs, const Tracepoints& tracepoints);
  Cpu(const Cpu&) = delete;
  Cpu& operator=(const Cpu&) = delete;

  sim::Port<void(CpuId)> schedule;            // out: NEED_RESCHED acts here; the scheduler sets task work
  sim::Port<void(CpuId)> start_softirqs;      // out: pending softirqs may run now; sets softirq work
  sim::Port<bool(CpuId)> softirqs_pending;    // out
  sim::Port<void(CpuId)> drain_wake_list;     // out: idle loop found wakeups queued without an IPI
  sim::Port<sim::Nanos(CpuId)> next_timer;    // out: time to the next timer of this CPU, for the governor
  sim::Port<void(CpuId, bool)> idle_changed;  // out: the idle loop begins or ends (tick stop and restart)

  // in: work in `context`, from inside a callback of this CPU. One piece per context.
  template <auto Method, class T>
  void run(Context context, sim::Nanos cost, T& object, std::uint64_t argument = 0) {
    set_work(context, make_work<Method>(cost, object, argument));
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
  // in: last local_bh_enable of a task: pending softirqs run now, in its context.
  void local_bh_enable() { invoke_softirqs_ = true; }

  void set_need_resched() { need_resched_ = true; }
  void clear_need_resched() { need_resched_ = false; }
  bool need_resched() const { return need_resched_; }
  // in: a remote CPU set NEED_RESCHED of a polling idle CPU. No IPI.
  void wake_polling();

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
  bool asleep() const { return asleep_; }
  bool polling() const { return asleep_ && state_polls_; }
  bool in_hardirq() const { return work_[2].call != nullptr || in_hardirq_; }
  bool in_softirq() const { return serving_softirq_; }
  void set_serving_softirq(bool serving) { serving_softirq_ = serving; }
  Context context() const {
    return in_hardirq() ? Context::hardirq : serving_softirq_ ? Context::softirq : Context::task;
  }
  bool irqs_off() const;
  int idle_state() const { return idle_state_; }
  sim::SimTime idle_since() const { return idle_since_; }

  // Time that interrupts took from tasks so far: what clock_task leaves out.
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
  void expire();
  void begin_interrupt(IrqLine& line);
  bool interrupt_deliverable() const;
  void settle_idle();
  void idle_entered();
  void idle_woken();
  void idle_exited();
  void leave_idle_state();
  void arm(Context context);
  std::size_t select_idle_state();

  sim::Engine& engine_;
  CpuId id_;
  const TopologyConfig& topology_;
  bool full_preemption_;
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
  bool exit_runs_softirqs_ = false;
  bool need_resched_ = false;
  bool idle_task_ = true;
  bool ksoftirqd_ = false;
  bool asleep_ = false;
  bool state_polls_ = false;
  bool idle_announced_ = false;
  bool executing_ = false;  // the active context's timer runs
  bool in_state_ = false;   // since the cpu_idle entry event, until its exit event
  int idle_state_ = 0;
  Cost state_exit_ = Cost::idle_exit_c1;
  sim::Nanos state_exit_cost_{0};
  sim::Nanos loop_exit_cost_{0};
  sim::SimTime idle_since_{};
  std::array<std::int64_t, 8> idle_spans_{};  // the last idle spans, ns
  std::size_t idle_span_next_ = 0;
  CpuTime task_user_ = CpuTime::user;
  CpuTime task_system_ = CpuTime::system;

  std::vector<IrqLine*> latched_;  // FIFO of latched lines; capacity set at construction
  std::array<std::int64_t, cpu_time_count> accounted_{};
  std::array<std::int64_t, 3> interrupts_{};
  sim::Nanos irq_time_{0};
  std::array<RecentShare, context_count> share_{};
  RecentShare busy_;
};

}  // namespace models
