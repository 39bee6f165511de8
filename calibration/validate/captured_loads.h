// Simulated against captured, quantity by quantity: each captured load run with its scenario, a profile, and
// the tracer that watched it, and both sides read by the same percentiles.
#pragma once

#include <array>
#include <string>
#include <vector>

#include "calibration/fit/match.h"
#include "calibration/fit/measured.h"
#include "scenarios/profile.h"

namespace calibration {

inline constexpr std::array judged_percentiles{0.50, 0.90, 0.99, 0.999};

struct ComparedQuantity {
  std::string load, program, quantity;
  std::uint64_t captured_count = 0, simulated_count = 0;
  std::array<double, 4> captured_ns{}, simulated_ns{};  // at judged_percentiles, nearest rank
  std::array<bool, 4> enough{};  // at least ten captured values above it; the others are not judged

  // The aim: p50 within 10 % or 1 us, p99 within 30 %; other percentiles have none.
  bool within_aim(std::size_t percentile) const;
  double error(std::size_t percentile) const;  // relative, signed
};

struct ValidateOptions {
  sim::Nanos duration{60'000'000'000};
  std::uint64_t seed = 1;
  int rows_per_wake = 1;
};

// The quantities that both sides have: those of the programs, and the steps under each program. In the order
// of the captures. Deterministic.
std::vector<ComparedQuantity> compare_loads(const std::vector<MeasuredCapture>& captures,
                                            const std::vector<Workload>& workloads,
                                            const scenarios::Profile& profile,
                                            const ValidateOptions& options);

// The step percentiles of each load without a tracer.
struct UntracedStep {
  std::string load;
  std::uint64_t count = 0;
  std::array<double, 4> simulated_ns{};
};
std::vector<UntracedStep> untraced_steps(const std::vector<Workload>& workloads,
                                         const scenarios::Profile& profile, const ValidateOptions& options);

}  // namespace calibration
