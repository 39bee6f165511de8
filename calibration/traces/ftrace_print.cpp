#include "calibration/traces/ftrace_print.h"

#include <fmt/compile.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <span>
#include <string_view>

#include "calibration/traces/bpftrace_rows.h"

namespace calibration {
namespace {

// The wait gates' parameters, as their SYSCALL_DEFINEs name them, and the values of those past the fourth.
struct SyscallForm {
  std::string_view name;
  std::array<std::string_view, 6> parameters;  // up to the first empty one
  std::array<std::int64_t, 2> past_fourth;
};
constexpr std::array<SyscallForm, 5> syscall_forms{{
    {"epoll_wait", {"epfd", "events", "maxevents", "timeout"}, {}},
    {"epoll_pwait", {"epfd", "events", "maxevents", "timeout", "sigmask", "sigsetsize"}, {0, 8}},
    {"io_uring_enter", {"fd", "to_submit", "min_complete", "flags", "argp", "argsz"}, {0, 8}},
    {"nanosleep", {"rqtp", "rmtp"}, {}},
    {"clock_nanosleep", {"which_clock", "flags", "rqtp", "rmtp"}, {}},
}};
constexpr SyscallForm any_syscall{"", {"arg0", "arg1", "arg2", "arg3"}, {}};

const SyscallForm& form_of(std::string_view name) {
  const auto* const known = std::find_if(syscall_forms.begin(), syscall_forms.end(),
                                         [&](const SyscallForm& form) { return form.name == name; });
  return known == syscall_forms.end() ? any_syscall : *known;
}

char letter(TaskState state) {
  switch (state) {
    case TaskState::running:
      return 'R';
    case TaskState::interruptible:
      return 'S';
    case TaskState::uninterruptible:
      return 'D';
    case TaskState::idle:
      return 'I';
    case TaskState::other:
      break;
  }
  return 'X';
}

class Printer {
 public:
  Printer(fmt::memory_buffer& text, const Event& event, const Names& names, const FtracePrintOptions& options)
      : text_{text}, event_{event}, names_{names}, options_{options} {}

  void event();

 private:
  template <class Format, class... Args>
  void put(const Format& format, const Args&... args) {
    fmt::format_to(fmt::appender{text_}, format, args...);
  }
  std::string_view name(Name name) const { return names_.text(name); }

  void irq();
  void softirq();
  void network();
  void wakeup();
  void sched_switch();
  void block();
  void sys_enter();
  void function(Name function);
  void proposed();

