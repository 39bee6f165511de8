// One event of a capture: a kernel tracepoint with the kernel's names and fields. READ THIS FIRST in this
// folder: every reader makes these, whatever the format; every analysis and every writer takes them, whether
// they were captured or simulated.
//
//   text, trace.dat, CTF, bpftrace ──► EventReader ──┐
//   a simulated run ───────────────► simulated_event ┴─► Event ──► analysis, ftrace text, Perfetto
//
// Models:   include/trace/events/{irq,napi,net,skb,sched,block,io_uring,timer,power,ipi,syscalls}.h (6.12).
//           agent_wakeup is the proposal's patch 3/8: the wakeup of a task by a completion that carries an
//           agent_latency_ctx.
// Left out: fields that nothing here needs (extra1, extra2, skb details). A tracepoint without a kind of its
//           own is `other` and keeps its name.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace calibration {

// A text that occurs again and again (task names, drivers, functions), kept once in a Names.
enum class Name : std::uint32_t { none = 0 };

// Bounded: after max_names different texts every further one is `overflow`, which reads "(too many names)".
class Names {
 public:
  static constexpr std::size_t max_names = 1 << 20;

  Names();
  Name intern(std::string_view text);      // text is cut at 255 bytes
  std::string_view text(Name name) const;  // "" for none
  Name find(std::string_view text) const;  // none when it never occurred
  std::size_t size() const { return texts_.size(); }
  std::uint64_t overflowed() const { return overflowed_; }

 private:
  struct Hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const { return std::hash<std::string_view>{}(text); }
  };
  std::vector<std::string_view> texts_;  // into the keys of index_, which do not move
  std::unordered_map<std::string, Name, Hash, std::equal_to<>> index_;
  std::uint64_t overflowed_ = 0;
};

enum class EventKind : std::uint8_t {
  irq_handler_entry,
  irq_handler_exit,
  softirq_raise,
  softirq_entry,
  softirq_exit,
  napi_poll,
  netif_receive_skb,
  net_dev_xmit,
  sched_waking,
  sched_wakeup,
  sched_wakeup_new,
  sched_migrate_task,
  sched_switch,
  block_rq_insert,
  block_rq_issue,
  block_rq_complete,
  io_uring_complete,
  sys_enter,
  sys_exit,
  hrtimer_expire_entry,
  cpu_idle,
  ipi_send_cpu,
  agent_wakeup,
  lost,   // the tracer lost events here, on this CPU (or, cpu -1, somewhere)
  other,  // any other tracepoint
};
inline constexpr std::size_t event_kinds = static_cast<std::size_t>(EventKind::other) + 1;
std::string_view to_string(EventKind kind);  // the tracepoint's name, "sched_switch"

// The system calls that are wait gates; `other` for all the rest.
enum class Syscall : std::int32_t { other, epoll_wait, io_uring_enter, nanosleep };

