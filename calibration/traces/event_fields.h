// The text of a tracepoint ("vec=3 [action=NET_RX]") into the fields of an Event. All text formats print the
// same TP_printk; trace-cmd's plugins print some of them in a shorter form, and old kernels in an older one.
//
// Models:   include/trace/events/{irq,napi,net,sched,block,io_uring,timer,power,ipi}.h and
//           kernel/trace/trace_syscalls.c from 3.x to 6.18; libtraceevent's plugin_sched_switch.c.
// In:       event_fields.cpp, the scheduler's in sched_text.cpp, system calls in syscall_text.cpp.
// Left out: the numbers of raw_syscalls on other machines: they are read as x86-64's (sys_enter: NR 232).
#pragma once

#include <string_view>

#include "calibration/traces/event.h"
#include "calibration/traces/text_cache.h"
#include "calibration/traces/text_scan.h"

namespace calibration {

// The wait gate that a system call is, by its name without sys_ ("epoll_pwait2") or its number on x86-64.
Syscall syscall_of(std::string_view name);
Syscall syscall_of(std::int64_t number);

// What a sched_switch that shows its prev_state as a number means by it: bits of include/linux/sched.h. A
// lone bit from 0x100 up is TASK_STATE_MAX, which marks a preemption and moved between releases.
TaskState task_state(std::uint64_t bits, bool& preempted);

class EventFields {
 public:
  explicit EventFields(Names& names) : names_{names} {}

  // An event as it is printed behind the time: "sched_switch: prev_comm=...", "sys_epoll_wait -> 0x1", or, of
  // the function tracer, "schedule <-do_nanosleep". Sets kind and fields of `event`; false when it makes no
  // sense, and then `event` is in no defined state.
  bool read(std::string_view text, Event& event);

  // The same with name and payload apart; "group:name" will do. Spaces around the payload are passed over.
  bool read(std::string_view name, std::string_view payload, Event& event);

  Name intern(std::string_view text) { return names_.intern(text); }

  // Whether system calls were read whose number, not name, was given.
  bool raw_syscalls() const { return raw_syscalls_; }

 private:
  struct Point {  // what a tracepoint's name says
    EventKind kind = EventKind::other;
    Syscall call = Syscall::other;
    Name name = Name::none;  // of an `other`, or the system call in the name
  };

  Point point(std::string_view name);
  bool payload(const Point& point, TextScan text, Event& event);
  bool sched_switch(TextScan text, SchedSwitch& fields);
  bool compact_switch(TextScan text, SchedSwitch& fields);
  bool switch_side(TextScan& text, bool next, Name& comm, std::int32_t& pid, std::int32_t& prio);
  bool wakeup(TextScan text, SchedWakeup& fields);
  bool migrate(TextScan text, SchedMigrateTask& fields);
  bool compact_task(TextScan& text, Name& comm, std::int32_t& pid, std::int32_t& prio);
  bool comm_before(TextScan& text, std::string_view key, Name& comm);
  bool irq(TextScan text, bool entry, IrqHandler& fields);
  bool napi_poll(TextScan text, NapiPoll& fields);
  bool skb(TextScan text, Skb& fields);
  bool block(TextScan text, EventKind kind, BlockRq& fields);
  bool io_uring(TextScan text, IoUringComplete& fields);
  bool hrtimer(TextScan text, HrtimerExpire& fields);
  bool ipi(TextScan text, IpiSendCpu& fields);
  bool agent_wakeup(TextScan text, AgentWakeup& fields);
  bool sys_enter(const Point& point, TextScan text, SyscallEnter& fields);
  bool sys_exit(const Point& point, TextScan text, SyscallExit& fields);
  bool syscall_text(std::string_view text, Event& event);
  bool raw_number(TextScan& text, Syscall& call, Name& name);
  Point syscall_point(std::string_view sys_name);
  Name function(std::string_view symbol);

  CachedNames names_;
  TextCache<Point> points_;  // by a tracepoint's name
  TextCache<Point> calls_;   // by "sys_epoll_wait"
  bool raw_syscalls_ = false;
};

}  // namespace calibration
