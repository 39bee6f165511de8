// The interval in which a percentile of the next real run is to be expected, from a simulation of it.
//
//   replications  the simulated value itself is known from a few replications      variance s^2 / n
//   calibration   the costs are known from captures of finite length: replications with costs drawn from
//                 their uncertainties scatter more than replications without       max(0, s_costs^2 - s^2)
//   repeat        one real run differs from the next: the relative spread that the calibration runs had,
//                 and no less than that of replications, which knows the run's own length   max(s_runs, s)^2
//
// On logarithms, for errors are relative; variances add, degrees of freedom by Satterthwaite
// (sim/prediction.h). The calibration term is the analysis of variance's estimate of a component (Searle,
// Casella, McCulloch, "Variance Components", 1992, 3.5); a few draws estimate it roughly.
//
// Left out: what the model does not know of. An interval that keeps missing says that something is.
#pragma once

#include <array>
#include <cstdint>
#include <span>

#include "models/costs.h"
#include "scenarios/profile.h"
#include "sim/statistics.h"

namespace calibration {

struct PredictionSources {
  std::span<const double> replications;  // the percentile in each, > 0; at least 2
  std::span<const double> perturbed;     // the same with costs drawn anew each time; fewer than 2: not known
  double repeat_spread = 0;              // relative standard deviation between real runs; 0: not known
};

struct Prediction {
  double value = 0;        // the geometric mean of the replications
  sim::Interval interval;  // for one more real run
  // Relative standard deviations that went into it.
  double replication = 0, calibration = 0, repeat = 0;
};

Prediction predict(const PredictionSources& sources, double confidence = 0.95);

// The profile's costs, each with an uncertainty scaled by a factor exp(u z) of its own, z standard normal;
// u is that of its median. The same profile and draw give the same costs.
models::Costs perturbed_costs(const scenarios::Profile& profile, std::uint64_t draw);
bool has_uncertainties(const scenarios::Profile& profile);

// Of the profile's calibration runs; 0: not measured. `percentile`: 0 p50, 1 p90, 2 p99, 3 p99.9.
double repeat_spread(const scenarios::Profile& profile, models::Metric column, std::size_t percentile);

}  // namespace calibration
