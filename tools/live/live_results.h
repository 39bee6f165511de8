// What a live run leaves: files of each repetition, and the whole as a simulated run's results would be.
//
//   WorkloadResult ─┬─► DIR/VARIANT.rK.steps.csv.gz, .run.json      untraced repetition K
//                   ├─► DIR/VARIANT.cK.steps.csv.gz, .run.json      captured repetition K, beside its events
//                   └─► models::Metrics ─► scenarios::Report ─► DIR/results.json
//
// Each file is written whole or not at all, .run.json last: where it is, the repetition is complete.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "models/metrics.h"
#include "scenarios/results_json.h"
#include "scenarios/scenario.h"
#include "tools/live/requirements.h"
#include "tools/live/workload.h"

namespace tools::live {

// One repetition of one variant.
struct LiveRun {
  std::size_t variant = 0;  // of the experiment's
  int repetition = 0;       // from 1
  CaptureMode capture = CaptureMode::none;
  std::vector<std::string> settings;  // made for it
  std::uint64_t steps = 0;            // measured; their rows may be gone from `result`
  WorkloadResult result;

  bool captured() const { return capture != CaptureMode::none; }
};

// "mixed.r3", "mixed.c1".
std::string run_stem(const std::string& variant, int repetition, bool captured);
std::string_view to_string(CaptureMode mode);

// The steps and counters of a real run in the form of a simulated one's. Sessions are counted from an agent's
// first measured step on.
models::Metrics metrics_of(const models::HostConfig& host, const WorkloadResult& result);

// Counters that a real machine never tells, and those that this one did not tell in `result`.
std::vector<models::Counter> not_counted(const WorkloadResult& result);

// What a capture knows beside the steps: stages, waits, chains. `events`: the capture's file of events.
// Throws InputError.
void add_captured(const std::string& events, models::Metrics& metrics);

// DIR/STEM.steps.csv.gz and DIR/STEM.run.json. Throws OutputError.
void write_run(const std::string& directory, const scenarios::Variant& variant, const LiveRun& run);

// agent,start_ns,timer_late_ns,tool_ns,read_ns,parse_ns
std::string steps_csv(const std::vector<calibration::StepRow>& rows);

// The object `live` of results.json.
struct LiveProvenance {
  std::string disk;  // of the data file
  std::uint64_t file_size = 0;
  CaptureMode capture = CaptureMode::none;
  int captures = 0;
};
nlohmann::ordered_json live_json(const scenarios::Report& report, const LiveMachine& machine,
                                 const std::vector<LivePlan>& plans, const std::vector<LiveRun>& runs,
                                 const LiveProvenance& provenance);

// "AMD EPYC, 2 CPUs, kvm" and "6.18.44 #1 SMP PREEMPT_DYNAMIC".
std::string machine_text(const LiveMachine& machine);
std::string kernel_text(const LiveMachine& machine);

}  // namespace tools::live
