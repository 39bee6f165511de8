#include "calibration/traces/ctf_records.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <limits>
#include <string>

#include "calibration/traces/event_fields.h"

namespace calibration {
namespace {

constexpr std::int32_t max_rt_prio = 100;          // MAX_RT_PRIO, which LTTng subtracts
constexpr std::int32_t highest_shifted_prio = 39;  // nice 19
constexpr std::size_t most_tasks = 1 << 20;

}  // namespace

void CtfRecords::read(const ::bt_event* record, std::int64_t time, std::int32_t cpu, Event& event) {
  const CtfPoint& made = point(::bt_event_borrow_class_const(record));
  event.time = time;
  event.cpu = cpu;
  event.flags = {};
  event.kind = made.kind;
  task(made, record, event);
  payload(made, ::bt_event_borrow_payload_field_const(record), event);
  follow(made, event);
}

// Who runs on this CPU, as far as it was said.
void CtfRecords::task(const CtfPoint& made, const ::bt_event* record, Event& event) {
  const auto cpu = static_cast<std::size_t>(event.cpu);
  const Task known = event.cpu >= 0 && cpu < current_.size() ? current_[cpu] : Task{};
  event.pid = known.pid;
  event.comm = known.comm;
  if (made.tid.type == CtfField::Type::absent) {
    return;
  }
  const ::bt_field* const context = ::bt_event_borrow_common_context_field_const(record);
  event.pid = number32(made.tid, context);
  if (made.procname.type == CtfField::Type::text) {
    event.comm = text(made.procname, context);
  } else if (event.pid != known.pid) {
    event.comm = Name::none;
  }
}

void CtfRecords::follow(const CtfPoint& made, Event& event) {
  if (event.kind == EventKind::sched_switch) {
    event.pid = event.sched_switch.prev_pid;
    event.comm = event.sched_switch.prev_comm;
    if (event.cpu >= 0 && event.cpu <= max_cpu) {
      const auto cpu = static_cast<std::size_t>(event.cpu);
      current_.resize(std::max(current_.size(), cpu + 1));
      current_[cpu] = {event.sched_switch.next_pid, event.sched_switch.next_comm};
    }
  } else if (event.kind == EventKind::sys_enter) {
    last_call(event) = {event.sys_enter.call, event.sys_enter.name};
  } else if (made.exit_syscall) {
    Call& last = last_call(event);
    event.sys_exit.call = last.call;
    event.sys_exit.name = last.name;
    last = {};  // a second exit without an entry is of a call that began before the trace
  }
}

// By task; where that is not known, by CPU.
CtfRecords::Call& CtfRecords::last_call(const Event& event) {
  if (last_calls_.size() >= most_tasks) {
    last_calls_.clear();
  }
  return last_calls_[event.pid >= 0 ? event.pid : -2 - event.cpu];
}

const CtfPoint& CtfRecords::point(const ::bt_event_class* event_class) {
  std::unique_ptr<CtfPoint>& made = points_[event_class];
  if (made == nullptr) {
    made = std::make_unique<CtfPoint>(make_ctf_point(*event_class, out_));
  }
  return *made;
}

std::int64_t CtfRecords::number(const CtfField& field, const ::bt_field* structure) {
  if (field.type != CtfField::Type::is_unsigned && field.type != CtfField::Type::is_signed) {
    return 0;
  }
  const ::bt_field* const value =
      ::bt_field_structure_borrow_member_field_by_index_const(structure, field.index);
  return field.type == CtfField::Type::is_signed
             ? ::bt_field_integer_signed_get_value(value)
             : static_cast<std::int64_t>(::bt_field_integer_unsigned_get_value(value));
}

Name CtfRecords::text(const CtfField& field, const ::bt_field* structure) {
  if (field.type != CtfField::Type::text) {
    return Name::none;
  }
  return names_.intern(::bt_field_string_get_value(
      ::bt_field_structure_borrow_member_field_by_index_const(structure, field.index)));
}

Name CtfRecords::address(std::uint64_t value) {
  return value == 0 ? Name::none : names_.intern(fmt::format("0x{:x}", value));
}

// LTTng keeps the request's flags as bits; the letters are those of the kernel's blk_fill_rwbs.
Name CtfRecords::rwbs(const CtfField& field, const ::bt_field* record) {
  if (field.type == CtfField::Type::text) {
    return text(field, record);
  }
  enum : std::int64_t {  // lttng-modules, instrumentation/events/block.h
    write = 1,
    discard = 2,
    read = 4,
    rahead = 8,
    barrier = 16,
    sync = 32,
    meta = 64,
    secure = 128,
    flush = 256,
    fua = 512,
    preflush = 1024,
  };
  const std::int64_t bits = number(field, record);
  std::string letters = (bits & (flush | preflush)) != 0 ? "F" : "";
  letters += (bits & discard) != 0 ? (bits & secure) != 0 ? "DE" : "D"
             : (bits & write) != 0 ? "W"
             : (bits & read) != 0  ? "R"
                                   : "N";
  letters += (bits & fua) != 0 ? "F" : "";
  letters += (bits & rahead) != 0 ? "A" : "";
  letters += (bits & barrier) != 0 ? "B" : "";
  letters += (bits & sync) != 0 ? "S" : "";
  letters += (bits & meta) != 0 ? "M" : "";
  return names_.intern(letters);
}

std::int32_t CtfRecords::wakeup_prio(std::int64_t prio) {
  raw_wakeup_prio_ = raw_wakeup_prio_ || prio > highest_shifted_prio;
  return static_cast<std::int32_t>(raw_wakeup_prio_ ? prio : prio + max_rt_prio);
}

void CtfRecords::payload(const CtfPoint& made, const ::bt_field* record, Event& event) {
  const auto& f = made.fields;
  switch (made.kind) {
    case EventKind::irq_handler_entry:
      event.irq = {.irq = number32(f[0], record), .name = text(f[1], record), .handled = false};
      break;
    case EventKind::irq_handler_exit:
      event.irq = {.irq = number32(f[0], record), .name = Name::none, .handled = number(f[1], record) != 0};
      break;
    case EventKind::softirq_raise:
    case EventKind::softirq_entry:
    case EventKind::softirq_exit:
      event.softirq = {number32(f[0], record)};
      break;
    case EventKind::napi_poll:
      event.napi_poll = {.napi = static_cast<std::uint64_t>(number(f[0], record)),
                         .dev = text(f[1], record),
                         .work = number32(f[2], record),
                         .budget = number32(f[3], record)};
      break;
    case EventKind::netif_receive_skb:
    case EventKind::net_dev_xmit:
      event.skb = {.skbaddr = static_cast<std::uint64_t>(number(f[0], record)),
                   .dev = text(f[1], record),
                   .len = number32(f[2], record)};
      break;
    case EventKind::sched_waking:
    case EventKind::sched_wakeup:
    case EventKind::sched_wakeup_new:
      event.wakeup = {.comm = text(f[0], record),
                      .pid = number32(f[1], record),
                      .prio = wakeup_prio(number(f[2], record)),
                      .target_cpu = f[3].type == CtfField::Type::absent ? -1 : number32(f[3], record)};
      break;
    case EventKind::sched_migrate_task:
      event.migrate = {.comm = text(f[0], record),
                       .pid = number32(f[1], record),
                       .prio = max_rt_prio + number32(f[2], record),
                       .orig_cpu = number32(f[3], record),
                       .dest_cpu = number32(f[4], record)};
      break;
    case EventKind::sched_switch: {
      SchedSwitch& fields = event.sched_switch = {};
      fields.prev_comm = text(f[0], record);
      fields.prev_pid = number32(f[1], record);
      fields.prev_prio = max_rt_prio + number32(f[2], record);
      fields.prev_state = task_state(static_cast<std::uint64_t>(number(f[3], record)), fields.preempted);
      fields.next_comm = text(f[4], record);
      fields.next_pid = number32(f[5], record);
      fields.next_prio = max_rt_prio + number32(f[6], record);
      break;
    }
    case EventKind::block_rq_insert:
    case EventKind::block_rq_issue:
    case EventKind::block_rq_complete:
      event.block = {.sector = static_cast<std::uint64_t>(number(f[1], record)),
                     .dev = static_cast<std::uint32_t>(number(f[0], record)),
                     .sectors = static_cast<std::uint32_t>(number(f[2], record)),
                     .bytes = static_cast<std::uint32_t>(number(f[4], record)),
                     .rwbs = rwbs(f[3], record),
                     .comm = text(f[5], record),
                     .error = number32(f[6], record)};
      break;
    case EventKind::sys_enter:
      event.sys_enter = {.call = made.call, .name = made.name, .args = {}};
      for (std::size_t i = 0; i < event.sys_enter.args.size(); ++i) {
        event.sys_enter.args[i] = number(f[i], record);
      }
      break;
    case EventKind::sys_exit:
      event.sys_exit = {.call = made.call, .name = made.name, .ret = number(f[0], record)};
      break;
    case EventKind::hrtimer_expire_entry:
      event.hrtimer = {.hrtimer = static_cast<std::uint64_t>(number(f[0], record)),
                       .function = address(static_cast<std::uint64_t>(number(f[1], record))),
                       .now = number(f[2], record)};
      break;
    case EventKind::cpu_idle:
      event.idle = {.state = number32(f[0], record), .cpu_id = number32(f[1], record)};
      break;
    default:
      event.other = {made.name};
      break;
  }
}

}  // namespace calibration
