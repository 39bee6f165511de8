// A CPU that runs nothing but fair tasks, for tests of the run queue: the clock moves by hand, ticks come
// every `tick`, and a reschedule request is honoured at once.
#pragma once

#include <cstdint>
#include <deque>

#include "models/eevdf.h"
#include "sim/time.h"

namespace models {

// Distinct round numbers: a slice of 3 ms, a tick of 4 ms.
inline CfsConfig fair_config(KernelRelease release) {
  return {.features = sched_features(release),
          .base_slice = sim::Nanos{3'000'000},
          .normalized_base_slice = sim::Nanos{750'000},
          .tick = sim::Nanos{4'000'000}};
}

inline std::int64_t real_to_v(std::int64_t delta, const SchedEntity& se) {
  return calc_delta_fair(delta, se.load);
}

class FairCpu {
 public:
  explicit FairCpu(const CfsConfig& config) : rq{config}, tick_{config.tick.count()} {}
  explicit FairCpu(KernelRelease release = KernelRelease::v6_12) : FairCpu{fair_config(release)} {}

  SchedEntity& task(int nice = 0, sim::Nanos slice = sim::Nanos{0}) {
    SchedEntity& se = tasks.emplace_back();
    se.task = TaskId{static_cast<int>(tasks.size())};
    se.nice = nice;
    se.load = nice_load(nice);
    rq.set_slice(se, slice, clock);
    return se;
  }

  // try_to_wake_up on this CPU. True: the wakee preempts, and the switch has happened.
  bool wake(SchedEntity& se) {
    rq.enqueue(se, clock, {.wakeup = true});
    const bool preempts = rq.curr() == nullptr || rq.wakeup_preempt(se, clock);
    if (preempts || rq.need_resched()) {
      schedule();
    }
    return preempts;
  }

  void schedule() {
    SchedEntity* next = rq.pick(clock);
    if (next != rq.curr()) {
      if (rq.curr() != nullptr) {
        rq.put_prev(clock);
      }
      if (next != nullptr) {
        rq.set_next(*next, clock);
      }
      ++switches;
    }
    rq.clear_resched();
  }

  // The running task blocks. True: it left the queue; false: its dequeue is delayed.
  bool block(DequeueFlags flags = {.sleep = true}) {
    const bool left = rq.dequeue(*rq.curr(), clock, flags);
    schedule();
    return left;
  }

  void spend(sim::Nanos span) { clock += span.count(); }  // the running task runs; nothing looks at the clock

  // Runs with ticks, each followed by the switch it asked for.
  void run(sim::Nanos span) {
    const std::int64_t end = clock + span.count();
    for (std::int64_t edge = (clock / tick_ + 1) * tick_; edge <= end; edge += tick_) {
      clock = edge;
      rq.tick(clock);
      if (rq.need_resched()) {
        schedule();
      }
    }
    clock = end;
  }

  SchedEntity* running() const { return rq.curr(); }

  CfsRq rq;
  std::deque<SchedEntity> tasks;  // a deque: tasks are queued by address
  std::int64_t clock = 0;
  int switches = 0;

 private:
  std::int64_t tick_;
};

// a has run `span`, not charged yet, while b waited where a started.
struct AheadOf {
  explicit AheadOf(KernelRelease release = KernelRelease::v6_12, sim::Nanos span = sim::Nanos{1'000'000},
                   sim::Nanos slice = sim::Nanos{0})
      : cpu{release}, a{cpu.task()}, b{cpu.task(0, slice)} {
    cpu.wake(a);
    cpu.rq.enqueue(b, cpu.clock, {.wakeup = true});
    cpu.spend(span);
  }
  FairCpu cpu;
  SchedEntity& a;
  SchedEntity& b;
};

}  // namespace models
