// What untraced steps tell beyond costs: the hypervisor's stalls, and how far repeated runs differ.
//
// Stalls:  a column of a step (timer_late, read, parse) beyond four times its p97 and 300 us, in a load whose
//          tasks do not keep CPUs for that long themselves: the virtual CPU was away. So often per second of
//          those columns, each of which is spent on, or waiting for, one CPU; as long as the column exceeds
//          its median. `tool` is left out: most of it is the server's sleep, which a stall does not lengthen.
// Left out: stalls shorter than that (in the costs' own tails), stalls of all CPUs at once, and their
//          clustering: the intervals are taken for exponential.
#pragma once

#include <optional>
#include <vector>

#include "calibration/fit/match_steps.h"
#include "scenarios/profile.h"

namespace calibration {

inline constexpr std::uint64_t fewest_stalls = 10;  // for a rate to be worth having

// Nothing: fewer stalls than that, or no load without background that computes.
std::optional<scenarios::ProfileSteal> stalls_of(const std::vector<StepLoad>& loads);

// By column, over the loads' repetitions (root mean square over loads). Loads with one repetition do not
// count; empty without others.
std::vector<scenarios::RepeatSpread> repeat_spread_of(const std::vector<StepLoad>& loads);

// One column of a step; Metric::step is all of it.
std::int64_t column_of(const StepRow& row, models::Metric column);

// Of at least one value; puts it in its place.
double nearest_rank(std::vector<std::int64_t>& values, double p);

}  // namespace calibration
