// One completion on its way from a device (or timer) to userspace: READ THIS FIRST.
//
//   device ─ irq ─ hardirq ─ softirq ─ delivered/completed ─ waking ─ runnable ─ running ─ cqe ─ user
//
// A completion only moves forward; each hop stamps its Stage with the time. Stages carry the names
// of the kernel tracepoints that captures contain, so simulated and measured runs meet in one table.
// A softirq's raise may have been for others and older than the completion that it serves too.
// A stage may be absent: a multi-queue NVMe read completes in hardirq and skips softirq.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "models/ids.h"
#include "models/wake_cause.h"
#include "sim/time.h"

namespace models {

enum class Stage : std::uint8_t {
  device_done,    // the frame is in memory, the command has finished
  irq,            // MSI-X message sent
  timer,          // hrtimer expired                         timer:hrtimer_expire_entry
  hardirq_entry,  // the handler that it ends in, or that    irq:irq_handler_entry
                  // raises the softirq that it ends in
  softirq_raise,  // of the softirq that it ends in          irq:softirq_raise
  softirq_entry,  // of the same                             irq:softirq_entry
  delivered,      // packet leaves the poll for the stack    net:netif_receive_skb
  completed,      // blk_update_request                      block:block_rq_complete
  waking,         // try_to_wake_up                          sched:sched_waking
  runnable,       // enqueued on its CPU                     sched:sched_wakeup
  running,        // switched in                             sched:sched_switch
  cqe,            // task work posted the CQE                io_uring:io_uring_complete
  user,           // the wait's system call returns          sys_exit_*
};
inline constexpr std::size_t stage_count = 13;

constexpr std::string_view stage_name(Stage stage) {
  constexpr std::array<std::string_view, stage_count> names{
      "device_done", "irq",    "timer",    "hardirq_entry", "softirq_raise", "softirq_entry", "delivered",
      "completed",   "waking", "runnable", "running",       "cqe",           "user"};
  return names[static_cast<std::size_t>(stage)];
}

// The proposal's completion_latency_class.
enum class LatencyClass : std::uint8_t { normal, agent_interactive, background };

// The proposal's struct agent_latency_ctx: attached at the userspace boundary (socket, SQE), carried
// by the sk_buff or request it tags, read by the policies of experiment D.
struct AgentLatencyCtx {
  std::int32_t agent_id = -1;  // -1: untagged
  std::int32_t step_id = 0;
  LatencyClass latency_class = LatencyClass::normal;
  sim::SimTime deadline = sim::never;  // soft deadline of the step
  sim::Nanos budget{0};                // cgroup-controlled latency budget, 0: none
  bool tagged() const { return latency_class == LatencyClass::agent_interactive; }
};

inline constexpr sim::SimTime unstamped{sim::Nanos{-1}};

struct Completion {
  std::array<sim::SimTime, stage_count> at;
  AgentLatencyCtx ctx;
  TaskId waiter = TaskId::none;
  WakeCause cause;  // what completes: the wakeup it brings about is explained by it

  void reset() { at.fill(unstamped); }
  void stamp(Stage stage, sim::SimTime now) { at[static_cast<std::size_t>(stage)] = now; }
  bool has(Stage stage) const { return at[static_cast<std::size_t>(stage)] != unstamped; }
  sim::SimTime when(Stage stage) const { return at[static_cast<std::size_t>(stage)]; }
};

}  // namespace models
