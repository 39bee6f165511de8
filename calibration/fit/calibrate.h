// Captures to a profile: what was measured, what was matched, what could not be identified.
//
//   captures ─ measure ─► quantities ─┬─ direct costs (a quantity is the cost)
//                                     ├─ shapes      (a quantity's spread is the cost's)
//   workload scenarios ───────────────┴─ matched costs (match.h)
//   captures of events ─ intervals ──────── costs of straight-line code (events/event_costs.h)
//   live runs ─ untraced steps ──────────── costs that events cannot tell (match_steps.h)
//   defaults ─────────────────────────── everything else, labelled as such
#pragma once

#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "calibration/fit/events/event_costs.h"
#include "calibration/fit/match.h"
#include "calibration/fit/match_steps.h"
#include "calibration/fit/measured.h"
#include "scenarios/profile.h"

namespace calibration {

struct CalibrateOptions {
  std::vector<std::filesystem::path> captures;
  // LOAD=SCENARIO: loads whose scenario is known. Only these are used to calibrate; the rest is read,
  // reported, and left for validation.
  std::vector<std::pair<std::string, std::string>> workloads;
  std::string defaults = "calibration/profiles/defaults.yaml";
  std::string machine;  // one line for the profile; may be empty
  std::string kernel;
  // Of directories with live runs: the variants to calibrate on; empty: all that were run.
  std::vector<std::string> variants;
  bool match_steps = true;  // of live runs; false: only what events tell
  MatchStepsOptions matching;
};

struct CalibratedCost {
  models::Cost cost;
  std::string source;  // quantity and capture, or the match
  std::uint64_t count = 0;
  std::string form;
  double ks = -1;  // < 0: none
};

struct Calibration {
  scenarios::Profile profile;
  std::vector<MeasuredCapture> captures;
  std::vector<CalibratedCost> direct;
  std::vector<MatchResult> matched;
  std::vector<models::Cost> unidentified;  // stay at their defaults
  EventCalibration events;                 // of captures of events; no captures: there were none
  std::vector<models::Cost> identified;    // costs that events fix, so that steps need not be matched by them
  std::vector<FreeCost> free;              // costs that steps are matched by, where there are live runs
  StepMatch steps;
  int rows_per_wake = 1;
};

// Throws InputError for unusable captures, scenarios or defaults.
Calibration calibrate(const CalibrateOptions& options);

// The load's name: "k2-n4" of "k2-n4.trace.zst", "n4" of "n4.c1.chain.txt.zst".
std::string load_of(const std::filesystem::path& capture);

// What calibrate() does with a directory of live runs, once its captures are in `result.events`: matches the
// free costs to the untraced steps, and notes how repetitions differ.
void match_live_runs(Calibration& result, const std::filesystem::path& directory,
                     const CalibrateOptions& options);

// Without live runs, the steps beside the captures, which were made under the same tracer: what is found
// holds for a machine that is traced so. Captures without steps, or of no workload, are passed over.
void match_captured_steps(Calibration& result, const std::vector<EventCapture>& captures,
                          const std::vector<Workload>& workloads, const CalibrateOptions& options);

// The workloads' hosts, their costs taken from `profile_path` (a profile or the defaults).
std::vector<Workload> load_workloads(const std::vector<std::pair<std::string, std::string>>& workloads,
                                     const std::string& profile_path);

}  // namespace calibration
