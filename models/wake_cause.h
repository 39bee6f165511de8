// Why a task was woken, as the code that wakes it knows: what a trace only lets one infer.
//
// The proposal's patch 3/8 puts it into a tracepoint, agent_wakeup, for wakeups by a completion that carries
// an agent_latency_ctx. The simulator knows it for every wakeup (wake_cause), and scores inference by it.
#pragma once

#include <cstdint>

#include "models/ids.h"

namespace models {

enum class WakeSource : std::uint8_t {
  none,   // nothing in the kernel: the host starts its tasks
  timer,  // the task's own hrtimer
  block,  // a request's end
  net,    // a segment's arrival
  task,   // another task, or an interrupt on top of it
};

struct WakeCause {
  WakeSource source = WakeSource::none;
  DeviceId device = DeviceId::none;  // block: the disk
  // timer: the task that sleeps on it. block: the request's draw_key. net: the task that sent, -1: another
  // machine's. task: the waker's CPU's current task, -1: idle.
  std::int64_t cookie = -1;

  friend bool operator==(const WakeCause&, const WakeCause&) = default;
};

}  // namespace models
