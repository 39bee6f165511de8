// What an idle governor sees and says. See cpuidle.h.
#pragma once

#include <vector>

#include "models/kernel_config.h"
#include "sim/time.h"

namespace models {

// The moment of a choice.
struct IdleView {
  const std::vector<IdleStateConfig>& states;  // shallowest first, two at least
  sim::Nanos latency_limit;                    // cpuidle_governor_latency_req()
  sim::Nanos tick;                             // TICK_NSEC
  bool tick_stopped;                           // already, by an earlier choice in this idle period
  sim::Nanos sleep_length;                     // to the next timer if the tick is stopped
  sim::Nanos delta_tick;                       // to the next timer, the tick being one unless it is stopped
  sim::SimTime now;

  bool is_polling(int state) const {  // CPUIDLE_FLAG_POLLING
    return states[static_cast<std::size_t>(state)].state == IdleState::poll;
  }
  const IdleStateConfig& operator[](int state) const { return states[static_cast<std::size_t>(state)]; }
  int count() const { return static_cast<int>(states.size()); }
};

struct IdleChoice {
  int state = 0;
  bool stop_tick = true;
};

// What became of a choice.
struct IdleResult {
  int state = 0;
  sim::Nanos residency{0};      // cpu_idle entry to exit event
  bool got_tick = false;        // the tick interrupted: tick_nohz_idle_got_tick()
  bool poll_timed_out = false;  // dev->poll_time_limit
  sim::SimTime now{};
};

}  // namespace models
