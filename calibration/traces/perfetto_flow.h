// The ends of an arrow that an analysis adds to a Perfetto trace: from what caused to what came of it.
#pragma once

#include <cstdint>

#include "calibration/traces/event.h"

namespace calibration {

// Where an arrow begins or ends.
struct FlowEnd {
  enum class Where : std::uint8_t { hardirq, softirq, task };
  std::int64_t time = 0;  // ns
  std::int32_t cpu = -1;  // hardirq, softirq
  std::int32_t pid = -1;  // task
  Name comm = Name::none;
  Where where = Where::task;
};
// Where `event` fired, by its flags, or by what it is when it has none.
FlowEnd flow_end(const Event& event);

}  // namespace calibration
