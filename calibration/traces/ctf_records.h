// LTTng's events into ours.
//
// Models:   lttng-modules 2.0 to 2.13, instrumentation/events/: priorities shifted by MAX_RT_PRIO, rwbs as
// bits.
//           LTTng 2.5 and before do not shift the priority of a wakeup; told by a value that no shifted one
//           can have, from that event on.
// Left out: function names: traces have addresses only, which read as hexadecimal.
#pragma once

#include <babeltrace2/babeltrace.h>

#include <cstdint>
#include <memory>
#include <unordered_map>
#include <vector>

#include "calibration/traces/ctf_points.h"
#include "calibration/traces/event.h"
#include "calibration/traces/event_wire.h"
#include "calibration/traces/text_cache.h"

namespace calibration {

class CtfRecords {
 public:
  explicit CtfRecords(EventWriter& out) : out_{out}, names_{out.names()} {}

  // The event that happened at `time` on `cpu` (-1: not said). Sets everything of `event`.
  void read(const ::bt_event* record, std::int64_t time, std::int32_t cpu, Event& event);

 private:
  struct Call {
    Syscall call = Syscall::other;
    Name name = Name::none;
  };
  struct Task {
    std::int32_t pid = -1;
    Name comm = Name::none;
  };

  const CtfPoint& point(const ::bt_event_class* event_class);
  void payload(const CtfPoint& point, const ::bt_field* record, Event& event);
  void task(const CtfPoint& point, const ::bt_event* record, Event& event);
  void follow(const CtfPoint& point, Event& event);
  std::int32_t wakeup_prio(std::int64_t prio);
  Call& last_call(const Event& event);
  Name address(std::uint64_t value);
  Name rwbs(const CtfField& field, const ::bt_field* record);
  Name text(const CtfField& field, const ::bt_field* structure);
  static std::int64_t number(const CtfField& field, const ::bt_field* structure);
  static std::int32_t number32(const CtfField& field, const ::bt_field* structure) {
    return static_cast<std::int32_t>(number(field, structure));
  }

  EventWriter& out_;
  CachedNames names_;
  std::unordered_map<const ::bt_event_class*, std::unique_ptr<CtfPoint>> points_;
  std::vector<Task> current_;                          // by CPU
  std::unordered_map<std::int32_t, Call> last_calls_;  // by task, for exit_syscall
  bool raw_wakeup_prio_ = false;
};

}  // namespace calibration
