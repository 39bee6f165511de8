// The rules that link a wakeup to its cause. Each links only what the events prove, and says which it was.
//
// Proof rests on order on one CPU: between an hrtimer_expire_entry of hrtimer_wakeup and the next waking
// there is nothing that could wake; between one block_rq_complete and the next the wakings are of that
// request's bio_endio; what a NET_RX run delivers is what was put on that CPU's backlog since the last run,
// and if one task's own send raised it, and no other task ran before it was served, all of it is that task's.
//
// Models:   hrtimer_wakeup (kernel/time/hrtimer.c), blk_complete_reqs (block/blk-mq.c), enqueue_to_backlog
//           and net_rx_action (net/core/dev.c), try_to_wake_up (kernel/sched/core.c).
// Left out: futexes, pipes, eventfds as such: they are `task`, done by the CPU's current task.
#pragma once

#include "calibration/analysis/kernel_state.h"

namespace calibration {

struct WakeCause {
  Rule rule = Rule::none;
  NodeId node = NodeId::none;
  std::uint64_t cookie = 0;
  bool nested = false;
};

// Why `woken` is being woken on `cpu` by the event with these flags. Uses up an expired timer.
WakeCause find_cause(CpuState& cpu, const EventFlags& flags, std::int32_t woken, KernelState& state,
                     const History& history);

std::string_view to_string(Rule rule);

}  // namespace calibration
