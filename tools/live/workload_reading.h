// All that is counted of a running workload, at one moment: by the kernel for the machine and for each task,
// and by the tasks themselves.
#pragma once

#include <cstdint>
#include <vector>

#include "tools/live/recorder.h"
#include "tools/live/workload_counters.h"

namespace tools::live {

struct TaskReading {
  std::int64_t cpu_ns = 0;       // /proc/PID/task/TID/schedstat
  std::int64_t migrations = -1;  // /proc/PID/task/TID/sched; -1: this kernel does not tell (SCHED_DEBUG)
  std::uint64_t bytes = 0, loops = 0;
};

struct WorkloadReading {
  SystemCounters system;
  std::vector<TaskReading> tasks;
};

WorkloadReading read_workload(Recorder& recorder);

}  // namespace tools::live
