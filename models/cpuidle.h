// cpuidle: what a governor is asked, what it answers, and the governors there are.
//
//   idle loop ──select(IdleView)──► governor ──IdleChoice──► state entered ... left ──reflect(IdleResult)──►
//   governor
//
// A governor is a plain class with select(), reflect() and poll_limit(); one file each, one line in
// AnyIdleGovernor. Times to timers are of high-resolution timers; the tick is told apart from them.
//
// Models:   drivers/cpuidle/cpuidle.c:cpuidle_poll_time, drivers/cpuidle/governor.c,
// kernel/time/tick-sched.c:
//           tick_nohz_get_sleep_length.
// Left out: coupled states, broadcast timers, the ladder governor, per-CPU resume latency.
#pragma once

#include <algorithm>
#include <variant>
#include <vector>

#include "models/idle_haltpoll.h"
#include "models/idle_menu.h"
#include "models/idle_teo.h"
#include "models/idle_view.h"
#include "models/kernel_config.h"

namespace models {

using AnyIdleGovernor = std::variant<MenuGovernor, TeoGovernor, HaltpollGovernor>;

inline AnyIdleGovernor make_idle_governor(const TopologyConfig& topology, KernelRelease release) {
  switch (topology.governor) {
    case IdleGovernorKind::teo:
      return TeoGovernor{release, topology.idle.size()};
    case IdleGovernorKind::haltpoll:
      return HaltpollGovernor{topology.haltpoll};
    case IdleGovernorKind::menu:
      break;
  }
  return MenuGovernor{release};
}

// cpuidle_poll_time: how long the polling state spins when the governor sets no limit. That is the residency
// of the first enabled deeper state that is worth it, at most a sixteenth of a tick.
inline sim::Nanos cpuidle_poll_time(const std::vector<IdleStateConfig>& states, sim::Nanos tick) {
  constexpr sim::Nanos poll_min{10'000};  // CPUIDLE_POLL_MIN
  const sim::Nanos poll_max = tick / 16;  // CPUIDLE_POLL_MAX
  for (std::size_t i = 1; i < states.size(); ++i) {
    if (!states[i].disabled && states[i].target_residency >= poll_min) {
      return std::min(states[i].target_residency, poll_max);
    }
  }
  return poll_max;
}

}  // namespace models
