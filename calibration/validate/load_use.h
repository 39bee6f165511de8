// How much was done and what it cost: steps and background bytes per second, the CPUs' time by context. A
// latency that agrees while less work was done does not agree.
//
// Left out: irq_time_accounting. Without it the kernel accounts interrupts by whatever context a tick meets,
// so real soft- and hardirq shares are samples at the tick's rate; idle and busy are exact.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "calibration/validate/live_runs.h"
#include "models/metrics.h"

namespace calibration {

struct LoadUse {
  double steps_per_second = 0;
  std::optional<double> background_bytes_per_second;  // none: not counted
  std::optional<CpuUse> cpu;
};

LoadUse real_use(std::span<const LiveRun> runs);  // medians over the runs, not empty
LoadUse simulated_use(std::span<const models::Metrics> runs, int cpus);

// What speaks against comparing latencies: CPUs without idle time, less or more work done than in reality.
// `hogs`: tasks that never sleep take whatever is left, so that idle time says nothing.
std::vector<std::string> saturation_warnings(const LoadUse& real, const LoadUse& simulated,
                                             bool hogs = false);

}  // namespace calibration
