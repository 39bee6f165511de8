// A captured load, simulated: the scenario that describes it, with the tracer that watched it.
//
//   capture (load, program) ─┬─ measured quantities ──────────────────────────┐
//   scenario of the load ────┴─ Host + Tracer ─► the same quantities, simulated ┴─► match, compare
//
// Quantities carry the names of calibration/fit/measured.h. Those of the five programs come from the rows
// that the simulated programs print, so they are truncated, and flawed, as the captured ones are.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "calibration/fit/measured.h"
#include "models/host_config.h"
#include "models/metrics.h"
#include "sim/histogram.h"

namespace calibration {

// The values of one quantity, captured or simulated, in one form that both fit.
struct Sample {
  sim::Histogram histogram;  // in units; exact below 256 units, within 0.4 % above
  sim::Nanos unit{1};        // 1 us for what the programs print, 1 ns for the steps

  std::uint64_t count() const { return histogram.count(); }
  double quantile_ns(double p) const;  // nearest rank; 0 when empty
  double trimmed_mean_ns(
      double p) const;  // of the values up to quantile p, half a unit added where truncated
};

Sample sample_of(const MeasuredQuantity& quantity);

struct SimulatedLoad {
  std::map<std::string, Sample> quantities;
  models::Metrics metrics;
};

struct SimulateOptions {
  models::TracerProgram program = models::TracerProgram::none;
  int rows_per_wake = 1;
  sim::Nanos warmup{200'000'000};
  sim::Nanos duration{10'000'000'000};
  std::uint64_t seed = 1;
};

SimulatedLoad simulate_load(models::HostConfig host, const SimulateOptions& options);

models::TracerProgram tracer_program(BpftraceProgram program);

// The disk's interrupt goes by the number the machine gave it; here it is the most frequent one.
inline constexpr const char* disk_irq = "irq.disk";
const MeasuredQuantity* find_disk_irq(const MeasuredCapture& capture);

// Workload rows per wakeup of bpftrace itself, as the wakeup program's captures of `loads` show; 1 when
// unknown. perf wakes its reader at every row; rows printed in sched_switch visibly do not, for a reason that
// the captures do not tell, so this is a measured number. The other programs' rows are taken to wake it each.
int tracer_rows_per_wake(const std::vector<MeasuredCapture>& captures, const std::vector<std::string>& loads);

}  // namespace calibration
