// A thread's place in the scheduler, by its own hand: affinity, policy, nice, priority, slice, timer slack.
//
// What was set is read back (sched_getattr(2)): a kernel that ignores a slice would otherwise pass for one
// that knows it. Throws std::runtime_error, naming what was declined.
#pragma once

#include <sys/types.h>

#include <cstdint>

#include "models/workload_config.h"
#include "sim/time.h"

namespace tools::live {

// struct sched_attr of include/uapi/linux/sched/types.h, its first version.
struct SchedAttributes {
  std::uint32_t size = 48;
  std::uint32_t policy = 0;
  std::uint64_t flags = 0;
  std::int32_t nice = 0;
  std::uint32_t priority = 0;
  std::uint64_t runtime = 0;  // of a fair task its slice, ns; the kernel keeps it from 6.12 on
  std::uint64_t deadline = 0;
  std::uint64_t period = 0;
};

void apply_sched(const models::SchedConfig& config, sim::Nanos timer_slack);  // to the calling thread

SchedAttributes sched_attributes(pid_t tid);

}  // namespace tools::live
