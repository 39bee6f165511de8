// Where a difference between real and simulated steps comes from: mean time by part, real and simulated, the
// parts that differ most first.
//
//   by column   timer_late, tool, read, parse: of all steps, and of the slowest 1 % of each side
//   by blame    own work, softirq, device, run queue, ... along the critical path (analysis/critical_path.h),
//               where events of both sides were analysed
//
// The parts of a step add up to it, so the differences add up to the difference of the steps. Some of it may
// cancel: shares are of the sum of absolute differences.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "calibration/analysis/blame_table.h"
#include "calibration/traces/steps.h"

namespace calibration {

struct Contribution {
  std::string part;
  double real_ns = 0, simulated_ns = 0;  // mean per step
  double share = 0;                      // of the sum of absolute differences, 0..1
  double difference_ns() const { return simulated_ns - real_ns; }
};

struct Contributions {
  std::uint64_t real_steps = 0, simulated_steps = 0;
  double real_ns = 0, simulated_ns = 0;  // mean step
  std::vector<Contribution> parts;       // by absolute difference, the largest first
};

// Of the steps whose rank by duration is above `from` (0: all; 0.99: the slowest 1 %).
Contributions column_contributions(std::span<const StepRow> real, std::span<const StepRow> simulated,
                                   double from);
Contributions blame_contributions(const BlameTable& real, const BlameTable& simulated, double from);

}  // namespace calibration
