// The records of a trace.dat into events.
//
// Function addresses become names by the file's own kallsyms, else hexadecimal. Numbers of raw_syscalls are
// taken for x86-64's.
#pragma once

#include <event-parse.h>

#include <cstdint>
#include <memory>
#include <unordered_map>
#include <vector>

#include "calibration/traces/event.h"
#include "calibration/traces/event_fields.h"
#include "calibration/traces/event_wire.h"
#include "calibration/traces/text_cache.h"
#include "calibration/traces/trace_dat_points.h"

namespace calibration {

class TraceDatRecords {
 public:
  // Both outlive this. `out` gives the names and takes warnings.
  TraceDatRecords(::tep_handle* tep, EventWriter& out);

  // Sets everything of `event`.
  void read(::tep_record& record, Event& event);

 private:
  struct RawCall {
    Syscall call;
    Name name;
  };

  const TraceDatPoint& point(int id);
  void payload(const TraceDatPoint& point, const ::tep_record& record, Event& event);
  void task(const ::tep_record& record, Event& event);
  void sys_enter(const TraceDatPoint& point, const ::tep_record& record, SyscallEnter& fields);
  void sys_exit(const TraceDatPoint& point, const ::tep_record& record, SyscallExit& fields);
  RawCall raw_call(std::int64_t number);
  Name function(std::uint64_t address);
  Name text(const TraceDatField& field, const ::tep_record& record);
  std::uint64_t number(const TraceDatField& field, const ::tep_record& record) const;
  std::int32_t number32(const TraceDatField& field, const ::tep_record& record) const {
    return static_cast<std::int32_t>(number(field, record));
  }

  ::tep_handle* tep_;
  EventWriter& out_;
  CachedNames names_;
  EventFields text_fields_;  // for the names of raw system calls: the same as in text captures
  std::vector<std::unique_ptr<TraceDatPoint>> points_;  // by the tracepoint's id, 16 bits
  std::unordered_map<std::int32_t, Name> comms_;
  std::unordered_map<std::uint64_t, Name> functions_;
  std::unordered_map<std::int64_t, RawCall> raw_calls_;
};

}  // namespace calibration
