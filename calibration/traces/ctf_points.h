// Which tracepoint of the kernel an LTTng event class is of, and where the fields lie in its payload.
//
// Models:   the names of lttng-modules 2.0 to 2.13, instrumentation/events/: softirq_entry became
//           irq_softirq_entry, sys_* and exit_syscall became syscall_entry_* and syscall_exit_*.
#pragma once

#include <babeltrace2/babeltrace.h>

#include <array>
#include <cstdint>

#include "calibration/traces/event.h"
#include "calibration/traces/event_wire.h"

namespace calibration {

struct CtfField {
  enum class Type : std::uint8_t { absent, is_unsigned, is_signed, text, other };
  std::uint64_t index = 0;  // in its structure
  Type type = Type::absent;
};

struct CtfPoint {
  static constexpr std::size_t most_fields = 8;

  EventKind kind = EventKind::other;
  Name name = Name::none;  // of an `other`, or of the system call
  Syscall call = Syscall::other;
  bool exit_syscall = false;  // of an old LTTng: whose exit it is, is not said
  CtfField tid, procname;     // in the events' context
  // In the order of `kernel_names` (ctf_points.cpp); of a sys_enter the arguments, of a sys_exit first its
  // result.
  std::array<CtfField, most_fields> fields{};
};

// A point without a field that LTTng always gives it is made an `other`, with a warning.
CtfPoint make_ctf_point(const ::bt_event_class& event_class, EventWriter& out);

}  // namespace calibration
