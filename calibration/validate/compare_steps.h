// The steps of repeated real runs against those of simulated replications: column by column, percentile by
// percentile.
//
//   real repetitions ─────► percentile of each ─► median ──┐  error, interval, spread, equivalence,
//   simulated replications ► percentile of each ─► median ──┴─ prediction, distance
//
// The unit is a whole repetition: steps within one are not independent, and what differs between repetitions
// is the noise that a prediction cannot be better than. Intervals of errors: cluster bootstrap over both
// sides' repetitions (sim/bootstrap.h). Equivalence: two one-sided Welch tests on the logarithms of the
// percentiles; a margin of 10 % is the interval from 1/1.1 to 1.1 of their ratio, as ratios are tested in
// bioequivalence.
//
// A single real run is cut into blocks of time, which stand for repetitions: its value is the whole run's,
// the scatter is that of resampled blocks, and there is no spread between runs to stand beside an error.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "calibration/validate/column_distances.h"
#include "calibration/validate/predict.h"
#include "calibration/validate/step_columns.h"
#include "sim/equivalence.h"

namespace calibration {

inline constexpr std::array compared_percentiles{0.50, 0.90, 0.99, 0.999};
inline constexpr std::array<std::string_view, 4> percentile_texts{"p50", "p90", "p99", "p99.9"};
// The largest error that is aimed at, where the simulated value is not inside the real repetitions' spread.
inline constexpr std::array aimed_errors{0.05, 0.07, 0.12, 0.25};
inline constexpr std::size_t time_blocks = 10;
inline constexpr std::uint64_t samples_above_to_judge = 10;

struct RealSteps {
  std::vector<StepSample> samples;  // repetitions, or blocks of the one run; at least 2
  bool blocks = false;
};
// One run is cut into blocks. Not empty.
RealSteps real_steps(std::span<const std::vector<StepRow>> repetitions);

struct Spread {  // between real repetitions
  double low_ns = 0, high_ns = 0;
  double relative = 0;  // standard deviation / mean
};

struct PercentileComparison {
  std::vector<double> real_each_ns, simulated_each_ns;  // by repetition or block, by replication
  double real_ns = 0, simulated_ns = 0;                 // medians of those; of blocks: of the whole run
  double real_pooled_ns = 0, simulated_pooled_ns = 0;
  std::uint64_t real_above = 0;    // real samples above it, of all repetitions
  bool judged = false;             // at least samples_above_to_judge, on both sides
  double error = 0;                // simulated / real - 1
  sim::Interval error_interval{};  // 95 %
  std::optional<Spread> spread;    // none for blocks
  bool inside_spread = false;      // the simulated value, of the real repetitions' smallest to largest
  sim::EquivalenceTest equivalence{};
  Prediction prediction;               // of one real run's percentile
  int predicted = 0, predictions = 0;  // real runs whose percentile is in it, and all
  bool aim_met(std::size_t percentile) const;
};

struct ColumnComparison {
  StepColumn column{};
  double real_mean_ns = 0, simulated_mean_ns = 0;
  std::array<PercentileComparison, 4> percentiles;
  ColumnDistances distances;
};

struct CompareOptions {
  double margin = 0.10;  // of equivalence, relative, > 0
  int resamples = 1000;
  std::uint64_t seed = 1;  // of the bootstrap
};

// `simulated`: at least 2 replications. `perturbed`: with costs drawn from their uncertainties; may be empty.
// Columns that no real step uses are left out.
std::vector<ColumnComparison> compare_steps(const RealSteps& real, std::span<const StepSample> simulated,
                                            std::span<const StepSample> perturbed,
                                            const scenarios::Profile& profile, const CompareOptions& options);

}  // namespace calibration
