// What a report says about an experiment: percentiles with intervals, differences between variants, rates.
//
// Percentile   of all replications' samples pooled: nearest rank (sim/histogram.h).
// Interval     95 %. From two replications: Student's t over the replications' own percentiles, which are
//              independent. From one: order statistics of its samples, which are not independent, so it is
//              too narrow; `kind` tells.
// Judged       at least 10 samples lie above the percentile. Others are printed, marked, and carry no
// verdict. Difference   replication by replication under common random numbers, Student's t over the
// differences.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "models/host_config.h"
#include "models/metrics.h"
#include "scenarios/experiment.h"
#include "sim/statistics.h"

namespace scenarios {

inline constexpr std::array<double, 4> reported_percentiles{0.5, 0.9, 0.99, 0.999};
inline constexpr std::array<std::string_view, 4> percentile_names{"p50", "p90", "p99", "p99.9"};
inline constexpr std::uint64_t samples_to_judge = 10;

enum class IntervalKind : std::uint8_t { none, replications, order_statistics };

struct Estimate {
  double value = 0;
  sim::Interval interval{0, 0};  // an end may be infinite
  IntervalKind kind = IntervalKind::none;
  bool judged = false;
  std::uint64_t above = 0;  // samples above the percentile
  double half_width() const { return (interval.high - interval.low) / 2; }
};

struct Difference {
  double mean = 0;
  sim::Interval interval{0, 0};
  double relative = 0;  // mean over the reference's pooled percentile
  bool judged = false;  // both percentiles are judged
  sim::Verdict verdict = sim::Verdict::cannot_tell;
};

// In ns. Nothing: no samples.
std::optional<Estimate> percentile(const Replications& runs, models::Metric metric, double p);

// value - reference, in ns, over the replications that both completed. Nothing: fewer than two.
std::optional<Difference> difference(const Replications& value, const Replications& reference,
                                     models::Metric metric, double p);

// Percentage of steps that ended after their deadline, with an interval from two replications.
std::optional<Estimate> deadline_miss_percent(const Replications& runs);

// Per second of simulated time.
double rate(const models::Metrics& metrics, models::Counter counter);

// Shares of all CPU time, in percent.
struct CpuShares {
  double user, system, softirq, ksoftirqd, hardirq, idle, other;
  double all_softirq() const { return softirq + ksoftirqd; }
  double ksoftirqd_of_softirq() const;  // percent of softirq time that ksoftirqd did
};
CpuShares cpu_shares(const models::Metrics& metrics);

// What the agents' step time rests on, in percent of it.
//
// `given` is compute as it was measured, and the mean service and wire time of each tool call; where
// agents differ, the mean is weighted by their count. `waiting` is the rest: queueing, preemption, sleeping
// out somebody else's work. Costs that overlap (reads in parallel) can leave less than nothing, shown as 0.
struct StepShares {
  double calibrated, defaults, given, waiting;
};
StepShares step_shares(const models::Metrics& metrics, const models::HostConfig& host);

}  // namespace scenarios
