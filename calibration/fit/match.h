// Costs that no program measures by itself, found by matching the simulated load to the captured one.
//
//   cost ─► simulate the load under the same tracer ─► statistic of a quantity ─ compare with the capture's
//   ─► cost
//
// One cost is matched to one statistic that it moves directly: timer lateness for leaving HLT, tool time at
// p10 (where the service time is small and its noise too) for the send path, and so on; the list says why.
// Costs are matched in turn, for a few rounds, since each leans on the others. The captured statistic is the
// only target: nothing is matched to a percentile that is judged later (p50 and up of the steps, except where
// named here).
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "calibration/fit/simulate_load.h"
#include "models/costs.h"
#include "scenarios/profile.h"

namespace calibration {

enum class Statistic { p10, p50, trimmed_mean };  // the mean of the values up to p95
enum class Adjust {
  scale,  // every value of the cost is multiplied
  shift,  // a constant is added; values stay >= 0
};

struct Match {
  models::Cost cost;
  Adjust adjust;
  std::string_view load;
  BpftraceProgram program;
  std::string_view quantity;
  Statistic statistic;
  std::string_view why;
};

// In the order in which they are matched.
std::span<const Match> matches();

struct MatchResult {
  Match match;
  double captured_ns = 0;
  double simulated_ns = 0;  // with the costs as found
  double adjustment = 0;    // factor, or ns
  bool identified = false;  // moving the cost moves the statistic
  std::uint64_t count = 0;  // captured values behind the statistic
};

std::string_view to_string(Statistic statistic);
double value_of(const Sample& sample, Statistic statistic);

// A load that was captured, with the host that its scenario describes.
struct Workload {
  std::string load;
  std::string scenario;     // path, for reports
  models::HostConfig host;  // its costs are replaced
};

// Matches what `captures` and `workloads` allow; `profile` starts with every cost set and ends with the
// matched ones replaced. Deterministic.
std::vector<MatchResult> match_costs(scenarios::Profile& profile,
                                     const std::vector<MeasuredCapture>& captures,
                                     const std::vector<Workload>& workloads, int rows_per_wake);

}  // namespace calibration
