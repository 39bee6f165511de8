#include "calibration/validate/contributions.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "calibration/validate/step_columns.h"
#include "sim/histogram.h"

namespace calibration {
namespace {

void rank(Contributions& result) {
  double sum = 0;
  for (const Contribution& part : result.parts) {
    sum += std::abs(part.difference_ns());
  }
  for (Contribution& part : result.parts) {
    part.share = sum == 0 ? 0 : std::abs(part.difference_ns()) / sum;
  }
  std::stable_sort(result.parts.begin(), result.parts.end(),
                   [](const Contribution& a, const Contribution& b) { return a.share > b.share; });
}

struct ColumnMeans {
  std::uint64_t steps = 0;
  std::array<double, step_columns> ns{};
};

ColumnMeans column_means(std::span<const StepRow> rows, double from) {
  std::vector<std::int64_t> durations;
  for (const StepRow& row : rows) {
    durations.push_back(row.step_ns());
  }
  std::sort(durations.begin(), durations.end());
  const std::int64_t limit = from > 0 ? sim::percentile(durations, from) : -1;
  ColumnMeans means;
  for (const StepRow& row : rows) {
    if (row.step_ns() > limit) {
      ++means.steps;
      for (std::size_t i = 0; i < step_columns; ++i) {
        means.ns[i] += static_cast<double>(value_of(row, static_cast<StepColumn>(i)));
      }
    }
  }
  for (double& each : means.ns) {
    each /= static_cast<double>(std::max<std::uint64_t>(1, means.steps));
  }
  return means;
}

double per_step(std::int64_t ns, const BlameCohort& cohort) {
  return static_cast<double>(ns) / static_cast<double>(std::max<std::uint64_t>(1, cohort.steps));
}

}  // namespace

Contributions column_contributions(std::span<const StepRow> real, std::span<const StepRow> simulated,
                                   double from) {
  const ColumnMeans a = column_means(real, from);
  const ColumnMeans b = column_means(simulated, from);
  constexpr auto step = static_cast<std::size_t>(StepColumn::step);
  Contributions result{a.steps, b.steps, a.ns[step], b.ns[step], {}};
  for (std::size_t i = 0; i < step; ++i) {
    result.parts.push_back({std::string{to_string(static_cast<StepColumn>(i))}, a.ns[i], b.ns[i]});
  }
  rank(result);
  return result;
}

Contributions blame_contributions(const BlameTable& real, const BlameTable& simulated, double from) {
  const BlameCohort a = real.cohort(from, 1);
  const BlameCohort b = simulated.cohort(from, 1);
  Contributions result{a.steps, b.steps, per_step(a.sums.total(), a), per_step(b.sums.total(), b), {}};
  for (std::size_t i = 0; i < blames; ++i) {
    const std::string name{to_string(static_cast<Blame>(i))};
    result.parts.push_back({name, per_step(a.sums.own[i], a), per_step(b.sums.own[i], b)});
    result.parts.push_back({name + ", of a peer", per_step(a.sums.peer[i], a), per_step(b.sums.peer[i], b)});
  }
  std::erase_if(result.parts,
                [](const Contribution& part) { return part.real_ns == 0 && part.simulated_ns == 0; });
  rank(result);
  return result;
}

}  // namespace calibration
