#include "calibration/fit/step_stalls.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

namespace calibration {
namespace {

using models::Metric;

constexpr std::array stalled_columns{Metric::timer_late, Metric::read, Metric::compute};
constexpr std::array spread_columns{Metric::timer_late, Metric::tool, Metric::read, Metric::compute,
                                    Metric::step};
constexpr std::array percentiles{0.5, 0.9, 0.99, 0.999};

bool computes(const StepLoad& load) {
  return std::any_of(load.host.background.begin(), load.host.background.end(), [](const auto& background) {
    return background.kind == models::BackgroundKind::hog || background.kind == models::BackgroundKind::burst;
  });
}

std::vector<std::int64_t> values_of(const std::vector<StepRow>& rows, Metric column) {
  std::vector<std::int64_t> values;
  values.reserve(rows.size());
  for (const StepRow& row : rows) {
    values.push_back(column_of(row, column));
  }
  return values;
}

struct Stalls {
  std::vector<std::int64_t> excess_ns;
  std::int64_t exposed_ns = 0;
};

void add_stalls(const StepLoad& load, Metric column, Stalls& stalls) {
  constexpr double times_p97 = 4;
  constexpr double least_ns = 300'000;
  for (const std::vector<StepRow>& rows : load.repetitions) {
    std::vector<std::int64_t> values = values_of(rows, column);
    const double median = nearest_rank(values, 0.5);
    const double limit = std::max(least_ns, times_p97 * nearest_rank(values, 0.97));
    for (const std::int64_t value : values) {
      if (static_cast<double>(value) > limit) {
        stalls.excess_ns.push_back(value - static_cast<std::int64_t>(median));
      } else {
        stalls.exposed_ns += value;
      }
    }
  }
}

scenarios::WrittenDistribution lengths(std::vector<std::int64_t> ns) {
  std::sort(ns.begin(), ns.end());
  constexpr std::array grid{0.0, 0.1, 0.25, 0.5, 0.75, 0.9, 1.0};
  std::vector<std::pair<double, sim::Nanos>> points;
  for (const double p : grid) {
    const auto last = static_cast<double>(ns.size() - 1);
    points.emplace_back(p, sim::Nanos{ns[static_cast<std::size_t>(p * last)]});
  }
  return scenarios::written_quantiles(points);
}

}  // namespace

std::int64_t column_of(const StepRow& row, Metric column) {
  switch (column) {
    case Metric::timer_late:
      return row.timer_late_ns;
    case Metric::tool:
      return row.tool_ns;
    case Metric::read:
      return row.read_ns;
    case Metric::compute:
      return row.parse_ns;
    default:
      return row.step_ns();
  }
}

double nearest_rank(std::vector<std::int64_t>& values, double p) {
  const auto n = static_cast<double>(values.size());
  const auto rank = static_cast<std::size_t>(std::max(1.0, std::ceil(p * n)));
  const auto at = values.begin() + static_cast<std::ptrdiff_t>(std::min(rank, values.size()) - 1);
  std::nth_element(values.begin(), at, values.end());
  return static_cast<double>(*at);
}

std::optional<scenarios::ProfileSteal> stalls_of(const std::vector<StepLoad>& loads) {
  Stalls stalls;
  for (const StepLoad& load : loads) {
    if (!computes(load)) {
      for (const Metric column : stalled_columns) {
        add_stalls(load, column, stalls);
      }
    }
  }
  const std::size_t count = stalls.excess_ns.size();
  if (count < fewest_stalls) {
    return std::nullopt;
  }
  const std::int64_t interval = stalls.exposed_ns / static_cast<std::int64_t>(count);
  return scenarios::ProfileSteal{
      .interval = scenarios::written_exponential(sim::Nanos{interval}),
      .length = lengths(stalls.excess_ns),
      .source = fmt::format("{} stalls in {:.1f} s of the steps' columns", count,
                            static_cast<double>(stalls.exposed_ns) * 1e-9)};
}

std::vector<scenarios::RepeatSpread> repeat_spread_of(const std::vector<StepLoad>& loads) {
  std::vector<scenarios::RepeatSpread> spreads;
  for (const Metric column : spread_columns) {
    scenarios::RepeatSpread spread{.column = std::string{models::metric_name(column)}};
    int repeated = 0;
    for (const StepLoad& load : loads) {
      if (load.repetitions.size() < 2) {
        continue;
      }
      ++repeated;
      for (std::size_t i = 0; i < percentiles.size(); ++i) {
        std::vector<double> found;
        for (const std::vector<StepRow>& rows : load.repetitions) {
          std::vector<std::int64_t> values = values_of(rows, column);
          found.push_back(nearest_rank(values, percentiles[i]));
        }
        const double relative = relative_spread(found);
        spread.relative[i] += relative * relative;
      }
    }
    if (repeated == 0) {
      return {};
    }
    for (double& relative : spread.relative) {
      relative = std::sqrt(relative / repeated);
    }
    spreads.push_back(std::move(spread));
  }
  return spreads;
}

}  // namespace calibration
