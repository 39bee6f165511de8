// Every duration the models charge, by name. The values live in profiles (calibration/profiles), each
// with its source; none is written in a .cpp. Adding a cost: one line in `cost_list`, one entry in
// each profile.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "sim/distribution.h"
#include "sim/rng.h"
#include "sim/time.h"

namespace models {

enum class Cost : std::uint8_t {
  // Interrupts
  hardirq_entry,
  hardirq_exit,
  nic_irq_handler,
  nvme_irq_handler,
  nvme_cqe_reap,
  virtio_blk_irq_handler,
  hrtimer_interrupt,
  clockevent_program,
  tick,
  ipi_send,
  ipi_delivery,
  ipi_handler,
  msi_delivery,
  timer_delivery,
  // Softirqs
  softirq_overhead,
  napi_poll_fixed,
  napi_packet,
  tcp_deliver,
  backlog_packet,
  softirq_timer,
  softirq_sched,
  softirq_rcu,
  softirq_block_fixed,
  block_complete,
  // Wakeup and scheduling
  try_to_wake_up,
  ep_poll_callback,
  context_switch,
  balance_domain,
  migration_cold_cache,
  // Idle
  idle_enter,
  idle_exit_poll,
  idle_exit_c1,
  idle_exit_c6,
  idle_exit_hlt,
  idle_exit_hlt_deep,
  idle_loop_exit,
  tick_stop,
  tick_restart,
  // System calls and userspace boundary
  syscall_entry,
  syscall_exit,
  tcp_sendmsg,
  gso_segment,
  tcp_recvmsg,
  copy_per_kib,
  epoll_wait_entry,
  epoll_send_events,
  nanosleep_entry,
  io_uring_submit,
  block_submit,
  virtio_blk_kick,
  nvme_doorbell,
  io_uring_task_work,
  cqe_post,
  // Devices
  nic_dma,
  virtio_blk_notify,
  virtio_blk_notify_deep,
  virtio_blk_request,
  virtio_blk_128k,
  nvme_read_4k,
  nvme_write_4k,
  // Attribution and tracing
  attribution_tracepoint,
  event_record,
  bpf_probe,
  bpf_printf_hardirq,
  bpf_printf_softirq,
  bpf_printf_sched,
  bpf_printf_syscall,
  tracer_wake,
  tracer_row,
  count,
};
inline constexpr std::size_t cost_count = static_cast<std::size_t>(Cost::count);

struct CostEntry {
  Cost id;
  std::string_view name;  // the key in a profile
  std::string_view what;  // one line of documentation, with the kernel function it stands for
};

// In the order of `Cost`.
extern const std::array<CostEntry, cost_count> cost_list;

// Where a cost's value comes from.
enum class Basis : std::uint8_t {
  calibrated,  // measured in, or derived from, the captures the profile names
  fallback,    // default, with its own source: literature, other captures
};

struct CostModel {
  sim::Distribution value = sim::Distribution::constant(sim::Nanos{0});
  Basis basis = Basis::fallback;
  // Of the normal scores of successive draws, lag 1: 0..1, below 1. Slow spells of a device or of the machine.
  double autocorrelation = 0;
};

struct Costs {
  std::array<CostModel, cost_count> models;
  const CostModel& operator[](Cost id) const { return models[static_cast<std::size_t>(id)]; }
  CostModel& operator[](Cost id) { return models[static_cast<std::size_t>(id)]; }
};

}  // namespace models
