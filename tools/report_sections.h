// The tables that reports are made of. Variants stand side by side, at most so many that a page holds them.
#pragma once

#include <cstddef>
#include <optional>
#include <string>

#include "scenarios/results.h"
#include "scenarios/results_json.h"

namespace tools {

inline constexpr std::size_t variants_per_table = 4;

// Variants [first, first + variants_per_table).
std::string latency_table(const scenarios::Report& report, std::size_t first);
std::string guard_table(const scenarios::Report& report, std::size_t first);

// The proposal's: stage, typical, tail, agent-aware target; for the first and the last variant.
std::string stage_table(const scenarios::Report& report);

// Every variant against the first.
std::string difference_table(const scenarios::Report& report);

// "1234 +-56.7", in `unit`s; "-" for none; a final '*' for what is not judged, else a blank.
std::string estimate_cell(const std::optional<scenarios::Estimate>& estimate, double unit);
std::string percentile_cell(const scenarios::Replications& runs, models::Metric metric, double p);  // in us
std::string verdict_text(const scenarios::Difference& difference);

}  // namespace tools
