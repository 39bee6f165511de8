// What untraced steps tell beyond costs: the hypervisor's stalls, and how far repeated runs differ.
//
// Stalls:  a column of a step (timer_late, parse) beyond four times its p97 and 300 us: the virtual CPU was
//          away. Of the loads with the fewest agents, where one stall is not seen by several of them,
//          and without tasks that keep CPUs for that long themselves. A stall of length x was seen if it met one
//          of those columns or began while the agent thought, at most x before: the time in which it could have
//          been seen is that of the columns and, for each step, the shorter of x and the thinking. So each
//          stall counts 1 / that time, and together they are the rate of one CPU. A length is the column less
//          its median: what was left of the stall when the agent met it. `tool` is left out: most of it is the
//          server's sleep; and `read`: there the disk's own stalls are longer (all reads in flight wait for as
//          much as 900 ms), and no CPU is away for them.
//          The rate is that of the median repetition, the lengths those of it and of the calmer ones: a spell in
//          which the host was overrun is no property of the machine, and shows in the repetitions' spread.
// Left out: stalls shorter than that (in the costs' own tails), stalls of all CPUs at once, the disk's,
//           and their clustering: the intervals are taken for exponential.
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
