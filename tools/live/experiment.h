// The repetitions of a live experiment: 1 of every variant, then 2 of every variant, ..., then the captured
// ones. So a slow change of the machine falls on all variants alike, and a run that is stopped has something
// of each.
#pragma once

#include <atomic>
#include <exception>
#include <string>
#include <vector>

#include "scenarios/results_json.h"
#include "tools/live/journal.h"
#include "tools/live/live_results.h"
#include "tools/live/requirements.h"

namespace tools::live {

struct ExperimentRequest {
  std::string directory;  // of the results; empty: none is written
  int captures = 0;
  CaptureMode capture = CaptureMode::bpf;
  std::uint64_t steps = 0;  // of a repetition; 0: report.run.duration counts
  bool bounded = false;     // report.run.duration counts too
  std::string data_file;
  std::uint64_t file_size = 0;
  bool uses_file = false;
};

struct ExperimentRuns {
  std::vector<LiveRun> runs;   // without their steps, which `report` has as histograms
  std::exception_ptr failure;  // what ended it early, after its settings were undone
};

// What there is to do, in order, each without its result. `capture` none: no captured ones.
std::vector<LiveRun> planned_runs(std::size_t variants, int repetitions, int captures, CaptureMode capture);

// Fills `report.result` and `report.not_counted`. `plans`: of report.variants. The data file is made, and
// removed if it was.
ExperimentRuns run_live(scenarios::Report& report, const std::vector<LivePlan>& plans,
                        const ExperimentRequest& request, Journal& journal, const std::atomic<bool>& stop);

}  // namespace tools::live
