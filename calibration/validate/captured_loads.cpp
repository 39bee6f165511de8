#include "calibration/validate/captured_loads.h"

#include <algorithm>
#include <cmath>

namespace calibration {
namespace {

// bpftrace's own quantities are about the tracer; other tasks' are not simulated.
bool compared(const std::string& name) {
  return name.find(".tracer") == std::string::npos && name.find(".kernel") == std::string::npos;
}

ComparedQuantity compare(const MeasuredCapture& capture, const std::string& name, const Sample& captured,
                         const Sample& simulated) {
  ComparedQuantity row;
  row.load = capture.entry.load;
  row.program = to_string(capture.program);
  row.quantity = name;
  row.captured_count = captured.count();
  row.simulated_count = simulated.count();
  for (std::size_t i = 0; i < judged_percentiles.size(); ++i) {
    row.captured_ns[i] = captured.quantile_ns(judged_percentiles[i]);
    row.simulated_ns[i] = simulated.quantile_ns(judged_percentiles[i]);
    row.enough[i] = static_cast<double>(captured.count()) * (1 - judged_percentiles[i]) >= 10;
  }
  return row;
}

SimulateOptions simulate_options(const ValidateOptions& options, models::TracerProgram program) {
  return {.program = program,
          .rows_per_wake = options.rows_per_wake,
          .duration = options.duration,
          .seed = options.seed};
}

}  // namespace

double ComparedQuantity::error(std::size_t percentile) const {
  const double captured = captured_ns[percentile];
  const double difference = simulated_ns[percentile] - captured;
  return captured == 0 ? (difference == 0 ? 0 : HUGE_VAL) : difference / captured;
}

bool ComparedQuantity::within_aim(std::size_t percentile) const {
  const double difference = std::abs(simulated_ns[percentile] - captured_ns[percentile]);
  const bool within_1us = difference <= 1000;
  return percentile == 0   ? within_1us || std::abs(error(0)) <= 0.10
         : percentile == 2 ? within_1us || std::abs(error(2)) <= 0.30
                           : true;
}

std::vector<ComparedQuantity> compare_loads(const std::vector<MeasuredCapture>& captures,
                                            const std::vector<Workload>& workloads,
                                            const scenarios::Profile& profile,
                                            const ValidateOptions& options) {
  std::vector<ComparedQuantity> rows;
  for (const MeasuredCapture& capture : captures) {
    const auto workload = std::find_if(workloads.begin(), workloads.end(),
                                       [&](const Workload& each) { return each.load == capture.entry.load; });
    if (workload == workloads.end()) {
      continue;
    }
    models::HostConfig host = workload->host;
    host.costs = scenarios::costs_of(profile);
    const SimulatedLoad simulated =
        simulate_load(host, simulate_options(options, tracer_program(capture.program)));
    const MeasuredQuantity* disk = find_disk_irq(capture);
    for (const MeasuredQuantity& quantity : capture.quantities) {
      const std::string name = &quantity == disk ? disk_irq : quantity.name;
      const auto found = simulated.quantities.find(name);
      if (found != simulated.quantities.end() && compared(name) && quantity.count() > 0) {
        rows.push_back(compare(capture, name, sample_of(quantity), found->second));
      }
    }
  }
  return rows;
}

std::vector<UntracedStep> untraced_steps(const std::vector<Workload>& workloads,
                                         const scenarios::Profile& profile, const ValidateOptions& options) {
  std::vector<UntracedStep> rows;
  for (const Workload& workload : workloads) {
    models::HostConfig host = workload.host;
    host.costs = scenarios::costs_of(profile);
    const SimulatedLoad simulated =
        simulate_load(host, simulate_options(options, models::TracerProgram::none));
    const Sample& step = simulated.quantities.at("step");
    UntracedStep row{workload.load, step.count(), {}};
    for (std::size_t i = 0; i < judged_percentiles.size(); ++i) {
      row.simulated_ns[i] = step.quantile_ns(judged_percentiles[i]);
    }
    rows.push_back(row);
  }
  return rows;
}

}  // namespace calibration
