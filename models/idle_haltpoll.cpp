#include "models/idle_haltpoll.h"

#include <algorithm>

namespace models {

IdleChoice HaltpollGovernor::select(const IdleView& view) {
  if (view.latency_limit.count() == 0) {
    return {.state = 0, .stop_tick = false};
  }
  if (poll_limit_.count() == 0) {
    return {.state = 1, .stop_tick = true};
  }
  if (last_state_ == 0 && poll_timed_out_) {
    return {.state = 1, .stop_tick = true};  // nothing came in the poll's window
  }
  return {.state = 0, .stop_tick = false};
}

void HaltpollGovernor::reflect(sim::Nanos, const IdleResult& result) {
  last_state_ = result.state;
  poll_timed_out_ = result.poll_timed_out;
  if (result.state != 0) {
    adjust_poll_limit(result.residency);
  }
}

void HaltpollGovernor::adjust_poll_limit(sim::Nanos block) {
  const sim::Nanos longest = config_.guest_halt_poll_ns;
  if (block > poll_limit_ && block <= longest) {
    const sim::Nanos grown = poll_limit_ * config_.guest_halt_poll_grow;
    poll_limit_ = std::min(std::max(grown, config_.guest_halt_poll_grow_start), longest);
  } else if (block > longest && config_.guest_halt_poll_allow_shrink) {
    if (config_.guest_halt_poll_shrink == 0) {
      poll_limit_ = sim::Nanos{0};
      return;
    }
    poll_limit_ /= config_.guest_halt_poll_shrink;
    if (poll_limit_ < config_.guest_halt_poll_grow_start) {
      poll_limit_ = sim::Nanos{0};
    }
  }
}

}  // namespace models
