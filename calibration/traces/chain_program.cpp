#include "calibration/traces/chain_program.h"

#include <charconv>
#include <cstring>
#include <string>

#include "calibration/traces/event_fields.h"
#include "sim/check.h"

namespace calibration {
namespace {

using enum EventKind;
constexpr auto task = ChainFilter::task;
constexpr auto device = ChainFilter::device;
constexpr auto unfiltered = ChainFilter::none;

// In this order they are attached; codes are never reused. User addresses among a system call's arguments are
// not kept.
constexpr std::array points{
    ChainPoint{1, irq_handler_entry, "irq:irq_handler_entry", {{{"", "irq"}}}, "name"},
    ChainPoint{2, irq_handler_exit, "irq:irq_handler_exit", {{{"", "irq"}, {"", "ret"}}}, ""},
    ChainPoint{3, softirq_raise, "irq:softirq_raise", {{{"", "vec"}}}, ""},
    ChainPoint{4, softirq_entry, "irq:softirq_entry", {{{"", "vec"}}}, ""},
    ChainPoint{5, softirq_exit, "irq:softirq_exit", {{{"", "vec"}}}, ""},
    ChainPoint{6, napi_poll, "napi:napi_poll", {{{"", "napi"}, {"work", "budget"}}}, "dev_name"},
    ChainPoint{7, netif_receive_skb, "net:netif_receive_skb", {{{"", "skbaddr"}, {"", "len"}}}, "name"},
    ChainPoint{8, sched_waking, "sched:sched_waking", {{{"pid", "prio"}, {"", "target_cpu"}}}, "comm"},
    ChainPoint{9, sched_wakeup, "sched:sched_wakeup", {{{"pid", "prio"}, {"", "target_cpu"}}}, "comm"},
    ChainPoint{
        10, sched_wakeup_new, "sched:sched_wakeup_new", {{{"pid", "prio"}, {"", "target_cpu"}}}, "comm"},
    ChainPoint{11,
               sched_migrate_task,
               "sched:sched_migrate_task",
               {{{"pid", "prio"}, {"orig_cpu", "dest_cpu"}}},
               "comm"},
    ChainPoint{12,
               sched_switch,
               "sched:sched_switch",
               {{{"prev_pid", "next_pid"}, {"prev_prio", "next_prio"}, {"", "prev_state"}}},
               "next_comm"},
    ChainPoint{13,
               block_rq_issue,
               "block:block_rq_issue",
               {{{"dev", "nr_sector"}, {"", "sector"}, {"", "bytes"}}},
               "rwbs",
               device,
               true},
    ChainPoint{14,
               block_rq_complete,
               "block:block_rq_complete",
               {{{"dev", "nr_sector"}, {"", "sector"}, {"", "error"}}},
               "rwbs",
               device,
               true},
    ChainPoint{15,
               io_uring_complete,
               "io_uring:io_uring_complete",
               {{{"", "ctx"}, {"", "req"}, {"", "user_data"}, {"", "res"}}},
               "",
               unfiltered,
               true},
    ChainPoint{16,
               sys_enter,
               "syscalls:sys_enter_epoll_wait",
               {{{"", "epfd"}, {"", ""}, {"", "maxevents"}, {"", "timeout"}}},
               "",
               task},
    ChainPoint{17, sys_exit, "syscalls:sys_exit_epoll_wait", {{{"", "ret"}}}, "", task},
    ChainPoint{18,
               sys_enter,
               "syscalls:sys_enter_epoll_pwait",
               {{{"", "epfd"}, {"", ""}, {"", "maxevents"}, {"", "timeout"}}},
               "",
               task},
    ChainPoint{19, sys_exit, "syscalls:sys_exit_epoll_pwait", {{{"", "ret"}}}, "", task},
    ChainPoint{20,
               sys_enter,
               "syscalls:sys_enter_epoll_pwait2",
               {{{"", "epfd"}, {"", ""}, {"", "maxevents"}}},
               "",
               task,
               true},
    ChainPoint{21, sys_exit, "syscalls:sys_exit_epoll_pwait2", {{{"", "ret"}}}, "", task, true},
    ChainPoint{22,
               sys_enter,
               "syscalls:sys_enter_io_uring_enter",
               {{{"", "fd"}, {"", "to_submit"}, {"", "min_complete"}, {"", "flags"}}},
               "",
               task,
               true},
    ChainPoint{23, sys_exit, "syscalls:sys_exit_io_uring_enter", {{{"", "ret"}}}, "", task, true},
    ChainPoint{24, sys_enter, "syscalls:sys_enter_nanosleep", {}, "", task},
    ChainPoint{25, sys_exit, "syscalls:sys_exit_nanosleep", {{{"", "ret"}}}, "", task},
    ChainPoint{26,
               sys_enter,
               "syscalls:sys_enter_clock_nanosleep",
               {{{"", "which_clock"}, {"", "flags"}}},
               "",
               task},
    ChainPoint{27, sys_exit, "syscalls:sys_exit_clock_nanosleep", {{{"", "ret"}}}, "", task},
    ChainPoint{28,
               hrtimer_expire_entry,
               "timer:hrtimer_expire_entry",
               {{{"", "hrtimer"}, {"", "function"}, {"", "now"}}},
               ""},
    ChainPoint{30, cpu_idle, "power:cpu_idle", {{{"state", "cpu_id"}}}, "", unfiltered, true},
    ChainPoint{31,
               ipi_send_cpu,
               "ipi:ipi_send_cpu",
               {{{"", "cpu"}, {"", "callsite"}, {"", "callback"}}},
               "",
               unfiltered,
               true},
    ChainPoint{32, other, "sched:sched_process_fork", {{{"parent_pid", "child_pid"}}}, ""},
    ChainPoint{33, other, "irq_vectors:local_timer_entry", {}, "", unfiltered, true},
    ChainPoint{34, other, "irq_vectors:local_timer_exit", {}, "", unfiltered, true},
    ChainPoint{35, other, "irq_vectors:reschedule_entry", {}, "", unfiltered, true},
    ChainPoint{36, other, "irq_vectors:reschedule_exit", {}, "", unfiltered, true},
    ChainPoint{37, other, "irq_vectors:call_function_entry", {}, "", unfiltered, true},
    ChainPoint{38, other, "irq_vectors:call_function_exit", {}, "", unfiltered, true},
    ChainPoint{39, other, "irq_vectors:call_function_single_entry", {}, "", unfiltered, true},
    ChainPoint{40, other, "irq_vectors:call_function_single_exit", {}, "", unfiltered, true},
};

std::int32_t low(std::uint64_t word) { return static_cast<std::int32_t>(static_cast<std::uint32_t>(word)); }
std::int32_t high(std::uint64_t word) { return low(word >> 32); }
std::int64_t whole(std::uint64_t word) { return static_cast<std::int64_t>(word); }

Name function_at(std::uint64_t address, Names& names) {
  std::array<char, 2 + 16> text{'0', 'x'};
  const auto written = std::to_chars(text.data() + 2, text.data() + text.size(), address, 16);
  return names.intern({text.data(), static_cast<std::size_t>(written.ptr - text.data())});
}

void decode_syscall(const ChainRow& row, const ChainPoint& point, Event& event, Names& names) {
  std::string_view call = name_of(point);
  call.remove_prefix(point.kind == sys_enter ? std::string_view{"sys_enter_"}.size()
                                             : std::string_view{"sys_exit_"}.size());
  const Name name = names.intern(call);
  const Syscall gate = syscall_of(call);
  if (point.kind == sys_exit) {
    event.sys_exit = {.call = gate, .name = name, .ret = whole(row.words[0])};
    return;
  }
  event.sys_enter = {.call = gate, .name = name, .args = {}};
  for (std::size_t i = 0; i < row.words.size(); ++i) {
    event.sys_enter.args[i] = low(row.words[i]);
  }
}

}  // namespace

std::span<const ChainPoint> chain_points() { return points; }

const ChainPoint* chain_point(std::uint8_t code) {
  static constexpr std::array<std::uint8_t, 256> places = [] {
    std::array<std::uint8_t, 256> by_code{};
    for (std::size_t i = 0; i < points.size(); ++i) {
      by_code[points[i].code] = static_cast<std::uint8_t>(i + 1);
    }
    return by_code;
  }();
  return places[code] == 0 ? nullptr : &points[places[code] - 1U];
}

std::string_view name_of(const ChainPoint& point) {
  return point.tracepoint.substr(point.tracepoint.find(':') + 1);
}

std::string_view ChainRow::text_view() const { return {text.data(), ::strnlen(text.data(), text.size())}; }

Event decode(const ChainRow& row, Names& names) {
  const ChainPoint* point = chain_point(row.code);
  sim::check(point != nullptr, "only rows of known points are decoded");
  const auto& [a, b, c, d] = row.words;
  Event event;
  event.time = row.time;
  event.cpu = row.cpu;
  event.pid = row.tid;
  event.kind = point->kind;
  const Name text = names.intern(row.text_view());
  switch (point->kind) {
    case irq_handler_entry:
      event.irq = {.irq = low(a), .name = text, .handled = false};
      break;
    case irq_handler_exit:
      event.irq = {.irq = low(a), .name = Name::none, .handled = b != 0};
      break;
    case softirq_raise:
    case softirq_entry:
    case softirq_exit:
      event.softirq = {.vec = low(a)};
      break;
    case napi_poll:
      event.napi_poll = {.napi = a, .dev = text, .work = high(b), .budget = low(b)};
      break;
    case netif_receive_skb:
      event.skb = {.skbaddr = a, .dev = text, .len = low(b)};
      break;
    case sched_waking:
    case sched_wakeup:
    case sched_wakeup_new:
      event.wakeup = {.comm = text, .pid = high(a), .prio = low(a), .target_cpu = low(b)};
      break;
    case sched_migrate_task:
      event.migrate = {.comm = text, .pid = high(a), .prio = low(a), .orig_cpu = high(b), .dest_cpu = low(b)};
      break;
    case sched_switch:
      event.sched_switch = {.prev_comm = Name::none,
                            .prev_pid = high(a),
                            .prev_prio = high(b),
                            .prev_state = TaskState::running,
                            .preempted = false,
                            .next_comm = text,
                            .next_pid = low(a),
                            .next_prio = low(b)};
      event.sched_switch.prev_state = task_state(c, event.sched_switch.preempted);
      break;
    case block_rq_issue:
    case block_rq_complete:
      event.block = {.sector = b,
                     .dev = static_cast<std::uint32_t>(high(a)),
                     .sectors = static_cast<std::uint32_t>(low(a)),
                     .bytes = point->kind == block_rq_issue ? static_cast<std::uint32_t>(low(c)) : 0,
                     .rwbs = text,
                     .comm = Name::none,
                     .error = point->kind == block_rq_complete ? low(c) : 0};
      break;
    case io_uring_complete:
      event.io_uring = {.ring = a, .req = b, .user_data = c, .result = low(d)};
      break;
    case sys_enter:
    case sys_exit:
      decode_syscall(row, *point, event, names);
      break;
    case hrtimer_expire_entry:
      event.hrtimer = {.hrtimer = a, .function = function_at(b, names), .now = whole(c)};
      break;
    case cpu_idle:
      event.idle = {.state = high(a), .cpu_id = low(a)};
      break;
    case ipi_send_cpu:
      event.ipi = {.cpu = low(a), .callsite = function_at(b, names), .callback = function_at(c, names)};
      break;
    default:
      event.other = {.name = names.intern(name_of(*point))};
      break;
  }
  return event;
}

}  // namespace calibration
