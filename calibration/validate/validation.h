// Simulated against real: what `chainsim validate` says about a profile.
//
//   live runs (or a capture with steps) ─┐   per variant: steps, load, where differences come from, stages
//   scenario's variants + profile ───────┴─► between variants: effects; over all: coverage of predictions
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "calibration/validate/capture_stages.h"
#include "calibration/validate/compare_steps.h"
#include "calibration/validate/effects.h"
#include "calibration/validate/load_use.h"
#include "scenarios/scenario.h"

namespace calibration {

// One variant as it really ran.
struct RealVariant {
  const scenarios::Variant* variant = nullptr;  // how to simulate it; its costs are the profile's
  std::string name;                             // of the variant, or of the load where a capture has one
  std::vector<LiveRun> repetitions;             // not empty
  bool traced = false;                          // the repetitions were: simulated under a tracer too
  std::vector<LiveRun> captured;                // for stages; those without events are left out
};

struct ValidationOptions {
  CompareOptions compare;
  sim::Nanos warmup{0};
  sim::Nanos duration{0};  // of a replication; 0: as long as a real repetition (the median)
  int replications = 0;    // 0: as many as there are real repetitions, at least 5
  int draws = 6;           // of uncertain costs; 0: prediction intervals without calibration uncertainty
  std::uint64_t seed = 1;
  int threads = 1;
  const std::atomic<bool>* stop = nullptr;
  std::function<void(double)> progress;  // share of the work done, 0..1
};

struct VariantValidation {
  std::string name, title;
  bool calibrated = false;  // the profile was calibrated on it; otherwise held out
  bool traced = false, blocks = false;
  std::vector<int> repetitions;  // numbers of the real ones
  int replications = 0;
  double real_seconds = 0, simulated_seconds = 0;     // of one, median
  std::uint64_t real_steps = 0, simulated_steps = 0;  // of all
  std::vector<ColumnComparison> columns;
  LoadUse real_use, simulated_use;
  Contributions all_steps, slowest_steps;  // by column
  std::vector<CaptureComparison> captures;
  std::vector<double> capture_slowdown;  // step p50 of each captured over the untraced median, - 1
  std::vector<std::string> warnings;
  std::vector<std::string> outside_domain;

  const ColumnComparison* find(StepColumn column) const;
};

struct Coverage {  // of one column and percentile over variants: real runs within their prediction intervals
  int predicted = 0, predictions = 0;
};

struct Validation {
  std::vector<VariantValidation> variants;  // in the order given
  std::vector<Effect> effects;
  bool interrupted = false;

  Coverage coverage(StepColumn column, std::size_t percentile, bool calibrated) const;
};

// Deterministic. Variants share seeds; threads do not change a number.
Validation validate_runs(const std::vector<RealVariant>& real, const scenarios::Profile& profile,
                         const ValidationOptions& options);

}  // namespace calibration
