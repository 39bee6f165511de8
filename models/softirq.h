// One CPU's softirqs.
//
//   raise(vec) ─► pending ─ irq exit | local_bh_enable | ksoftirqd ─► passes over a snapshot ─► action[vec]
//
// Models:   kernel/softirq.c:handle_softirqs (10 passes, 2 ms in jiffies, need_resched), irq_exit_rcu,
//           wakeup_softirqd, run_ksoftirqd. A vector raised during a pass waits for the next one. Any
//           later interrupt runs pending work inline even while ksoftirqd waits on the run queue.
// Left out: HI, TASKLET and IRQ_POLL vectors; threaded (PREEMPT_RT) softirqs.
#pragma once

#include <array>
#include <cstdint>

#include "models/cpu.h"
#include "models/metrics.h"
#include "models/tracepoints.h"

namespace models {

// include/linux/interrupt.h, in service order.
enum class SoftirqVector : std::uint8_t {
  hi,
  timer,
  net_tx,
  net_rx,
  block,
  irq_poll,
  tasklet,
  sched,
  hrtimer,
  rcu
};
inline constexpr std::size_t softirq_vectors = 10;

// One run of a vector.
struct SoftirqRun {
  sim::SimTime raised = unstamped;   // softirq_raise: that which set the vector's pending bit
  sim::SimTime handler = unstamped;  // irq_handler_entry of the device's handler that raised it, if one did
  sim::SimTime entered = unstamped;  // softirq_entry
};

class Softirq {
 public:
  Softirq(sim::Engine& engine, Cpu& cpu, CostSampler& costs, const Tracepoints& tracepoints, int hz);
  Softirq(const Softirq&) = delete;
  Softirq& operator=(const Softirq&) = delete;

  std::array<sim::Port<void()>, softirq_vectors> action;  // out: one run of a vector; ends with done()
  sim::Port<void(CpuId)> wake_ksoftirqd;                  // out
  sim::Port<void()> ksoftirqd_done;                // out: the pass that run_ksoftirqd asked for is over
  sim::Port<void(SoftirqVector, sim::Nanos)> ran;  // out: softirq_entry to softirq_exit

  void raise(SoftirqVector vector);  // in: raise_softirq_irqoff
  bool pending() const { return pending_ != 0; }
  void start();          // in: from Cpu, at irq exit or local_bh_enable
  void done();           // in: the running vector's action is over
  void run_ksoftirqd();  // in: ksoftirqd has been switched in

  const SoftirqRun& running() const { return run_; }
  // A jiffy count that steps at the global tick's edges.
  std::int64_t jiffies() const { return sim::count(engine_.now()) / jiffy_.count(); }
  bool serving() const { return cpu_.in_softirq(); }

 private:
  void pass();
  void next_vector();
  void enter();
  void leave();
  void finish();

  sim::Engine& engine_;
  Cpu& cpu_;
  CostSampler& costs_;
  const Tracepoints& tracepoints_;
  sim::Nanos jiffy_;

  std::uint32_t pending_ = 0;
  std::uint32_t todo_ = 0;  // the pass's snapshot
  int restarts_ = 0;
  std::int64_t end_jiffies_ = 0;
  SoftirqVector running_ = SoftirqVector::hi;
  bool for_ksoftirqd_ = false;
  SoftirqRun run_;
  std::array<SoftirqRun, softirq_vectors> raises_{};       // of the pending bits
  std::array<SoftirqRun, softirq_vectors> todo_raises_{};  // of the snapshot
};

}  // namespace models
