#include "calibration/traces/trace_dat_records.h"

#include <fmt/format.h>

#include <cstring>

namespace calibration {
namespace {

constexpr std::size_t ids = 1 << 16;          // common_type has 16 bits
constexpr std::size_t most_cached = 1 << 16;  // of each cache; beyond it starts anew
constexpr int common_size = 8;                // type, flags, preempt_count, pid: every record has them

// kernel/trace/trace.h: enum trace_flag_type
constexpr int irqs_off = 0x01, need_resched = 0x04, hardirq = 0x08, softirq = 0x10, preempt_resched = 0x20,
              bh_off = 0x80;

}  // namespace

TraceDatRecords::TraceDatRecords(::tep_handle* tep, EventWriter& out)
    : tep_{tep}, out_{out}, names_{out.names()}, text_fields_{out.names()}, points_(ids) {}

void TraceDatRecords::read(::tep_record& record, Event& event) {
  event.time = static_cast<std::int64_t>(record.ts);
  event.cpu = record.cpu;
  if (record.data == nullptr || record.size < common_size) {
    event.pid = -1;
    event.comm = Name::none;
    event.flags = {};
    event.kind = EventKind::other;
    event.other = {};
    return;
  }
  task(record, event);
  const TraceDatPoint& made = point(::tep_data_type(tep_, &record));
  event.kind = made.kind;
  payload(made, record, event);
}

// The fields that all records have.
void TraceDatRecords::task(const ::tep_record& record, Event& event) {
  ::tep_record* const common = const_cast<::tep_record*>(&record);  // the library only reads it
  event.pid = ::tep_data_pid(tep_, common);
  const auto known = comms_.find(event.pid);
  if (known != comms_.end()) {
    event.comm = known->second;
  } else {
    if (comms_.size() >= most_cached) {
      comms_.clear();
    }
    event.comm = names_.intern(::tep_data_comm_from_pid(tep_, event.pid));
    comms_.emplace(event.pid, event.comm);
  }
  const int flags = ::tep_data_flags(tep_, common);
  event.flags = {.known = true,
                 .irqs_off = (flags & irqs_off) != 0,
                 .bh_off = (flags & bh_off) != 0,
                 .need_resched = (flags & (need_resched | preempt_resched)) != 0,
                 .hardirq = (flags & hardirq) != 0,
                 .softirq = (flags & softirq) != 0,
                 // The high half counts migrate_disable.
                 .preempt_depth = static_cast<std::uint8_t>(::tep_data_preempt_count(tep_, common) & 0xf)};
}

const TraceDatPoint& TraceDatRecords::point(int id) {
  std::unique_ptr<TraceDatPoint>& made = points_[static_cast<std::size_t>(id) % ids];
  if (made == nullptr) {
    made = std::make_unique<TraceDatPoint>(make_trace_dat_point(*tep_, id, out_));
  }
  return *made;
}

std::uint64_t TraceDatRecords::number(const TraceDatField& field, const ::tep_record& record) const {
  if (field.offset < 0 || field.size <= 0 || field.size > 8 || field.offset > record.size - field.size) {
    return 0;
  }
  const char* const at = static_cast<const char*>(record.data) + field.offset;
  const std::uint64_t value = ::tep_read_number(tep_, at, field.size);
  if (!field.is_signed || field.size == 8) {
    return value;
  }
  const int unused = 64 - 8 * field.size;
  return static_cast<std::uint64_t>(static_cast<std::int64_t>(value << unused) >> unused);
}

Name TraceDatRecords::text(const TraceDatField& field, const ::tep_record& record) {
  std::int64_t offset = field.offset;
  std::int64_t size = field.size;
  if (field.dynamic) {
    const std::uint64_t where = number({.offset = field.offset, .size = 4}, record);
    offset = static_cast<std::int64_t>(where & 0xffff) + (field.relative ? field.offset + 4 : 0);
    size = static_cast<std::int64_t>(where >> 16 & 0xffff);
  }
  if (offset < 0 || size <= 0 || offset > record.size - size) {
    return Name::none;
  }
  const char* const from = static_cast<const char*>(record.data) + offset;
  return names_.intern({from, ::strnlen(from, static_cast<std::size_t>(size))});
}

Name TraceDatRecords::function(std::uint64_t address) {
  if (const auto known = functions_.find(address); known != functions_.end()) {
    return known->second;
  }
  const char* const symbol = address != 0 ? ::tep_find_function(tep_, address) : nullptr;
  const Name name = symbol != nullptr ? names_.intern(symbol)
                    : address != 0    ? names_.intern(fmt::format("0x{:x}", address))
                                      : Name::none;
  if (functions_.size() >= most_cached) {
    functions_.clear();
  }
  functions_.emplace(address, name);
  return name;
}

void TraceDatRecords::payload(const TraceDatPoint& made, const ::tep_record& record, Event& event) {
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
      event.napi_poll = {.napi = number(f[0], record),
                         .dev = text(f[1], record),
                         .work = number32(f[2], record),
                         .budget = number32(f[3], record)};
      break;
    case EventKind::netif_receive_skb:
    case EventKind::net_dev_xmit:
      event.skb = {.skbaddr = number(f[0], record), .dev = text(f[1], record), .len = number32(f[2], record)};
      break;
    case EventKind::sched_waking:
    case EventKind::sched_wakeup:
    case EventKind::sched_wakeup_new:
      event.wakeup = {.comm = text(f[0], record),
                      .pid = number32(f[1], record),
                      .prio = number32(f[2], record),
                      .target_cpu = f[3].offset < 0 ? -1 : number32(f[3], record)};
      break;
    case EventKind::sched_migrate_task:
      event.migrate = {.comm = text(f[0], record),
                       .pid = number32(f[1], record),
                       .prio = number32(f[2], record),
                       .orig_cpu = number32(f[3], record),
                       .dest_cpu = number32(f[4], record)};
      break;
    case EventKind::sched_switch: {
      SchedSwitch& fields = event.sched_switch = {};
      fields.prev_comm = text(f[0], record);
      fields.prev_pid = number32(f[1], record);
      fields.prev_prio = number32(f[2], record);
      fields.prev_state = task_state(number(f[3], record), fields.preempted);
      fields.next_comm = text(f[4], record);
      fields.next_pid = number32(f[5], record);
      fields.next_prio = number32(f[6], record);
      break;
    }
    case EventKind::block_rq_insert:
    case EventKind::block_rq_issue:
    case EventKind::block_rq_complete:
      event.block = {.sector = number(f[1], record),
                     .dev = static_cast<std::uint32_t>(number(f[0], record)),
                     .sectors = static_cast<std::uint32_t>(number(f[2], record)),
                     .bytes = static_cast<std::uint32_t>(number(f[4], record)),
                     .rwbs = text(f[3], record),
                     .comm = text(f[5], record),
                     .error = number32(f[6], record)};
      break;
    case EventKind::io_uring_complete:
      event.io_uring = {.ring = number(f[0], record),
                        .req = number(f[1], record),
                        .user_data = number(f[2], record),
                        .result = static_cast<std::int64_t>(number(f[3], record))};
      break;
    case EventKind::sys_enter:
      sys_enter(made, record, event.sys_enter = {});
      break;
    case EventKind::sys_exit:
      sys_exit(made, record, event.sys_exit = {});
      break;
    case EventKind::hrtimer_expire_entry:
      event.hrtimer = {.hrtimer = number(f[0], record),
                       .function = function(number(f[1], record)),
                       .now = static_cast<std::int64_t>(number(f[2], record))};
      break;
    case EventKind::cpu_idle:
      event.idle = {.state = number32(f[0], record), .cpu_id = number32(f[1], record)};
      break;
    case EventKind::ipi_send_cpu:
      event.ipi = {.cpu = number32(f[0], record),
                   .callsite = function(number(f[1], record)),
                   .callback = function(number(f[2], record))};
      break;
    case EventKind::agent_wakeup:
      event.agent_wakeup = {.pid = number32(f[0], record),
                            .agent_id = number32(f[1], record),
                            .step_id = number32(f[2], record),
                            .latency_class = static_cast<std::uint8_t>(number(f[3], record)),
                            .source = text(f[4], record),
                            .cookie = number(f[5], record)};
      break;
    case EventKind::lost:
    case EventKind::other:
      event.other = {made.name};
      break;
  }
}

