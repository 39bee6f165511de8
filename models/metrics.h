// What a run measures. Histograms of durations in ns, and counters. Mergeable across replications.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "models/completion.h"
#include "models/costs.h"
#include "sim/histogram.h"
#include "sim/time.h"

namespace models {

enum class Metric : std::uint8_t {
  // The agent step, as the agent's program times it
  step,        // timer expiry to the end of the compute
  session,     // steps_per_session steps, thinking excluded
  timer_late,  // timer expiry to userspace
  tool,        // request to reply read
  read,        // submit to the last CQE seen
  compute,     // the agent's own CPU time, as wall time
  // The proposal's metrics
  wake_to_run,    // sched_waking to sched_switch, agents
  wakeup_to_run,  // sched_wakeup to sched_switch, agents
  wakeup_to_run_server,
  wakeup_to_run_background,
  wakeup_to_run_kernel,
  wakeup_to_run_tracer,
  softirq_net_rx,  // softirq_entry to softirq_exit
  softirq_block,
  softirq_timer,
  softirq_sched,
  softirq_rcu,
  completion_to_cqe,  // device done to io_uring_complete
  epoll_blocked,      // epoll_wait entry to exit, agents
  io_uring_enter,     // io_uring_enter entry to exit, agents
  // The proposal's stage table, agents' completions
  stage_irq,      // MSI-X message (or timer expiry) to the end of its handler
  stage_softirq,  // softirq_raise to the packet's delivery
  stage_block,    // irq to block_rq_complete
  stage_return,   // sched_switch to userspace
  // The two wait gates apart
  return_epoll,
  return_io_uring,
  // Per source: device (or timer) to userspace
  chain_network,
  chain_block,
  chain_timer,
  irq_handler,  // irq_handler_entry to irq_handler_exit, device vectors
  count,
};
inline constexpr std::size_t metric_count = static_cast<std::size_t>(Metric::count);

constexpr std::string_view metric_name(Metric metric) {
  constexpr std::array<std::string_view, metric_count> names{"step",
                                                             "session",
                                                             "timer_late",
                                                             "tool",
                                                             "read",
                                                             "compute",
                                                             "wake_to_run",
                                                             "wakeup_to_run",
                                                             "wakeup_to_run_server",
                                                             "wakeup_to_run_background",
                                                             "wakeup_to_run_kernel",
                                                             "wakeup_to_run_tracer",
                                                             "softirq_net_rx",
                                                             "softirq_block",
                                                             "softirq_timer",
                                                             "softirq_sched",
                                                             "softirq_rcu",
                                                             "completion_to_cqe",
                                                             "epoll_blocked",
                                                             "io_uring_enter",
                                                             "stage_irq",
                                                             "stage_softirq",
                                                             "stage_block",
                                                             "stage_return",
                                                             "return_epoll",
                                                             "return_io_uring",
                                                             "chain_network",
                                                             "chain_block",
                                                             "chain_timer",
                                                             "irq_handler"};
  return names[static_cast<std::size_t>(metric)];
}

enum class Counter : std::uint8_t {
  steps,
  sessions,
  deadline_misses,  // steps that ended after their soft deadline
  completions,      // agents' completions that reached userspace
  interrupts_device,
  interrupts_timer,
  interrupts_ipi,
  rx_drops,           // NIC ring or backlog full
  rejected_requests,  // device queue full
  context_switches,
  migrations,
  ksoftirqd_wakeups,
  time_squeeze,
  background_bytes,   // delivered to bulk and flow receivers, written by writers
  background_cpu_ns,  // CPU time of burst and hog tasks
  cpu_user_ns,
  cpu_system_ns,     // tasks in the kernel, context switches
  cpu_softirq_ns,    // in softirq context on interrupt exit or local_bh_enable
  cpu_ksoftirqd_ns,  // softirq work done by ksoftirqd
  cpu_hardirq_ns,
  cpu_idle_ns,
  cpu_other_ns,  // kernel threads, the tracer
  tracer_rows,
  count,
};
inline constexpr std::size_t counter_count = static_cast<std::size_t>(Counter::count);

constexpr std::string_view counter_name(Counter counter) {
  constexpr std::array<std::string_view, counter_count> names{"steps",
                                                              "sessions",
                                                              "deadline_misses",
                                                              "completions",
                                                              "interrupts_device",
                                                              "interrupts_timer",
                                                              "interrupts_ipi",
                                                              "rx_drops",
                                                              "rejected_requests",
                                                              "context_switches",
                                                              "migrations",
                                                              "ksoftirqd_wakeups",
                                                              "time_squeeze",
                                                              "background_bytes",
                                                              "background_cpu_ns",
                                                              "cpu_user_ns",
                                                              "cpu_system_ns",
                                                              "cpu_softirq_ns",
                                                              "cpu_ksoftirqd_ns",
                                                              "cpu_hardirq_ns",
                                                              "cpu_idle_ns",
                                                              "cpu_other_ns",
                                                              "tracer_rows"};
  return names[static_cast<std::size_t>(counter)];
}

struct Metrics {
  std::array<sim::Histogram, metric_count> histograms;
  std::array<std::int64_t, counter_count> counters{};
  // Time drawn from each cost on behalf of agents' steps, for the share that rests on calibrated costs.
  std::array<std::int64_t, cost_count> agent_cost_ns{};
  sim::Nanos measured{0};  // simulated time that was measured: duration without warm-up
  std::uint64_t events = 0;

  sim::Histogram& operator[](Metric m) { return histograms[static_cast<std::size_t>(m)]; }
  const sim::Histogram& operator[](Metric m) const { return histograms[static_cast<std::size_t>(m)]; }
  std::int64_t& operator[](Counter c) { return counters[static_cast<std::size_t>(c)]; }
  std::int64_t operator[](Counter c) const { return counters[static_cast<std::size_t>(c)]; }

  void merge(const Metrics& other);
};

}  // namespace models
