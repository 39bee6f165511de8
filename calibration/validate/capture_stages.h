// The stages of a captured real run beside those of a simulated run of the same load, both found by the same
// analysis of their events.
//
//   capture ──EventReader──┐
//   host, traced ──────────┴─► Analysis ─► StageTable, BlameTable ─► rows, contributions
//
// The simulated run has a tracer too: every event costs it the profile's event_record, as it costs the real
// one. Groups meet by name; agents count together, and interrupts by their handler without its numbers, for
// the machine numbers them.
#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "calibration/analysis/analysis.h"
#include "calibration/validate/contributions.h"
#include "calibration/validate/simulated_runs.h"

namespace calibration {

struct StageComparison {
  StageId stage{};
  std::string group;
  std::uint64_t real_count = 0, simulated_count = 0;
  double real_per_second = 0, simulated_per_second = 0;
  double real_mean_ns = 0, simulated_mean_ns = 0;             // napi_work: packets
  std::array<double, 4> real_ns{}, simulated_ns{};            // at compared_percentiles
  std::array<bool, 4> judged{};                               // 10 samples above, on both sides
  std::optional<double> wasserstein;                          // normalised; none where the real mean is 0
  std::optional<double> error(std::size_t percentile) const;  // relative; none where the real one is 0
};

struct CaptureComparison {
  std::string name;  // of the capture's file
  double real_seconds = 0, simulated_seconds = 0;
  std::int64_t time_resolution_ns = 1;
  std::uint64_t lost_events = 0, broken_switches = 0, switches = 0;
  std::vector<StageComparison> stages;  // that both have, in the order of StageId
  std::vector<std::string> only_real;   // "irq_handler of irq virtio-tx": seen once a second or more
  std::vector<std::string> only_simulated;
  Contributions all_steps, slowest_steps;  // by blame
};

// `job`: the host without a tracer; its agents' names are those of the captured tasks. Throws InputError.
CaptureComparison compare_capture(const std::filesystem::path& events, const SimulationJob& job);

// "irq 36 virtio1-req.0" -> "irq virtio-req"; other names as they are.
std::string group_label(std::string_view group);

}  // namespace calibration
