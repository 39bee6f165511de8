// The system calls of event_fields.h: their names and numbers, arguments and results.
#include <array>

#include "calibration/traces/event_fields.h"

namespace calibration {
namespace {

struct Call {
  std::string_view name;
  std::int64_t number;  // arch/x86/entry/syscalls/syscall_64.tbl
  Syscall call;
};
constexpr std::array calls{
    Call{"epoll_wait", 232, Syscall::epoll_wait},     Call{"epoll_pwait", 281, Syscall::epoll_wait},
    Call{"epoll_pwait2", 441, Syscall::epoll_wait},   Call{"io_uring_enter", 426, Syscall::io_uring_enter},
    Call{"clock_nanosleep", 230, Syscall::nanosleep}, Call{"nanosleep", 35, Syscall::nanosleep},
};

// An int argument of -1 is printed as 0xffffffff.
std::int64_t int_argument(std::int64_t value) { return static_cast<std::int32_t>(value); }

void widen_ints(SyscallEnter& fields) {
  if (fields.call ==
      Syscall::epoll_wait) {  // epfd, events, maxevents, timeout or, of epoll_pwait2, a pointer
    fields.args[0] = int_argument(fields.args[0]);
    fields.args[2] = int_argument(fields.args[2]);
    if (fields.args[3] >> 32 == 0) {
      fields.args[3] = int_argument(fields.args[3]);
    }
  }
}

// "0x1", "0xfffffffffffffffc" (-4, EINTR), or decimal. 32-bit kernels print -4 as 0xfffffffc.
bool result(TextScan& text, std::int64_t& value) {
  if (!text.rest().starts_with("0x")) {
    return text.number(value);
  }
  std::uint64_t bits = 0;
  if (!text.hex(bits)) {
    return false;
  }
  constexpr std::uint64_t max_errno = 4095;
  const bool errno_of_32_bits = bits <= 0xffffffff && bits >= 0x100000000 - max_errno;
  value = errno_of_32_bits ? static_cast<std::int32_t>(bits) : static_cast<std::int64_t>(bits);
  return true;
}

// "epfd: 4, events: 0x7f..., maxevents: 1, timeout: 0x64)": hexadecimal, whether or not 0x says so. What
// comes after the fourth, or after something that is no number, is not read.
void named_arguments(TextScan text, SyscallEnter& fields) {
  for (std::int64_t& arg : fields.args) {
    std::uint64_t value = 0;
    text.until(':');
    if (!text.literal(": ") || !text.hex(value)) {
      return;
    }
    arg = static_cast<std::int64_t>(value);
  }
}

}  // namespace

Syscall syscall_of(std::string_view name) {
  for (const Call& call : calls) {
    if (name == call.name) {
      return call.call;
    }
  }
  return Syscall::other;
}

Syscall syscall_of(std::int64_t number) {
  for (const Call& call : calls) {
    if (number == call.number) {
      return call.call;
    }
  }
  return Syscall::other;
}

// "NR 232" into its call and name; an unknown one is called "NR 172".
bool EventFields::raw_number(TextScan& text, Syscall& call, Name& name) {
  const char* const from = text.at;
  std::int64_t number = 0;
  if (!text.literal("NR ") || !text.number(number)) {
    return false;
  }
  raw_syscalls_ = true;
  call = syscall_of(number);
  std::string_view known{from, static_cast<std::size_t>(text.at - from)};
  for (const Call& candidate : calls) {
    if (candidate.number == number) {
      known = candidate.name;
    }
  }
  name = names_.intern(known);
  return true;
}

bool EventFields::sys_enter(const Point& made, TextScan text, SyscallEnter& fields) {
  if (made.name != Name::none) {
    fields = {.call = made.call, .name = made.name, .args = {}};
    named_arguments(text, fields);
    widen_ints(fields);
    return true;
  }
  if (!raw_number(text, fields.call, fields.name) || !text.literal(" (")) {
    return false;
  }
  for (std::int64_t& arg : fields.args) {
    std::uint64_t value = 0;
    if (!text.hex(value)) {
      return false;
    }
    arg = static_cast<std::int64_t>(value);
    if (!text.literal(", ")) {
      break;
    }
  }
  widen_ints(fields);
  return true;
}

bool EventFields::sys_exit(const Point& made, TextScan text, SyscallExit& fields) {
  fields = {.call = made.call, .name = made.name, .ret = 0};
  if (made.name == Name::none && (!raw_number(text, fields.call, fields.name) || !text.literal(" = "))) {
    return false;
  }
  return result(text, fields.ret);
}

// "sys_epoll_wait(epfd: 4, ...)" and "sys_epoll_wait -> 0x1", as ftrace itself prints them.
bool EventFields::syscall_text(std::string_view text, Event& event) {
  TextScan scan{text};
  while (!scan.done() && *scan.at != '(' && *scan.at != ' ') {
    ++scan.at;
  }
  const Point made = syscall_point({text.data(), static_cast<std::size_t>(scan.at - text.data())});
  if (scan.literal("(")) {
    event.kind = EventKind::sys_enter;
    event.sys_enter = {.call = made.call, .name = made.name, .args = {}};
    named_arguments(scan, event.sys_enter);
    widen_ints(event.sys_enter);
    return true;
  }
  event.kind = EventKind::sys_exit;
  event.sys_exit = {.call = made.call, .name = made.name, .ret = 0};
  return scan.literal(" -> ") && result(scan, event.sys_exit.ret);
}

EventFields::Point EventFields::syscall_point(std::string_view sys_name) {
  if (const Point* known = calls_.find(sys_name)) {
    return *known;
  }
  const std::string_view name = sys_name.substr(4);
  const Point made{.kind = EventKind::sys_enter, .call = syscall_of(name), .name = names_.intern(name)};
  calls_.keep(sys_name, made);
  return made;
}

}  // namespace calibration
