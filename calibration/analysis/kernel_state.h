// What every CPU and every task of the captured machine is doing, as far as the events tell: the bookkeeping
// that all stages rest on.
//
// Broken switches: a sched_switch whose prev_pid is not the task that its CPU last entered shows that events
// are missing (ftrace on some kernels omits what one CPU's idle task does; buffers overrun). Whatever began
// on that CPU before a broken switch is not measured: `since_break` is the first instant that counts.
//
// Models:   hardirq over softirq over task, per CPU, as kernel/softirq.c and irq_exit order them. Softirqs
// are
//           keyed by CPU and vector, and matched with their raises as softirq_raises.h tells.
// Left out: the time of interrupts without entry and exit tracepoints (timer, IPIs): it counts as that of
//           whatever they interrupt.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <string_view>
#include <vector>

#include "calibration/analysis/history.h"
#include "calibration/analysis/softirq_raises.h"
#include "calibration/analysis/stage_table.h"
#include "calibration/traces/event.h"
#include "models/completion.h"

namespace calibration {

inline constexpr std::int64_t never_seen = -1;
inline constexpr std::size_t softirq_vecs = 10;
inline constexpr int timer_vec = 1, net_rx_vec = 3;

enum class Where : std::uint8_t { task, softirq, hardirq };

// What a packet came through: a NAPI that a device's interrupts feed, or a CPU's backlog.
enum class Origin : std::uint8_t { unknown, device, backlog };

// One completion's hops, with the times that the events give: models/completion.h.
enum class ChainKind : std::uint8_t { timer, network, block };
std::string_view to_string(ChainKind kind);

struct CompletionChain {
  ChainKind kind{};
  Rule rule = Rule::none;
  std::int32_t pid = -1;
  std::array<std::int64_t, models::stage_count> at{};  // never_seen where absent
  std::int64_t issued = never_seen;                    // block: block_rq_issue
  std::uint64_t sector = 0;
  std::uint32_t dev = 0;
  bool whole = true;  // nothing broke in between

  CompletionChain() { at.fill(never_seen); }
  std::int64_t& operator[](models::Stage stage) { return at[static_cast<std::size_t>(stage)]; }
  std::int64_t operator[](models::Stage stage) const { return at[static_cast<std::size_t>(stage)]; }
};

// A softirq's pending raise.
struct Raise {
  std::int64_t time = never_seen;
  Where where{};             // of what it is to serve: a rest of an earlier run keeps that run's
  std::int32_t raiser = -1;  // the current task
  bool from_device = false;  // in a device's handler
  bool several = false;      // other tasks raised it too, or ran before it was served
  NodeId node = NodeId::none;
  std::int64_t hardirq_at = never_seen;  // entry of the handler in which this raise fired
};

struct CpuState {
  bool seen = false;
  std::int32_t current = -1;  // pid; -1 unknown
  Name current_comm = Name::none;
  std::int64_t since_break = INT64_MIN;

  int irq_depth = 0;  // device handlers
  std::int32_t irq = -1;
  std::int64_t irq_at = never_seen;
  NodeId irq_node = NodeId::none;
  StageTable::Group irq_group = 0;

  std::int32_t vec = -1;  // the softirq being served, -1: none
  std::int64_t vec_at = never_seen;
  NodeId vec_node = NodeId::none;
  Raise vec_raise;                         // what it was raised by
  std::int64_t batch_from = 0;             // end of the latest work item of this softirq run or handler
  std::int64_t delivered_at = never_seen;  // the latest netif_receive_skb of this run
  Origin delivered_from = Origin::unknown;
  bool net_device_spoke = false;  // a network device's handler ran since the last NET_RX run ended
  SoftirqRaises<Raise> raises;

  // The latest block_rq_complete and hrtimer expiry that may still explain a wakeup.
  NodeId completed = NodeId::none;
  std::uint64_t completed_key = 0;
  CompletionChain completed_chain;
  NodeId expired = NodeId::none;
  bool expired_wakes = false;   // its function is hrtimer_wakeup
  std::int32_t woken_idle = 0;  // the first task woken while the idle task slept here
  // Of the softirq that a device's handler interrupts, until it returns.
  NodeId interrupted_completed = NodeId::none;
  std::int64_t interrupted_batch = 0;

  Spent spent;
  std::int64_t accounted = never_seen;
};

enum class TaskClass : std::uint8_t { agent, other, kernel, tracer, idle };
inline constexpr std::size_t task_classes = 5;
std::string_view to_string(TaskClass task_class);

enum class TaskPhase : std::uint8_t { unknown, running, runnable, waking, asleep };

struct Task {
  std::int32_t pid = -1;
  Name comm = Name::none;
  TaskClass task_class = TaskClass::other;
  StageTable::Group group = 0;  // agents: the task's own; others: the class's
  TaskPhase phase = TaskPhase::unknown;
  std::int32_t cpu = -1;
  std::int64_t seen = 0;
  std::int64_t waking_at = never_seen, wakeup_at = never_seen, running_at = never_seen, left_at = never_seen;
  bool woken_early = false;                   // by a sched_waking that came before it had left its CPU
  bool woken_on_idle = false;                 // and the idle task has not left its state since
  NodeId last = NodeId::none;                 // of its own sequence
  NodeId slept = NodeId::none;                // the switch_out into its last sleep
  NodeId waking_node = NodeId::none;          // where woken_early
  std::int64_t early_wakeup_at = never_seen;  // and already queued again

  Syscall gate = Syscall::other;  // the wait gate it is inside; other: none
  std::int64_t gate_at = never_seen;

  NodeId woken_by_request = NodeId::none;  // of `completed`, until it runs
  bool chain_open = false;                 // the wakeup's own chain, until userspace
  CompletionChain chain;
  struct Completed {
    NodeId node = NodeId::none;
    CompletionChain chain;
  };
  std::vector<Completed> completed;     // requests whose io_uring_complete is still to come, oldest first
  std::vector<CompletionChain> posted;  // CQEs whose system call has not returned
  std::uint32_t step_slot = 0;          // of agent_steps, + 1
};

class KernelState {
 public:
  static constexpr std::size_t max_tasks = std::size_t{1} << 16;

  // Everything of a CPU up to `now` is accounted to what it was doing.
  CpuState& cpu(std::int32_t number, std::int64_t now);
  CpuState* known_cpu(std::int32_t number);
  Task* find(std::int32_t pid);
  // The task, made if new. When there are too many, the one not seen for longest makes room.
  Task& task(std::int32_t pid, std::int64_t now);
  std::size_t cpus() const { return cpus_.size(); }
  std::deque<CpuState>& all_cpus() { return cpus_; }
  static Where where(const CpuState& cpu, const EventFlags& flags);

 private:
  void account(CpuState& cpu, std::int64_t now);
  void make_room();
  std::deque<CpuState> cpus_;               // references stay good as it grows
  std::vector<std::uint32_t> slot_of_pid_;  // + 1; by pid, up to PID_MAX_LIMIT
  std::deque<Task> tasks_;
  std::vector<std::uint32_t> free_;
};

}  // namespace calibration
