// The scheduler's tracepoints of event_fields.h: sched_switch, sched_waking, sched_wakeup,
// sched_migrate_task.
#include <cstring>

#include "calibration/traces/event_fields.h"

namespace calibration {
namespace {

using namespace std::string_view_literals;

// "R", "R+", "D|K", or, from trace.dat without the names, "4096".
bool prev_state(TextScan& text, SchedSwitch& fields) {
  if (text.next_is_digit()) {
    std::uint64_t bits = 0;
    if (!text.number(bits)) {
      return false;
    }
    fields.prev_state = task_state(bits, fields.preempted);
    return true;
  }
  const std::string_view state = text.word();
  if (state.empty()) {
    return false;
  }
  switch (state.front()) {
    case 'R':
      fields.prev_state = TaskState::running;
      break;
    case 'S':
      fields.prev_state = TaskState::interruptible;
      break;
    case 'D':
      fields.prev_state = TaskState::uninterruptible;
      break;
    case 'I':
      fields.prev_state = TaskState::idle;
      break;
    default:
      fields.prev_state = TaskState::other;
      break;
  }
  fields.preempted = state.back() == '+';
  return true;
}

}  // namespace

TaskState task_state(std::uint64_t bits, bool& preempted) {
  constexpr std::uint64_t interruptible = 1, uninterruptible = 2, report_idle = 0x80, noload = 0x400;
  preempted = bits >= 0x100 && (bits & 0xff) == 0;
  if (bits == 0 || preempted) {
    return TaskState::running;
  }
  if (bits == report_idle || bits == (uninterruptible | noload)) {
    return TaskState::idle;
  }
  if ((bits & interruptible) != 0) {
    return TaskState::interruptible;
  }
  return (bits & uninterruptible) != 0 ? TaskState::uninterruptible : TaskState::other;
}

// A task name and the key behind it (" pid="). A name may hold spaces and even the key's text, but has at
// most 15 bytes: the last key within them is the real one. Names from elsewhere may be longer: then the
// first.
bool EventFields::comm_before(TextScan& text, std::string_view key, Name& comm) {
  constexpr std::ptrdiff_t longest = 15;
  const char* found = nullptr;
  for (const char* p = text.at; p != text.end; ++p) {
    p = static_cast<const char*>(std::memchr(p, ' ', static_cast<std::size_t>(text.end - p)));
    if (p == nullptr || (p - text.at > longest && found != nullptr)) {
      break;
    }
    if (std::string_view{p, static_cast<std::size_t>(text.end - p)}.starts_with(key)) {
      found = p;
    }
  }
  if (found == nullptr) {
    return false;
  }
  comm = names_.intern({text.at, static_cast<std::size_t>(found - text.at)});
  text.at = found + key.size();
  return true;
}

bool EventFields::switch_side(TextScan& text, bool next, Name& comm, std::int32_t& pid, std::int32_t& prio) {
  if (text.literal(next ? "next_comm="sv : "prev_comm="sv)) {
    if (!comm_before(text, next ? " next_pid="sv : " prev_pid="sv, comm)) {
      return false;
    }
  } else if (!text.literal(next ? "next_pid="sv : "prev_pid="sv)) {
    return false;
  }
  return scan_pid(text, pid) && text.literal(next ? " next_prio="sv : " prev_prio="sv) && text.number(prio);
}

bool EventFields::sched_switch(TextScan text, SchedSwitch& fields) {
  if (!text.rest().starts_with("prev_")) {
    return compact_switch(text, fields);
  }
  if (!switch_side(text, false, fields.prev_comm, fields.prev_pid, fields.prev_prio) ||
      !text.literal(" prev_state=") || !prev_state(text, fields)) {
    return false;
  }
  text.literal(" ==>");
  return text.literal(" ") && switch_side(text, true, fields.next_comm, fields.next_pid, fields.next_prio);
}

// "trace-cmd:4734 [120] R ==> migration/2:18 [0]"
bool EventFields::compact_switch(TextScan text, SchedSwitch& fields) {
  return compact_task(text, fields.prev_comm, fields.prev_pid, fields.prev_prio) && text.literal(" ") &&
         prev_state(text, fields) && text.literal(" ==> ") &&
         compact_task(text, fields.next_comm, fields.next_pid, fields.next_prio);
}

// "kworker/2:1:4734 [120]"
bool EventFields::compact_task(TextScan& text, Name& comm, std::int32_t& pid, std::int32_t& prio) {
  const char* const start = text.at;
  while (text.past(" [")) {
    const char* const bracket = text.at - 2;
    const char* digits = bracket;
    while (digits != start && TextScan::digit(digits[-1]) < 10) {
      --digits;
    }
    TextScan number{{digits, static_cast<std::size_t>(bracket - digits)}};
    if (digits - start >= 1 && digits[-1] == ':' && scan_pid(number, pid) && text.number(prio) &&
        text.literal("]")) {
      comm = names_.intern({start, static_cast<std::size_t>(digits - 1 - start)});
      return true;
    }
  }
  return false;
}

// Before 4.2 with success=1, which older kernels could fail; trace-cmd's plugin: "sh:1642 [120] success=1
// CPU:002".
bool EventFields::wakeup(TextScan text, SchedWakeup& fields) {
  if (text.literal("comm=")) {
    if (!comm_before(text, " pid=", fields.comm) || !scan_pid(text, fields.pid) || !text.literal(" prio=") ||
        !text.number(fields.prio)) {
      return false;
    }
    text.literal(" success=1");
    return text.literal(" target_cpu=") && scan_cpu(text, fields.target_cpu);
  }
  fields.target_cpu = -1;
  if (!compact_task(text, fields.comm, fields.pid, fields.prio)) {
    return false;
  }
  return !text.past("CPU:") || scan_cpu(text, fields.target_cpu);
}

bool EventFields::migrate(TextScan text, SchedMigrateTask& fields) {
  return text.literal("comm=") && comm_before(text, " pid=", fields.comm) && scan_pid(text, fields.pid) &&
         text.literal(" prio=") && text.number(fields.prio) && text.literal(" orig_cpu=") &&
         scan_cpu(text, fields.orig_cpu) && text.literal(" dest_cpu=") && scan_cpu(text, fields.dest_cpu);
}

}  // namespace calibration
