// Costs that no event stream tells, found by matching simulated to measured steps.
//
//   free costs ─► simulate every load ─► quantiles of timer_late, tool, read, step ─┐
//   measured steps of the same loads (untraced repetitions) ────────────────────────┴─► loss ─► NLopt
//   (and the share of CPU time that is not idle, where it is known: what the steps do not wait for)
//
// Loss:  the sum over loads, columns and probabilities of huber(r), r = log((simulated + 1 us) / (measured +
//        1 us)) / noise; noise is the relative standard error of the measured quantile, from its repetitions,
//        and at least 1 %. Huber's limit is 3: a quantile that no cost can reach does not rule the others.
// Method: Gauss-Newton steps with Huber's weights while they help, then, of more than one cost, BOBYQA (Powell
//        2009; NLopt's LN_BOBYQA), bounded, on simulations that share their random numbers. Deterministic.
// Identifiability: the Jacobian of r at the optimum, by differences. A free cost is identified when moving
//        it alone by its standard error, sqrt(diag((J'J)^-1)), is less than half of itself; directions with
//        next to no effect are told, and such a cost goes back to where it started.
// Uncertainty: repetitions are drawn with replacement, and the optimum moves by one Gauss-Newton step with
//        the same Jacobian (one-step bootstrap: Davison, Hinkley, "Bootstrap Methods and their Application",
//        1997, 2.7).
// Left out: stalls, which are counted apart (step_stalls.h): loads are simulated without them, and compared up to
//           p90, the agents' own computing, which is short and shows what interrupts it, up to p99.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "calibration/fit/match.h"
#include "calibration/traces/steps.h"
#include "models/costs.h"
#include "models/host_config.h"
#include "models/metrics.h"
#include "scenarios/profile.h"

namespace calibration {

// A cost that may move. One cost may be listed twice: scaled, then shifted.
struct FreeCost {
  models::Cost cost;
  Adjust adjust;
  double low, high;  // factor, or ns; low < high
  std::string why;   // what it stands for that no event shows
  std::vector<models::Cost> also{};  // move with it, by the same factor
};

// One load: how it is simulated, and what was measured of it.
struct StepLoad {
  std::string name;
  models::HostConfig host;  // its costs are replaced
  std::vector<std::vector<StepRow>> repetitions;
  std::vector<double> busy{};  // by repetition: share of all CPUs' time that was not idle, 0..1; empty: unknown
};

struct StepTarget {
  std::size_t load = 0;  // index
  models::Metric column{};
  double p = 0;             // 0: not a column's quantile but the share of CPU time that is not idle
  double measured_ns = 0;   // or the share, by 1e9
  double noise = 0;  // relative standard error, >= 0.01
  std::vector<double> by_repetition_ns;
};

struct MatchedCost {
  FreeCost free;
  double adjustment = 0;  // factor, or ns
  double standard_error = 0;
  bool identified = false;
  std::uint64_t count = 0;  // measured steps behind it
};

struct MatchedTarget {
  StepTarget target;
  double before_ns = 0, after_ns = 0;  // simulated
};

struct StepMatch {
  std::vector<std::string> loads;  // by StepTarget::load
  std::vector<MatchedCost> costs;
  std::vector<MatchedTarget> targets;
  double loss_before = 0, loss_after = 0;
  double condition = 0;  // of J'J with unit diagonal: above about 1e4, costs stand in for each other
  int simulations = 0;
};

struct MatchStepsOptions {
  sim::Nanos warmup{300'000'000};
  sim::Nanos duration{6'000'000'000};  // simulated, of each load
  int replications = 2;
  int jobs = 2;
  std::uint64_t seed = 1;
  int evaluations = 150;  // at most, of the loss
  const std::atomic<bool>* stop = nullptr;
  std::function<void(int, double)> progress;  // evaluations so far, loss
};

// The columns of one load as they were measured. At least one row in every repetition; a load with a single
// repetition is cut into ten blocks of time, which stand for repetitions.
std::vector<StepTarget> step_targets(const std::vector<StepLoad>& loads);

// Whether steps were measured under the tracer that the identified costs come from.
enum class StepsTraced : std::uint8_t { no, yes };

// Those that the loads' steps can find and that are not `identified` already; and where steps are untraced, by how
// much the tracer slowed those that are.
std::vector<FreeCost> free_costs(const std::vector<models::Cost>& identified,
                                 const std::vector<StepLoad>& loads, StepsTraced traced);

// Finds the free costs and writes them into `profile`, whose costs are all set. Loads with steps only.
StepMatch match_steps(scenarios::Profile& profile, const std::vector<StepLoad>& loads,
                      const std::vector<FreeCost>& free, const MatchStepsOptions& options);

// The relative spread of real repetitions, by load, column and percentile: what one more would vary by.
double relative_spread(const std::vector<double>& values);

}  // namespace calibration