struct IrqHandler {  // entry and exit
  std::int32_t irq;
  Name name;     // of the handler; none at the exit
  bool handled;  // at the exit
};
struct SoftirqVec {  // raise, entry, exit
  std::int32_t vec;  // 0 HI .. 9 RCU
};
struct NapiPoll {
  std::uint64_t napi;  // address (hashed or not): one object has one value
  Name dev;            // "(no_device)" for a CPU's backlog
  std::int32_t work;
  std::int32_t budget;
};
struct Skb {  // netif_receive_skb, net_dev_xmit
  std::uint64_t skbaddr;
  Name dev;
  std::int32_t len;
};
struct SchedWakeup {  // sched_waking, sched_wakeup, sched_wakeup_new
  Name comm;
  std::int32_t pid;
  std::int32_t prio;        // 120 + nice; 0..99 realtime
  std::int32_t target_cpu;  // -1: not said
};
struct SchedMigrateTask {
  Name comm;
  std::int32_t pid;
  std::int32_t prio;
  std::int32_t orig_cpu;
  std::int32_t dest_cpu;
};
// prev_state as include/trace/events/sched.h prints it, without the + of a preemption.
enum class TaskState : std::uint8_t { running, interruptible, uninterruptible, idle, other };
struct SchedSwitch {
  Name prev_comm;
  std::int32_t prev_pid;
  std::int32_t prev_prio;
  TaskState prev_state;  // R S D I; every other letter is `other` (asleep or dead)
  bool preempted;        // "R+": preempted inside the kernel
  Name next_comm;
  std::int32_t next_pid;
  std::int32_t next_prio;
};
struct BlockRq {  // insert, issue, complete
  std::uint64_t sector;
  std::uint32_t dev;      // major << 20 | minor
  std::uint32_t sectors;  // of 512 bytes
  std::uint32_t bytes;    // at insert and issue
  Name rwbs;              // "RS", "WFS", ...
  Name comm;              // who issued it; none at completion
  std::int32_t error;     // at completion
};
struct IoUringComplete {
  std::uint64_t ring;
  std::uint64_t req;
  std::uint64_t user_data;
  std::int64_t result;
};
struct SyscallEnter {
  Syscall call;
  Name name;                         // "epoll_wait"
  std::array<std::int64_t, 4> args;  // as many as the format shows, from the first; then 0
};
struct SyscallExit {
  Syscall call;
  Name name;
  std::int64_t ret;
};
struct HrtimerExpire {
  std::uint64_t hrtimer;  // address
  Name function;          // "hrtimer_wakeup", "tick_nohz_handler"
  std::int64_t now;       // the clock's reading that the kernel took, ns
};
struct CpuIdle {
  std::int32_t state;  // -1: exit (the kernel prints 4294967295)
  std::int32_t cpu_id;
};
struct IpiSendCpu {
  std::int32_t cpu;  // the receiver
  Name callsite;     // without offsets: "ttwu_queue_wakelist"
  Name callback;
};
struct AgentWakeup {  // proposal, patch 3/8; fires just after the sched_waking that it explains
  std::int32_t pid;
  std::int32_t agent_id;
  std::int32_t step_id;
  std::uint8_t latency_class;  // models::LatencyClass
  Name source;                 // "timer", "block", "net"
  std::uint64_t cookie;        // what completed: hrtimer, sector, or the sending task's pid
};
struct LostEvents {
  std::uint64_t count;  // 0: unknown
};
struct OtherEvent {
  Name name;
};

// Where the CPU was when the event fired (the flags column of ftrace's text).
struct EventFlags {
  bool known = false;  // the format has no such column
  bool irqs_off = false;
  bool bh_off = false;
  bool need_resched = false;
  bool hardirq = false;  // with softirq: a hardirq that interrupted a softirq
  bool softirq = false;
  std::uint8_t preempt_depth = 0;
};

struct Event {
  std::int64_t time = 0;  // ns, by the capture's own clock
  std::int32_t cpu = -1;  // -1: the format does not say
  std::int32_t pid = -1;  // the task that the CPU runs or has interrupted; 0 idle, -1 not said
  Name comm = Name::none;
  EventFlags flags;
  EventKind kind = EventKind::other;
  union {  // by kind
    OtherEvent other{};
    IrqHandler irq;
    SoftirqVec softirq;
    NapiPoll napi_poll;
    Skb skb;
    SchedWakeup wakeup;
    SchedMigrateTask migrate;
    SchedSwitch sched_switch;
    BlockRq block;
    IoUringComplete io_uring;
    SyscallEnter sys_enter;
    SyscallExit sys_exit;
    HrtimerExpire hrtimer;
    CpuIdle idle;
    IpiSendCpu ipi;
    AgentWakeup agent_wakeup;
    LostEvents lost;
  };
};

