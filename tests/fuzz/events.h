// What every reader of events promises of each of them.
#pragma once

#include <type_traits>

#include "calibration/traces/event.h"
#include "calibration/traces/event_wire.h"
#include "tests/fuzz/harness.h"

namespace fuzz {

inline void check_event(const calibration::Event& event, const calibration::Names& names) {
  promise(event.kind <= calibration::EventKind::other, "an event's kind exists");
  promise(event.time >= 0 && event.time <= calibration::max_event_time, "an event's time can be");
  promise(event.cpu >= -1 && event.cpu <= calibration::max_cpu, "an event's CPU can be");
  promise(static_cast<std::size_t>(event.comm) < names.size(), "an event's task has a known name");
  fields(event, [&]<class T>(std::string_view, const T& value) {
    if constexpr (std::is_same_v<T, calibration::Name>) {
      promise(static_cast<std::size_t>(value) < names.size(), "a name of an event is known");
      promise(names.text(value).size() <= 255, "a name is cut at 255 bytes");
    } else if constexpr (std::is_same_v<T, calibration::TaskState>) {
      promise(value <= calibration::TaskState::other, "a task's state exists");
    } else if constexpr (std::is_same_v<T, calibration::Syscall>) {
      promise(value >= calibration::Syscall::other && value <= calibration::Syscall::nanosleep,
              "a system call exists");
    }
  });
}

}  // namespace fuzz
