// Experiment C, patch 3: attribution tracepoints only. No decision changes; each hit costs
// Cost::attribution_tracepoint where it fires.
#pragma once

#include <array>

#include "models/policies/kernel_default.h"

namespace models {

class Attribution : public KernelDefault {
 public:
  static constexpr std::string_view name = "attribution";
  using KernelDefault::KernelDefault;

  // From the interrupt to the wakeup, and the two wait gates.
  static constexpr std::array points{Tracepoint::irq_handler_entry,
                                     Tracepoint::softirq_entry,
                                     Tracepoint::netif_receive_skb,
                                     Tracepoint::block_rq_complete,
                                     Tracepoint::hrtimer_expire_entry,
                                     Tracepoint::sched_waking,
                                     Tracepoint::agent_wakeup,
                                     Tracepoint::sched_switch,
                                     Tracepoint::sys_enter_epoll_wait,
                                     Tracepoint::sys_exit_epoll_wait,
                                     Tracepoint::sys_enter_io_uring_enter,
                                     Tracepoint::sys_exit_io_uring_enter,
                                     Tracepoint::io_uring_complete};
};

}  // namespace models