  fmt::memory_buffer& text_;
  const Event& event_;
  const Names& names_;
  const FtracePrintOptions& options_;
};

void Printer::event() {
  switch (event_.kind) {
    case EventKind::irq_handler_entry:
    case EventKind::irq_handler_exit:
      return irq();
    case EventKind::softirq_raise:
    case EventKind::softirq_entry:
    case EventKind::softirq_exit:
      return softirq();
    case EventKind::napi_poll:
    case EventKind::netif_receive_skb:
    case EventKind::net_dev_xmit:
      return network();
    case EventKind::sched_waking:
    case EventKind::sched_wakeup:
    case EventKind::sched_wakeup_new:
      return wakeup();
    case EventKind::sched_migrate_task:
      return put(FMT_COMPILE("sched_migrate_task: comm={} pid={} prio={} orig_cpu={} dest_cpu={}"),
                 name(event_.migrate.comm), event_.migrate.pid, event_.migrate.prio, event_.migrate.orig_cpu,
                 event_.migrate.dest_cpu);
    case EventKind::sched_switch:
      return sched_switch();
    case EventKind::block_rq_insert:
    case EventKind::block_rq_issue:
    case EventKind::block_rq_complete:
      return block();
    case EventKind::io_uring_complete:  // the kernel's format ends in a space
      return put(
          FMT_COMPILE("io_uring_complete: ring {:016x}, req {:016x}, user_data {:#x}, result {}, cflags "
                      "0x0 extra1 0 extra2 0 "),
          event_.io_uring.ring, event_.io_uring.req, event_.io_uring.user_data, event_.io_uring.result);
    case EventKind::sys_enter:
      return sys_enter();
    case EventKind::sys_exit:
      return put(FMT_COMPILE("sys_{} -> {:#x}"), name(event_.sys_exit.name),
                 static_cast<std::uint64_t>(event_.sys_exit.ret));
    case EventKind::hrtimer_expire_entry:
      return put(FMT_COMPILE("hrtimer_expire_entry: hrtimer={:016x} function={} now={}"),
                 event_.hrtimer.hrtimer, name(event_.hrtimer.function), event_.hrtimer.now);
    case EventKind::cpu_idle:
      return put(FMT_COMPILE("cpu_idle: state={} cpu_id={}"), static_cast<std::uint32_t>(event_.idle.state),
                 event_.idle.cpu_id);
    case EventKind::ipi_send_cpu:
    case EventKind::agent_wakeup:
    case EventKind::lost:
    case EventKind::other:
      return proposed();
  }
}

void Printer::irq() {
  if (event_.kind == EventKind::irq_handler_entry) {
    put(FMT_COMPILE("irq_handler_entry: irq={} name={}"), event_.irq.irq, name(event_.irq.name));
  } else {
    put(FMT_COMPILE("irq_handler_exit: irq={} ret={}"), event_.irq.irq,
        event_.irq.handled ? std::string_view{"handled"} : "unhandled");
  }
}

void Printer::softirq() {
  put(FMT_COMPILE("{}: vec={} [action={}]"), to_string(event_.kind), event_.softirq.vec,
      softirq_name(event_.softirq.vec));
}

void Printer::network() {
  if (event_.kind == EventKind::napi_poll) {
    put(FMT_COMPILE("napi_poll: napi poll on napi struct {:016x} for device {} work {} budget {}"),
        event_.napi_poll.napi, name(event_.napi_poll.dev), event_.napi_poll.work, event_.napi_poll.budget);
    return;
  }
  put(FMT_COMPILE("{}: dev={} skbaddr={:016x} len={}"), to_string(event_.kind), name(event_.skb.dev),
      event_.skb.skbaddr, event_.skb.len);
  if (event_.kind == EventKind::net_dev_xmit) {
    put(FMT_COMPILE(" rc=0"));
  }
}

void Printer::wakeup() {
  const SchedWakeup& wakee = event_.wakeup;
  put(FMT_COMPILE("{}: comm={} pid={} prio={}"), to_string(event_.kind), name(wakee.comm), wakee.pid,
      wakee.prio);
  if (wakee.target_cpu >= 0) {
    put(FMT_COMPILE(" target_cpu={:03}"), wakee.target_cpu);
  }
}

void Printer::sched_switch() {
  const SchedSwitch& change = event_.sched_switch;
  put(FMT_COMPILE("sched_switch: prev_comm={} prev_pid={} prev_prio={} prev_state={}{} ==> next_comm={} "
                  "next_pid={} next_prio={}"),
      name(change.prev_comm), change.prev_pid, change.prev_prio, letter(change.prev_state),
      change.preempted ? std::string_view{"+"} : "", name(change.next_comm), change.next_pid,
      change.next_prio);
}

void Printer::block() {
  const BlockRq& rq = event_.block;
  const std::uint32_t major = rq.dev >> 20;
  const std::uint32_t minor = rq.dev & 0xfffff;
  if (event_.kind == EventKind::block_rq_complete) {
    put(FMT_COMPILE("block_rq_complete: {},{} {} () {} + {} be,0,4 [{}]"), major, minor, name(rq.rwbs),
        rq.sector, rq.sectors, rq.error);
  } else {
    put(FMT_COMPILE("{}: {},{} {} {} () {} + {} be,0,4 [{}]"), to_string(event_.kind), major, minor,
        name(rq.rwbs), rq.bytes, rq.sector, rq.sectors, name(rq.comm));
  }
}

void Printer::sys_enter() {
  const std::string_view call = name(event_.sys_enter.name);
  const std::array<std::int64_t, 4>& known = event_.sys_enter.args;
  const SyscallForm& form = form_of(call);
  put(FMT_COMPILE("sys_{}("), call);
  for (std::size_t i = 0; i < form.parameters.size() && !form.parameters[i].empty(); ++i) {
    auto value = static_cast<std::uint64_t>(i < known.size() ? known[i] : form.past_fourth[i - known.size()]);
    if (form.parameters[i] == "timeout") {
      value = static_cast<std::uint32_t>(value);  // an int: the register's upper half is clear
    }
    const bool bare = value < 10 || !options_.hex_prefix;  // single digits never have the prefix
    put(FMT_COMPILE("{}{}: {}{:x}"), i == 0 ? std::string_view{} : ", ", form.parameters[i],
        bare ? std::string_view{} : "0x", value);
  }
  text_.push_back(')');
}

void Printer::function(Name function) {
  if (function == Name::none) {
    put(FMT_COMPILE("0x0"));
  } else {
    put(FMT_COMPILE("{}"), name(function));
  }
}

void Printer::proposed() {
  if (event_.kind == EventKind::ipi_send_cpu) {
    put(FMT_COMPILE("ipi_send_cpu: cpu={} callsite="), event_.ipi.cpu);
    function(event_.ipi.callsite);
    put(FMT_COMPILE(" callback="));
    function(event_.ipi.callback);
  } else if (event_.kind == EventKind::agent_wakeup) {
    const AgentWakeup& wakeup = event_.agent_wakeup;
    put(FMT_COMPILE("agent_wakeup: pid={} agent_id={} step_id={} latency_class={} source={} cookie={}"),
        wakeup.pid, wakeup.agent_id, wakeup.step_id, wakeup.latency_class, name(wakeup.source),
        wakeup.cookie);
  } else if (event_.kind == EventKind::other) {
    put(FMT_COMPILE("{}: "), name(event_.other.name));
  }
}

}  // namespace

void print_event(fmt::memory_buffer& text, const Event& event, const Names& names,
                 const FtracePrintOptions& options) {
  Printer{text, event, names, options}.event();
}

}  // namespace calibration
