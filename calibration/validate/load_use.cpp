#include "calibration/validate/load_use.h"

#include <fmt/format.h>

#include <cmath>

#include "sim/statistics.h"

namespace calibration {
namespace {

constexpr double little_idle_percent = 5;
constexpr double other_throughput = 0.10;  // relative

std::optional<double> bytes_of(const LiveRun& run) {
  if (const auto counted = run[models::Counter::background_bytes]) {
    return static_cast<double>(*counted);
  }
  if (run.background.empty()) {
    return std::nullopt;
  }
  double bytes = 0;
  for (const auto& [name, use] : run.background) {
    bytes += static_cast<double>(use.bytes);
  }
  return bytes;
}

CpuUse cpu_of(const models::Metrics& metrics, int cpus) {
  using models::Counter;
  const double all = static_cast<double>(metrics.measured.count()) * cpus;
  const auto percent = [&](auto... counters) {
    return 100 * (static_cast<double>(metrics[counters]) + ...) / all;
  };
  return {.user = percent(Counter::cpu_user_ns),
          .system = percent(Counter::cpu_system_ns, Counter::cpu_other_ns),
          .softirq = percent(Counter::cpu_softirq_ns, Counter::cpu_ksoftirqd_ns),
          .hardirq = percent(Counter::cpu_hardirq_ns),
          .idle = percent(Counter::cpu_idle_ns)};
}

CpuUse median_use(std::span<const CpuUse> uses) {
  const auto median = [&](double CpuUse::*part) {
    std::vector<double> values;
    for (const CpuUse& use : uses) {
      values.push_back(use.*part);
    }
    return sim::median(values);
  };
  return {.user = median(&CpuUse::user),
          .system = median(&CpuUse::system),
          .softirq = median(&CpuUse::softirq),
          .hardirq = median(&CpuUse::hardirq),
          .idle = median(&CpuUse::idle),
          .steal = median(&CpuUse::steal)};
}

LoadUse medians(std::span<const double> steps, std::span<const double> bytes, std::span<const CpuUse> cpu) {
  LoadUse use;
  use.steps_per_second = sim::median(steps);
  if (!bytes.empty()) {
    use.background_bytes_per_second = sim::median(bytes);
  }
  if (!cpu.empty()) {
    use.cpu = median_use(cpu);
  }
  return use;
}

void warn_throughput(std::vector<std::string>& warnings, const char* what, double real, double simulated) {
  if (real > 0 && std::abs(simulated / real - 1) > other_throughput) {
    warnings.push_back(
        fmt::format("{} differ: simulated {:+.0f} % of the real ones", what, 100 * (simulated / real - 1)));
  }
}

}  // namespace

LoadUse real_use(std::span<const LiveRun> runs) {
  std::vector<double> steps;
  std::vector<double> bytes;
  std::vector<CpuUse> cpu;
  for (const LiveRun& run : runs) {
    steps.push_back(static_cast<double>(run.steps.size()) / run.seconds());
    if (const auto counted = bytes_of(run)) {
      bytes.push_back(*counted / run.seconds());
    }
    if (run.cpu) {
      cpu.push_back(*run.cpu);
    }
  }
  return medians(steps, bytes, cpu);
}

LoadUse simulated_use(std::span<const models::Metrics> runs, int cpus) {
  std::vector<double> steps;
  std::vector<double> bytes;
  std::vector<CpuUse> cpu;
  for (const models::Metrics& run : runs) {
    const double seconds = static_cast<double>(run.measured.count()) * 1e-9;
    steps.push_back(static_cast<double>(run[models::Counter::steps]) / seconds);
    bytes.push_back(static_cast<double>(run[models::Counter::background_bytes]) / seconds);
    cpu.push_back(cpu_of(run, cpus));
  }
  return medians(steps, bytes, cpu);
}

std::vector<std::string> saturation_warnings(const LoadUse& real, const LoadUse& simulated, bool hogs) {
  std::vector<std::string> warnings;
  for (const auto& [use, side] : {std::pair{&real, "real"}, std::pair{&simulated, "simulated"}}) {
    if (!hogs && use->cpu && use->cpu->idle < little_idle_percent) {
      warnings.push_back(fmt::format(
          "saturated: the {} CPUs are idle for {:.1f} % of the time, so waits grow with the length of a run",
          side, use->cpu->idle));
    }
  }
  warn_throughput(warnings, "steps per second", real.steps_per_second, simulated.steps_per_second);
  if (real.background_bytes_per_second && simulated.background_bytes_per_second) {
    warn_throughput(warnings, "background bytes per second", *real.background_bytes_per_second,
                    *simulated.background_bytes_per_second);
  }
  return warnings;
}

}  // namespace calibration
