// The haltpoll governor of guests: polls for a while before it halts, if recent halts were short.
//
// Models:   drivers/cpuidle/governors/haltpoll.c, with state 0 polling and state 1 HLT, as the haltpoll
// driver
//           registers them. With one state there is nothing to choose.
// Left out: nothing of the governor; the host's own halt polling is part of idle_exit_hlt.
#pragma once

#include "models/idle_view.h"

namespace models {

class HaltpollGovernor {
 public:
  explicit HaltpollGovernor(const HaltpollConfig& config) : config_{config} {}

  IdleChoice select(const IdleView& view);
  void reflect(sim::Nanos tick, const IdleResult& result);
  sim::Nanos poll_limit() const { return poll_limit_; }  // dev->poll_limit_ns; 0: no polling

 private:
  void adjust_poll_limit(sim::Nanos block);

  HaltpollConfig config_;
  sim::Nanos poll_limit_{0};
  int last_state_ = 0;
  bool poll_timed_out_ = false;
};

}  // namespace models
