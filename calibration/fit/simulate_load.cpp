#include "calibration/fit/simulate_load.h"

#include <algorithm>
#include <utility>

#include "models/host.h"

namespace calibration {
namespace {

// "burst-0" is a burst; a bulk flow's sender and receiver have names of their own.
std::string role_of(const models::Host& host, std::int64_t task) {
  const auto id = static_cast<models::TaskId>(task);
  const std::string role{host.task_role(id)};
  if (role != "background") {
    return role;
  }
  std::string name{host.task_name(id)};
  name = name.substr(0, name.rfind('-'));
  return name == "bulk" ? "bulk-tx" : name;
}

std::string quantity_of(const models::Host& host, models::TracerProgram program,
                        const models::TracerRow& row) {
  switch (program) {
    case models::TracerProgram::irq:
      return disk_irq;
    case models::TracerProgram::softirq:
      return "softirq." + std::string{softirq_name(row.key)};
    case models::TracerProgram::wakeup:
      return "wakeup_to_run." + role_of(host, row.key);
    case models::TracerProgram::epoll:
      return "epoll_wait." + role_of(host, row.key);
    case models::TracerProgram::uring:
      return "io_uring_enter." + role_of(host, row.key);
    case models::TracerProgram::none:
    case models::TracerProgram::chain:  // prints no rows
      break;
  }
  return "";
}

}  // namespace

double Sample::quantile_ns(double p) const {
  return static_cast<double>(histogram.percentile(p)) * static_cast<double>(unit.count());
}

double Sample::trimmed_mean_ns(double p) const {
  const std::int64_t limit = histogram.percentile(p);
  double sum = 0;
  double times = 0;
  histogram.for_each([&](std::int64_t low, std::int64_t high, std::uint64_t bucket) {
    if (low <= limit) {
      sum += (static_cast<double>(low) + static_cast<double>(high - 1)) / 2 * static_cast<double>(bucket);
      times += static_cast<double>(bucket);
    }
  });
  const double half = unit > sim::Nanos{1} ? 0.5 : 0;
  return times == 0 ? 0 : (sum / times + half) * static_cast<double>(unit.count());
}

Sample sample_of(const MeasuredQuantity& quantity) {
  Sample sample;
  sample.unit = quantity.resolution;
  for (const auto& [value, times] : quantity.values.values()) {
    sample.histogram.record(value, times);
  }
  return sample;
}

models::TracerProgram tracer_program(BpftraceProgram program) {
  switch (program) {
    case BpftraceProgram::irq:
      return models::TracerProgram::irq;
    case BpftraceProgram::softirq:
      return models::TracerProgram::softirq;
    case BpftraceProgram::wakeup:
      return models::TracerProgram::wakeup;
    case BpftraceProgram::epoll:
      return models::TracerProgram::epoll;
    case BpftraceProgram::uring:
      return models::TracerProgram::uring;
  }
  return models::TracerProgram::none;
}

SimulatedLoad simulate_load(models::HostConfig config, const SimulateOptions& options) {
  config.tracer.program = options.program;
  config.tracer.rows_per_wake = options.program == models::TracerProgram::wakeup ? options.rows_per_wake : 1;
  models::Host host{config, options.seed};
  host.run(options.warmup, options.duration);

  SimulatedLoad result;
  result.metrics = host.metrics();
  for (const models::TracerRow& row : host.tracer_rows()) {
    Sample& sample = result.quantities[quantity_of(host, options.program, row)];
    sample.unit = std::chrono::microseconds{1};
    sample.histogram.record(row.duration_us);
  }
  for (const auto& [name, metric] :
       {std::pair{"timer_late", models::Metric::timer_late}, std::pair{"tool", models::Metric::tool},
        std::pair{"read", models::Metric::read}, std::pair{"parse", models::Metric::compute},
        std::pair{"step", models::Metric::step}}) {
    result.quantities[name].histogram = result.metrics[metric];
  }
  return result;
}

const MeasuredQuantity* find_disk_irq(const MeasuredCapture& capture) {
  const MeasuredQuantity* most = nullptr;
  for (const MeasuredQuantity& quantity : capture.quantities) {
    if (quantity.name.starts_with("irq.") && (most == nullptr || quantity.count() > most->count())) {
      most = &quantity;
    }
  }
  return most;
}

int tracer_rows_per_wake(const std::vector<MeasuredCapture>& captures,
                         const std::vector<std::string>& loads) {
  std::uint64_t tracer = 0;
  std::uint64_t others = 0;
  for (const MeasuredCapture& capture : captures) {
    const bool counts = std::find(loads.begin(), loads.end(), capture.entry.load) != loads.end();
    if (!counts || capture.program != BpftraceProgram::wakeup) {
      continue;
    }
    for (const MeasuredQuantity& quantity : capture.quantities) {
      if (quantity.name.starts_with("wakeup_to_run.")) {
        (quantity.name == "wakeup_to_run.tracer" ? tracer : others) += quantity.count();
      }
    }
  }
  return tracer == 0 ? 1 : std::max(1, static_cast<int>((others + tracer / 2) / tracer));
}

}  // namespace calibration
