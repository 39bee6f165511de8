// What a free-running replay says, as text and as JSON. Its variants share one program.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "calibration/replay/free_compare.h"
#include "calibration/replay/free_run.h"

namespace calibration {

struct FreeVariant {
  FreeRunOptions options;
  FreeRun run;
  FreeComparison comparison;
};
std::string variant_name(const FreeRunOptions& options);

struct FreeReport {
  FreeProgram program;
  std::vector<FreeVariant> variants;
};

// The aims that a variant is judged by: with drawn costs the waits of agents, p50 and p99; with imposed costs
// the share of wakeups that agree.
inline constexpr double aim_p50 = 0.05, aim_p99 = 0.12, aim_within = 0.9;
// Whether a percentile's error is within the aim, or not more than the capture's stamps can tell.
bool within_aim(const WaitPercentile& at, double aim, std::int64_t time_resolution);

// Costs drawn, then imposed; the models placing wakeups by `policy`, then the kernel's CPUs imposed.
// `largest`: disagreements to keep of each. Throws nothing.
FreeReport replay_free(const ReplayInput& input, const models::PolicyConfig& policy, std::uint64_t seed,
                       std::size_t largest = 10);

std::string text_of(const ReplayInput& input, const FreeReport& report);
nlohmann::ordered_json json_of(const ReplayInput& input, const FreeReport& report);

}  // namespace calibration
