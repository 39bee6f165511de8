// The agent's loop in system calls, as models/agent.h has it: nanosleep, a tool call over TCP, O_DIRECT reads
// through io_uring, compute. Each part is timed by CLOCK_MONOTONIC and kept as a row.
#pragma once

#include <cstdint>

#include "tools/live/recorder.h"
#include "tools/live/workload_plan.h"

namespace tools::live {

// What a thread of the workload has at hand. It never returns to its caller: it is killed.
struct ThreadContext {
  Recorder& recorder;
  const PlannedTask& plan;
  TaskSlot& slot;
  std::uint64_t seed = 1;
  double turn_ns = 1;  // of spin()
  int socket = -1;     // its end of its connection
  int file = -1;       // of the data, O_DIRECT
  std::uint64_t file_bytes = 0;
};

// nanosleep(2), also of nothing: it is a system call all the same.
void sleep_for(std::int64_t ns);

// Throws std::runtime_error: a broken connection, a failed read.
[[noreturn]] void run_agent(const ThreadContext& context);

}  // namespace tools::live
