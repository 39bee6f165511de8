// Which tracepoint the records of one id in a trace.dat are of, and where their fields lie, by the formats
// that the file brings along.
//
// A field that every kernel since 3.x has and this file has not makes the tracepoint an `other`, with a
// warning; one that came or went (napi_poll's work, sys_exit's error) reads as 0.
#pragma once

#include <event-parse.h>

#include <array>

#include "calibration/traces/event.h"
#include "calibration/traces/event_wire.h"

namespace calibration {

struct TraceDatField {
  int offset = -1;  // -1: there is none
  int size = 0;
  bool is_signed = false;
  bool dynamic = false;   // a 32-bit word says where in the record and how long
  bool relative = false;  // ... counted from behind that word
};

struct TraceDatPoint {
  EventKind kind = EventKind::other;
  Name name = Name::none;  // of an `other`, or of the system call that has a tracepoint of its own
  Syscall call = Syscall::other;
  // In the order of `wants` (trace_dat_points.cpp). A system call with a tracepoint of its own has its
  // arguments here, or in the second place its result.
  std::array<TraceDatField, 8> fields{};
};

TraceDatPoint make_trace_dat_point(::tep_handle& tep, int id, EventWriter& out);

}  // namespace calibration
