// How far simulated values lie from real ones as whole distributions, and how far real ones lie from each
// other.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace calibration {

// Wasserstein-1 distances are normalised by the real mean (sim/statistics.h). Means over pairs of runs of
// about equal length, so that both sides of the comparison scatter alike.
struct ColumnDistances {
  double wasserstein = 0, ks = 0;              // between a simulated and a real run
  double wasserstein_floor = 0, ks_floor = 0;  // between two real ones: no model can do better
};

// Each run's values ascend; `among` are the runs for the floor. 2 of `among`, 1 of the others, at least.
ColumnDistances column_distances(std::span<const std::vector<std::int64_t>> real,
                                 std::span<const std::vector<std::int64_t>> among,
                                 std::span<const std::vector<std::int64_t>> simulated);

}  // namespace calibration
