// What a variant changes against another one, really and in simulation.
//
// Real repetitions are interleaved, so the one of a number is compared with the other variant's of the same
// number: what drifts is in both. Simulated replications of a number share their seed.
#pragma once

#include <array>
#include <span>
#include <string>
#include <vector>

#include "calibration/validate/compare_steps.h"
#include "sim/statistics.h"

namespace calibration {

inline constexpr double aimed_effect_error = 0.25;  // of an effect's size, relative

struct PercentileEffect {
  double reference_ns = 0;       // the other variant's real percentile, mean of its repetitions
  sim::PairedDifference real{};  // ns, over pairs of repetitions, 95 %
  sim::PairedDifference simulated{};
  bool judged = false;  // the percentile is, in both variants
  bool exceeds_noise() const { return real.verdict != sim::Verdict::cannot_tell; }
  bool sign_right() const { return (real.mean > 0) == (simulated.mean > 0); }
  // Simulated over real: 1 is right, below 0 the wrong sign.
  double size() const { return real.mean == 0 ? 0 : simulated.mean / real.mean; }
  bool size_right() const { return size() >= 1 - aimed_effect_error && size() <= 1 + aimed_effect_error; }
};

struct ColumnEffect {
  StepColumn column{};
  std::array<PercentileEffect, 4> percentiles;
};

struct Effect {
  std::string variant, against;
  int pairs = 0;  // of real repetitions
  std::vector<ColumnEffect> columns;
};

// One side: the columns of compare_steps, and the numbers of its real repetitions in the same order.
struct EffectSide {
  std::span<const ColumnComparison> columns;
  std::span<const int> repetitions;
};

// Empty columns where fewer than two pairs of repetitions exist.
Effect compare_effect(std::string variant, std::string against, const EffectSide& with,
                      const EffectSide& without);

}  // namespace calibration
