#include "calibration/validate/column_distances.h"

#include "sim/check.h"
#include "sim/statistics.h"

namespace calibration {

ColumnDistances column_distances(std::span<const std::vector<std::int64_t>> real,
                                 std::span<const std::vector<std::int64_t>> among,
                                 std::span<const std::vector<std::int64_t>> simulated) {
  sim::check(!real.empty() && among.size() >= 2 && !simulated.empty(), "distances are between runs");
  ColumnDistances distances;
  for (const auto& run : simulated) {
    for (const auto& other : real) {
      distances.wasserstein += sim::normalised_wasserstein(run, other);
      distances.ks += sim::ks_statistic(run, other);
    }
  }
  const double pairs = static_cast<double>(simulated.size() * real.size());
  distances.wasserstein /= pairs;
  distances.ks /= pairs;
  for (std::size_t i = 0; i < among.size(); ++i) {
    for (std::size_t k = i + 1; k < among.size(); ++k) {
      distances.wasserstein_floor += sim::normalised_wasserstein(among[i], among[k]);
      distances.ks_floor += sim::ks_statistic(among[i], among[k]);
    }
  }
  const double real_pairs = static_cast<double>(among.size() * (among.size() - 1)) / 2;
  distances.wasserstein_floor /= real_pairs;
  distances.ks_floor /= real_pairs;
  return distances;
}

}  // namespace calibration