void TraceDatRecords::sys_enter(const TraceDatPoint& made, const ::tep_record& record, SyscallEnter& fields) {
  if (made.name != Name::none) {
    fields.call = made.call;
    fields.name = made.name;
    for (std::size_t i = 0; i < fields.args.size(); ++i) {
      fields.args[i] = static_cast<std::int64_t>(number(made.fields[i], record));
    }
  } else {
    const RawCall raw = raw_call(static_cast<std::int64_t>(number(made.fields[0], record)));
    fields.call = raw.call;
    fields.name = raw.name;
    TraceDatField arg = made.fields[1];  // an array of six longs
    arg.size = ::tep_get_long_size(tep_);
    for (std::int64_t& value : fields.args) {
      value = static_cast<std::int64_t>(number(arg, record));
      arg.offset += arg.size;
    }
  }
  if (fields.call ==
      Syscall::epoll_wait) {  // epfd, events, maxevents, timeout or, of epoll_pwait2, a pointer
    for (const std::size_t i : {0, 2, 3}) {
      if (i != 3 || fields.args[i] >> 32 == 0) {
        fields.args[i] = static_cast<std::int32_t>(fields.args[i]);
      }
    }
  }
}

void TraceDatRecords::sys_exit(const TraceDatPoint& made, const ::tep_record& record, SyscallExit& fields) {
  fields.call = made.call;
  fields.name = made.name;
  fields.ret = static_cast<std::int64_t>(number(made.fields[1], record));
  if (made.name == Name::none) {
    const RawCall raw = raw_call(static_cast<std::int64_t>(number(made.fields[0], record)));
    fields.call = raw.call;
    fields.name = raw.name;
  }
}

TraceDatRecords::RawCall TraceDatRecords::raw_call(std::int64_t number) {
  if (const auto known = raw_calls_.find(number); known != raw_calls_.end()) {
    return known->second;
  }
  Event event;
  RawCall made{Syscall::other, names_.intern("unknown")};
  if (text_fields_.read("sys_exit", fmt::format("NR {} = 0", number), event)) {
    made = {event.sys_exit.call, event.sys_exit.name};
  }
  if (raw_calls_.size() >= most_cached) {
    raw_calls_.clear();
  }
  raw_calls_.emplace(number, made);
  return made;
}

}  // namespace calibration