// Which kinds of events use which member of the union, and the fields' names: calls field(name, value) for
// every field of `event`, in the kernel's order. Values are integers, bool, Name, TaskState or Syscall.
template <class Visitor>
void fields(const Event& event, Visitor&& field) {
  switch (event.kind) {
    case EventKind::irq_handler_entry:
      field("irq", event.irq.irq);
      field("name", event.irq.name);
      break;
    case EventKind::irq_handler_exit:
      field("irq", event.irq.irq);
      field("handled", event.irq.handled);
      break;
    case EventKind::softirq_raise:
    case EventKind::softirq_entry:
    case EventKind::softirq_exit:
      field("vec", event.softirq.vec);
      break;
    case EventKind::napi_poll:
      field("napi", event.napi_poll.napi);
      field("dev_name", event.napi_poll.dev);
      field("work", event.napi_poll.work);
      field("budget", event.napi_poll.budget);
      break;
    case EventKind::netif_receive_skb:
    case EventKind::net_dev_xmit:
      field("name", event.skb.dev);
      field("skbaddr", event.skb.skbaddr);
      field("len", event.skb.len);
      break;
    case EventKind::sched_waking:
    case EventKind::sched_wakeup:
    case EventKind::sched_wakeup_new:
      field("comm", event.wakeup.comm);
      field("pid", event.wakeup.pid);
      field("prio", event.wakeup.prio);
      field("target_cpu", event.wakeup.target_cpu);
      break;
    case EventKind::sched_migrate_task:
      field("comm", event.migrate.comm);
      field("pid", event.migrate.pid);
      field("prio", event.migrate.prio);
      field("orig_cpu", event.migrate.orig_cpu);
      field("dest_cpu", event.migrate.dest_cpu);
      break;
    case EventKind::sched_switch:
      field("prev_comm", event.sched_switch.prev_comm);
      field("prev_pid", event.sched_switch.prev_pid);
      field("prev_prio", event.sched_switch.prev_prio);
      field("prev_state", event.sched_switch.prev_state);
      field("next_comm", event.sched_switch.next_comm);
      field("next_pid", event.sched_switch.next_pid);
      field("next_prio", event.sched_switch.next_prio);
      break;
    case EventKind::block_rq_insert:
    case EventKind::block_rq_issue:
    case EventKind::block_rq_complete:
      field("dev", event.block.dev);
      field("rwbs", event.block.rwbs);
      field("bytes", event.block.bytes);
      field("sector", event.block.sector);
      field("nr_sector", event.block.sectors);
      field("comm", event.block.comm);
      field("error", event.block.error);
      break;
    case EventKind::io_uring_complete:
      field("ctx", event.io_uring.ring);
      field("req", event.io_uring.req);
      field("user_data", event.io_uring.user_data);
      field("res", event.io_uring.result);
      break;
    case EventKind::sys_enter:
      field("call", event.sys_enter.call);
      field("name", event.sys_enter.name);
      break;
    case EventKind::sys_exit:
      field("call", event.sys_exit.call);
      field("name", event.sys_exit.name);
      field("ret", event.sys_exit.ret);
      break;
    case EventKind::hrtimer_expire_entry:
      field("hrtimer", event.hrtimer.hrtimer);
      field("function", event.hrtimer.function);
      field("now", event.hrtimer.now);
      break;
    case EventKind::cpu_idle:
      field("state", event.idle.state);
      field("cpu_id", event.idle.cpu_id);
      break;
    case EventKind::ipi_send_cpu:
      field("cpu", event.ipi.cpu);
      field("callsite", event.ipi.callsite);
      field("callback", event.ipi.callback);
      break;
    case EventKind::agent_wakeup:
      field("pid", event.agent_wakeup.pid);
      field("agent_id", event.agent_wakeup.agent_id);
      field("step_id", event.agent_wakeup.step_id);
      field("latency_class", event.agent_wakeup.latency_class);
      field("source", event.agent_wakeup.source);
      field("cookie", event.agent_wakeup.cookie);
      break;
    case EventKind::lost:
      field("count", event.lost.count);
      break;
    case EventKind::other:
      field("name", event.other.name);
      break;
  }
}

}  // namespace calibration
