// Workloads that run on any engine with the interface of sim::Engine.
//
// `Draws` is where a workload takes its numbers from: a call gives the next span, offset() a uniform
// number in 1 .. pending-1. Engines that are given equal draws run equal events.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "sim/engine.h"
#include "sim/time.h"

namespace perf {

// Hold: every event schedules itself again. `reschedules` times per event, a uniformly chosen other
// pending event is moved too (McCormack and Sargent's hold model, with moves).
template <class Engine, class DrawsType>
class Hold {
 public:
  using Draws = DrawsType;

  Hold(int pending, int reschedules, Draws draws)
      : engine_{2 * pending},
        draws_{draws},
        reschedules_{reschedules},
        events_(static_cast<std::size_t>(pending)) {
    for (std::size_t i = 0; i < events_.size(); ++i) {
      events_[i] = engine_.template after<&Hold::fire>(draws_(), *this, i);
    }
  }
  Hold(const Hold&) = delete;
  Hold& operator=(const Hold&) = delete;

  Engine& engine() { return engine_; }

 private:
  void fire(std::uint64_t i) {
    events_[i] = engine_.template after<&Hold::fire>(draws_(), *this, i);
    for (int n = 0; n < reschedules_; ++n) {
      std::size_t other = i + draws_.offset();
      other -= other < events_.size() ? 0 : events_.size();
      engine_.reschedule(events_[other], engine_.now() + draws_());
    }
  }

  Engine engine_;
  Draws draws_;
  int reschedules_;
  std::vector<sim::EventId> events_;
};

// The same on timers, which only the product has.
template <class DrawsType>
class TimerHold {
 public:
  using Draws = DrawsType;

  TimerHold(int pending, int reschedules, Draws draws)
      : engine_{2 * pending},
        draws_{draws},
        reschedules_{reschedules},
        timers_(static_cast<std::size_t>(pending)) {
    for (std::size_t i = 0; i < timers_.size(); ++i) {
      timers_[i].template bind<&TimerHold::fire>(engine_, *this, i);
      timers_[i].arm(draws_());
    }
  }
  TimerHold(const TimerHold&) = delete;
  TimerHold& operator=(const TimerHold&) = delete;

  sim::Engine& engine() { return engine_; }

 private:
  void fire(std::uint64_t i) {
    timers_[i].arm(draws_());
    for (int n = 0; n < reschedules_; ++n) {
      std::size_t other = i + draws_.offset();
      other -= other < timers_.size() ? 0 : timers_.size();
      timers_[other].arm(draws_());
    }
  }

  sim::Engine engine_;
  Draws draws_;
  int reschedules_;
  std::vector<sim::Timer> timers_;
};

}  // namespace perf
