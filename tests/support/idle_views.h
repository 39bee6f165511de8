// A governor on its own: views of a machine's states and a history of idle spans.
#pragma once

#include <vector>

#include "models/idle_view.h"

namespace models {

using namespace std::chrono_literals;

// HZ=250; nothing is near: the next timer comes after a second, the tick after 3 ms.
struct IdleMachine {
  std::vector<IdleStateConfig> states;
  sim::Nanos latency_limit{2'000'000'000'000};
  sim::SimTime now{};

  IdleView view(sim::Nanos sleep_length = 1s, sim::Nanos to_tick = 3ms, bool tick_stopped = false) const {
    const sim::Nanos delta = tick_stopped || sleep_length < to_tick ? sleep_length : to_tick;
    return {states, latency_limit, 4ms, tick_stopped, sleep_length, delta, now};
  }
};

// What a choice led to: `span` in the state that was chosen.
template <class Governor>
IdleChoice idle_once(Governor& governor, IdleMachine& machine, const IdleView& view, sim::Nanos span,
                     bool got_tick = false, bool poll_timed_out = false) {
  const IdleChoice choice = governor.select(view);
  machine.now += span;
  governor.reflect(view.tick, {.state = choice.state,
                               .residency = span,
                               .got_tick = got_tick,
                               .poll_timed_out = poll_timed_out,
                               .now = machine.now});
  return choice;
}

}  // namespace models
