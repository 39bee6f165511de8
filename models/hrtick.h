// One CPU's high-resolution preemption tick: the running fair task's slice ends by timer, not at a tick.
//
//   schedule, enqueue, dequeue ─► arm(delay) ─► timer interrupt ─► expired
//
// Models:   kernel/sched/core.c: hrtick_start, hrtick (HRTIMER_MODE_REL_PINNED_HARD), with the feature flag
//           HRTICK; arming programs the clock event, which a guest pays an exit for.
// Left out: that it shares the CPU's clock event with its other timers: an hrtick that falls together with
//           one of them is an interrupt of its own here.
#pragma once

#include "models/cost_sampler.h"
#include "models/cpu.h"
#include "sim/engine.h"

namespace models {

class Hrtick {
 public:
  Hrtick(sim::Engine& engine, Cpu& cpu, CostSampler& costs) : cpu_{cpu}, costs_{costs} {
    line_.kind = IrqKind::timer;
    line_.handler.connect<&Hrtick::enter>(*this);
    timer_.bind<&Hrtick::fire>(engine, *this);
  }
  Hrtick(const Hrtick&) = delete;
  Hrtick& operator=(const Hrtick&) = delete;

  sim::Port<void(CpuId)> expired;  // out: in hardirq context

  // in: in `delay` ns, in place of what was armed; negative: not at all.
  void arm(std::int64_t delay) {
    if (delay < 0) {
      timer_.disarm();
      return;
    }
    cpu_.charge(costs_.draw(Cost::clockevent_program));
    timer_.arm(sim::Nanos{delay});
  }

 private:
  void fire() { cpu_.raise(line_); }
  void enter() {
    cpu_.run<&Hrtick::handle>(Context::hardirq,
                              costs_.draw(Cost::hardirq_entry) + costs_.draw(Cost::hrtimer_interrupt), *this);
  }
  void handle() {
    expired(cpu_.id());
    cpu_.run<&Hrtick::leave>(Context::hardirq, costs_.draw(Cost::hardirq_exit), *this);
  }
  void leave() {}

  Cpu& cpu_;
  CostSampler& costs_;
  IrqLine line_;
  sim::Timer timer_;
};

}  // namespace models
