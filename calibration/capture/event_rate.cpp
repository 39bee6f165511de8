#include "calibration/capture/event_rate.h"

#include <algorithm>
#include <chrono>
#include <fstream>
#include <sstream>
#include <string>
#include <thread>

#include "calibration/capture/tracer.h"
#include "calibration/traces/text_scan.h"

namespace calibration {
namespace {

std::string read_proc(const char* path) {
  std::ostringstream text;
  text << std::ifstream{path}.rdbuf();
  return text.str();
}

}  // namespace

KernelCounts parse_proc_stat(std::string_view text) {
  KernelCounts counts;
  for (TextScan scan{text}; !scan.done(); scan.past("\n")) {
    TextScan line{scan.until('\n')};
    const std::string_view key = line.word();
    line.spaces();
    if (key == "intr") {
      line.number(counts.interrupts);
    } else if (key == "softirq") {
      line.number(counts.softirqs);
    } else if (key == "ctxt") {
      line.number(counts.switches);
    }
  }
  return counts;
}

std::uint64_t estimated_events(const KernelCounts& before, const KernelCounts& after) {
  constexpr std::uint64_t per_interrupt = 3, per_softirq = 3, per_switch = 4;
  return per_interrupt * (after.interrupts - before.interrupts) +
         per_softirq * (after.softirqs - before.softirqs) + per_switch * (after.switches - before.switches);
}

MapPlan plan_map(double events_per_second, double seconds, int cpus, std::uint64_t available_bytes,
                 std::uint64_t wanted) {
  constexpr double margin = 3;
  constexpr double quiet_load = 50'000;  // events a second and CPU: a load that has yet to start
  constexpr std::uint64_t most_for_quiet = 1 << 22, least = 4096, most = std::uint64_t{1} << 26;
  MapPlan plan;
  plan.events_per_second = events_per_second;
  const auto expected = static_cast<std::uint64_t>(std::min(events_per_second * seconds * margin, 1e12));
  const auto quiet = static_cast<std::uint64_t>(quiet_load * seconds * std::max(cpus, 1));
  const std::uint64_t floor = std::min(quiet, most_for_quiet);
  plan.entries = wanted != 0 ? wanted : std::max(expected, floor);
  const std::uint64_t room = available_bytes / 4 / (map_entry_bytes + printed_entry_bytes);
  const std::uint64_t limit = std::clamp(room, least, most);
  plan.limited_by_memory = plan.entries > limit;
  plan.entries = std::min(plan.entries, limit);
  plan.kernel_bytes = plan.entries * map_entry_bytes;
  plan.printing_bytes = plan.entries * printed_entry_bytes;
  return plan;
}

double measure_event_rate() {
  const std::int64_t start = monotonic_ns();
  const KernelCounts before = parse_proc_stat(read_proc("/proc/stat"));
  std::this_thread::sleep_for(std::chrono::milliseconds{300});
  const KernelCounts after = parse_proc_stat(read_proc("/proc/stat"));
  const double seconds = static_cast<double>(monotonic_ns() - start) / 1e9;
  return static_cast<double>(estimated_events(before, after)) / seconds;
}

std::uint64_t available_memory() {
  const std::string text = read_proc("/proc/meminfo");
  TextScan scan{text};
  std::uint64_t kib = 0;
  if (scan.past("MemAvailable:")) {
    scan.spaces();
    scan.number(kib);
  }
  return kib * 1024;
}

}  // namespace calibration
