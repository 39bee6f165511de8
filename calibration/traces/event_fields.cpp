#include "calibration/traces/event_fields.h"

namespace calibration {
namespace {

// %p: hashed or not, with 0x in some formats; a null pointer may be spelled.
bool pointer(TextScan& text, std::uint64_t& value) {
  value = 0;
  return text.hex(value) || text.literal("(null)");
}

// Behind a counter's name in perf script ("cycles:ppp: "), where a tracepoint has its own behind its group's.
bool is_modifiers(std::string_view text) {
  return text.find_first_not_of("ukhGHpPSDeIWb") == std::string_view::npos;
}

// Lines of ftrace without a tracepoint's name, by the tracer that prints them; "" for what is none of them.
std::string_view other_tracer(std::string_view text, std::string_view after_word) {
  if (after_word.starts_with(" <-")) {  // "schedule <-do_nanosleep"
    return "function";
  }
  if (text.starts_with("<stack trace>") || text.starts_with("<user stack trace>")) {
    return "kernel_stack";
  }
  if (text.starts_with("#") && text.ends_with(" ns") &&
      text.find("timer_latency") != std::string_view::npos) {
    return "timerlat";
  }
  const bool numbers = !text.empty() && text.find_first_not_of("0123456789. ") == std::string_view::npos;
  return numbers ? "osnoise" : "";
}

}  // namespace

EventFields::Point EventFields::point(std::string_view name) {
  if (const Point* known = points_.find(name)) {
    return *known;
  }
  Point made;
  for (std::size_t i = 0; i < static_cast<std::size_t>(EventKind::lost); ++i) {
    if (name == to_string(static_cast<EventKind>(i))) {
      made.kind = static_cast<EventKind>(i);
    }
  }
  if (made.kind == EventKind::other) {
    const bool enter = name.starts_with("sys_enter_");
    const bool exit = name.starts_with("sys_exit_");
    const std::string_view call = enter ? name.substr(10) : exit ? name.substr(9) : name;
    made = {.kind = enter  ? EventKind::sys_enter
                    : exit ? EventKind::sys_exit
                           : EventKind::other,
            .call = enter || exit ? syscall_of(call) : Syscall::other,
            .name = names_.intern(call)};
  }
  points_.keep(name, made);
  return made;
}

bool EventFields::read(std::string_view text, Event& event) {
  TextScan scan{text};
  std::string_view name = scan.name();
  if (scan.next_is(':')) {
    ++scan.at;
    if (!scan.next_is(' ') && !scan.done()) {
      const std::string_view second = scan.until(':');  // "sched:sched_switch: ..."
      scan.literal(":");
      name = is_modifiers(second) ? name : second;
    }
    return !name.empty() && read(name, scan.rest(), event);
  }
  if (name.starts_with("sys_")) {
    return syscall_text(text, event);
  }
  const std::string_view tracer = other_tracer(text, scan.rest());
  event.kind = EventKind::other;
  event.other = {names_.intern(tracer)};
  return !tracer.empty();
}

bool EventFields::read(std::string_view name, std::string_view payload_text, Event& event) {
  if (const auto group = name.find(':'); group != std::string_view::npos) [[unlikely]] {
    name.remove_prefix(group + 1);
  }
  const Point made = point(name);
  event.kind = made.kind;
  return payload(made, TextScan{trimmed(payload_text)}, event);
}

bool EventFields::payload(const Point& made, TextScan text, Event& event) {
  switch (event.kind) {
    case EventKind::sched_switch:
      return sched_switch(text, event.sched_switch = {});
    case EventKind::sched_waking:
    case EventKind::sched_wakeup:
    case EventKind::sched_wakeup_new:
      return wakeup(text, event.wakeup = {});
    case EventKind::sched_migrate_task:
      return migrate(text, event.migrate = {});
    case EventKind::softirq_raise:
    case EventKind::softirq_entry:
    case EventKind::softirq_exit:
      event.softirq = {};
      return text.literal("vec=") && text.number(event.softirq.vec);
    case EventKind::irq_handler_entry:
    case EventKind::irq_handler_exit:
      return irq(text, event.kind == EventKind::irq_handler_entry, event.irq = {});
    case EventKind::napi_poll:
      return napi_poll(text, event.napi_poll = {});
    case EventKind::netif_receive_skb:
    case EventKind::net_dev_xmit:
      return skb(text, event.skb = {});
    case EventKind::block_rq_insert:
    case EventKind::block_rq_issue:
    case EventKind::block_rq_complete:
      return block(text, event.kind, event.block = {});
    case EventKind::io_uring_complete:
      return io_uring(text, event.io_uring = {});
    case EventKind::sys_enter:
      return sys_enter(made, text, event.sys_enter = {});
    case EventKind::sys_exit:
      return sys_exit(made, text, event.sys_exit = {});
    case EventKind::hrtimer_expire_entry:
      return hrtimer(text, event.hrtimer = {});
    case EventKind::cpu_idle: {
      event.idle = {};
      std::uint32_t state = 0;
      const bool read = text.literal("state=") && text.number(state) && text.literal(" cpu_id=") &&
                        scan_cpu(text, event.idle.cpu_id);
      event.idle.state = static_cast<std::int32_t>(state);
      return read;
    }
    case EventKind::ipi_send_cpu:
      return ipi(text, event.ipi = {});
    case EventKind::agent_wakeup:
      return agent_wakeup(text, event.agent_wakeup = {});
    case EventKind::lost:
    case EventKind::other:
      break;
  }
  event.other = {made.name};
  return true;
}

bool EventFields::irq(TextScan text, bool entry, IrqHandler& fields) {
  if (!text.literal("irq=") || !text.number(fields.irq)) {
    return false;
  }
  if (!entry) {
    fields.handled = text.literal(" ret=handled");
    return fields.handled || text.literal(" ret=unhandled");
  }
  // Before 2.6.31 with handler=name, and in perf's own words name=name.
  if (!text.literal(" name=") && !text.literal(" handler=")) {
    return false;
  }
  fields.name = names_.intern(text.rest());
  return true;
}

// Before 4.9 without work and budget, which then are -1.
bool EventFields::napi_poll(TextScan text, NapiPoll& fields) {
  if (!text.literal("napi poll on napi struct ") || !pointer(text, fields.napi) ||
      !text.literal(" for device ")) {
    return false;
  }
  fields.dev = names_.intern(text.word());
  fields.work = fields.budget = -1;
  return text.done() || (text.literal(" work ") && text.number(fields.work) && text.literal(" budget ") &&
                         text.number(fields.budget));
}

bool EventFields::skb(TextScan text, Skb& fields) {
  if (!text.literal("dev=")) {
    return false;
  }
  fields.dev = names_.intern(text.word());
  return text.literal(" skbaddr=") && pointer(text, fields.skbaddr) && text.literal(" len=") &&
         text.number(fields.len);
}

// "259,0 WS 4096 () 498455480 + 8 be,0,4 [fio]"; complete has no bytes, and [error] at the end. The priority
// came with 6.5. A SCSI command in the parentheses is passed over.
bool EventFields::block(TextScan text, EventKind kind, BlockRq& fields) {
  std::uint32_t major = 0;
  std::uint32_t minor = 0;
  if (!text.number(major) || !text.literal(",") || !text.number(minor) || !text.literal(" ") ||
      major >= 1u << 12 || minor >= 1u << 20) {
    return false;
  }
  fields.dev = major << 20 | minor;
  fields.rwbs = names_.intern(text.word());
  const bool complete = kind == EventKind::block_rq_complete;
  if (!complete && (!text.literal(" ") || !text.number(fields.bytes))) {
    return false;
  }
  if (!text.literal(" (")) {
    return false;
  }
  text.until(')');
  if (!text.literal(") ") || !text.number(fields.sector) || !text.literal(" + ") ||
      !text.number(fields.sectors)) {
    return false;
  }
  text.until('[');
  if (!text.literal("[") || text.end[-1] != ']') {
    return false;
  }
  --text.end;
  if (complete) {
    return text.number(fields.error) && text.done();
  }
  fields.comm = names_.intern(text.rest());
  return true;
}

// 5.x has no req.
bool EventFields::io_uring(TextScan text, IoUringComplete& fields) {
  if (!text.literal("ring ") || !pointer(text, fields.ring)) {
    return false;
  }
  if (text.literal(", req ") && !pointer(text, fields.req)) {
    return false;
  }
  return text.literal(", user_data ") && text.hex(fields.user_data) && text.literal(", result ") &&
         text.number(fields.result);
}

bool EventFields::hrtimer(TextScan text, HrtimerExpire& fields) {
  if (!text.literal("hrtimer=") || !pointer(text, fields.hrtimer) || !text.literal(" function=")) {
    return false;
  }
  fields.function = function(text.word());
  return text.literal(" now=") && text.number(fields.now);
}

bool EventFields::ipi(TextScan text, IpiSendCpu& fields) {
  if (!text.literal("cpu=") || !scan_cpu(text, fields.cpu) || !text.literal(" callsite=")) {
    return false;
  }
  fields.callsite = function(text.word());
  if (!text.past(" callback=")) {  // a callsite in a module: "f+0x1/0x2 [nvme]"
    return false;
  }
  fields.callback = function(text.word());
  return true;
}

// A symbol without its offset: "ttwu_queue_wakelist+0xe9/0xf0", and "hrtimer_wakeup/0x0" from trace-cmd.
Name EventFields::function(std::string_view symbol) {
  if (symbol == "0x0" || symbol == "(null)") {
    return Name::none;
  }
  return names_.intern(symbol.substr(0, symbol.find_first_of("+/")));
}

bool EventFields::agent_wakeup(TextScan text, AgentWakeup& fields) {
  if (!text.literal("pid=") || !scan_pid(text, fields.pid) || !text.literal(" agent_id=") ||
      !text.number(fields.agent_id) || !text.literal(" step_id=") || !text.number(fields.step_id) ||
      !(text.literal(" class=") || text.literal(" latency_class=")) || !text.number(fields.latency_class) ||
      !text.literal(" source=")) {
    return false;
  }
  fields.source = names_.intern(text.word());
  return text.literal(" cookie=") && text.number(fields.cookie);
}

}  // namespace calibration
