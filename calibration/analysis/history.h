// What happened lately and why: the vertices of the causal graph, in a ring of fixed size.
//
//   expire ─► waking ─► wakeup ─► switch_in ─► raise (a write) ─► softirq_entry ─► waking (of the peer) ─►
//   ...
//
// A node knows the node before it in its own sequence (a task's, an interrupt's) and, where a link was
// proved, the node that caused it. Nodes are numbered from 1 in order of arrival; an old number whose place
// has been taken is gone, and what leads there is told as cut off.
#pragma once

#include <cstdint>
#include <utility>
#include <vector>

namespace calibration {

// CPU time by context, in ns since the capture began; every ns of a CPU is in exactly one.
struct Spent {
  std::int64_t idle = 0, task = 0, softirq = 0, hardirq = 0;
  Spent operator-(const Spent& from) const {
    return {idle - from.idle, task - from.task, softirq - from.softirq, hardirq - from.hardirq};
  }
};

enum class NodeId : std::uint64_t { none = 0 };

enum class NodeKind : std::uint8_t {
  expire,         // an hrtimer's handler is called
  irq_entry,      // a device's handler is entered
  raise,          // a softirq is raised; by a task it is (part of) a send
  softirq_entry,  // it is served
  issue,          // a request goes to its driver
  completed,      // a request is completed
  waking,         // of node.pid
  wakeup,         // it is on a run queue
  switch_in,
  switch_out,  // detail: 1 asleep, 0 still runnable
  gate_enter,  // a wait gate's system call; detail: Syscall
  gate_exit,
  cqe,  // io_uring_complete
};

// Why a wakeup happened, by which rule it could be proved. `none` to `idle_task` prove nothing.
enum class Rule : std::uint8_t {
  none,            // no rule applied
  ambiguous_send,  // NET_RX carried packets of several senders
  softirq_only,    // in a softirq whose origin was not seen
  hardirq_only,    // in an interrupt without a handler's tracepoint (an IPI, the tick)
  hrtimer_wakeup,  // first waking after an hrtimer_expire_entry of hrtimer_wakeup, in the same interrupt
  request,         // waking between this block_rq_complete and the next, in the same softirq or handler
  peer_send,       // in the NET_RX that one task's own send raised and only it can have filled
  own_send_acked,  // the same, and the woken task is the sender: its peer's acknowledgement
  device_packet,   // in the NET_RX that a device's interrupt raised
  irq_handler,     // inside a device's handler
  timer_wheel,     // in the TIMER softirq
  softirq_work,    // in RCU, TASKLET, SCHED, ...: the softirq's own business
  task,            // the CPU's current task did it
  agent_wakeup,    // the kernel said so: the attribution tracepoint of the proposal's patch 3/8
  count,
};
inline constexpr std::size_t rule_count = static_cast<std::size_t>(Rule::count);
constexpr bool proves(Rule rule) { return rule > Rule::hardirq_only; }

struct Node {
  std::int64_t time = 0;
  NodeId before = NodeId::none;  // in its own sequence
  NodeId cause = NodeId::none;
  std::int64_t detail = 0;      // by kind; see whoever adds it
  Spent spent;                  // of the CPU where it matters: the task's, at a wakeup the target's
  std::int64_t batch_from = 0;  // waking, completed: end of the work ahead of it in the same softirq, 0: none
  std::uint64_t request = 0;    // issue, completed: number of the request in this capture, from 1
  std::int32_t pid = -1;        // whose; for interrupts the task they interrupted
  std::int32_t behind = -1;     // wakeup: the target CPU's current task then; softirq_entry: its vec
  std::int16_t cpu = -1;
  NodeKind kind{};
  Rule rule = Rule::none;
};

class History {
 public:
  explicit History(std::size_t capacity = std::size_t{1} << 17) : nodes_(capacity) {}  // a power of two

  NodeId add(const Node& node) {
    ++last_;
    nodes_[last_ & (nodes_.size() - 1)] = node;
    return static_cast<NodeId>(last_);
  }
  // nullptr once its place has been taken, and for none. Valid until the next add().
  const Node* find(NodeId id) const {
    const auto number = static_cast<std::uint64_t>(id);
    return number == 0 || number + nodes_.size() <= last_ ? nullptr : &nodes_[number & (nodes_.size() - 1)];
  }
  Node* find(NodeId id) { return const_cast<Node*>(std::as_const(*this).find(id)); }

 private:
  std::vector<Node> nodes_;
  std::uint64_t last_ = 0;
};

}  // namespace calibration
