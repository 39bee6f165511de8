#include "calibration/fit/step_stalls.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <utility>

namespace calibration {
namespace {

using models::Metric;

constexpr std::array stalled_columns{Metric::timer_late, Metric::compute};
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

int agents_of(const StepLoad& load) {
  int count = 0;
  for (const models::AgentConfig& agent : load.host.agents) {
    count += agent.count;
  }
  return count;
}

struct Stalls {
  std::vector<std::int64_t> excess_ns;
  double exposed_ns = 0;               // time of the columns
  std::vector<std::int64_t> think_ns;  // between a step's end and the next one's intended start
};

void add_stalls(const std::vector<StepRow>& rows, Metric column, Stalls& stalls) {
  constexpr double times_p97 = 4;
  constexpr double least_ns = 300'000;
  std::vector<std::int64_t> values = values_of(rows, column);
  const double median = nearest_rank(values, 0.5);
  const double limit = std::max(least_ns, times_p97 * nearest_rank(values, 0.97));
  for (const std::int64_t value : values) {
    if (static_cast<double>(value) > limit) {
      stalls.excess_ns.push_back(value - static_cast<std::int64_t>(median));
    } else {
      stalls.exposed_ns += static_cast<double>(value);
    }
  }
}

void add_thinking(const std::vector<StepRow>& rows, Stalls& stalls) {
  for (std::size_t i = 1; i < rows.size(); ++i) {
    const std::int64_t span = rows[i].start_ns - rows[i].timer_late_ns - rows[i - 1].end_ns();
    if (rows[i].agent == rows[i - 1].agent && span > 0) {
      stalls.think_ns.push_back(span);
    }
  }
  std::sort(stalls.think_ns.begin(), stalls.think_ns.end());
}

Stalls stalls_in(const std::vector<StepRow>& rows) {
  Stalls stalls;
  for (const Metric column : stalled_columns) {
    add_stalls(rows, column, stalls);
  }
  add_thinking(rows, stalls);
  return stalls;
}

// Stalls of one CPU per ns.
double rate_of(const Stalls& stalls) {
  double rate = 0;
  std::vector<std::int64_t> excess = stalls.excess_ns;
  std::sort(excess.begin(), excess.end());
  std::size_t shorter = 0;  // spans of thinking that are shorter than the stall
  double sum = 0;           // of those
  for (const std::int64_t length : excess) {
    while (shorter < stalls.think_ns.size() && stalls.think_ns[shorter] < length) {
      sum += static_cast<double>(stalls.think_ns[shorter++]);
    }
    const double longer = static_cast<double>(stalls.think_ns.size() - shorter) * static_cast<double>(length);
    rate += 1 / (stalls.exposed_ns + sum + longer);
  }
  return rate;
}

scenarios::WrittenDistribution lengths(std::vector<std::int64_t> ns) {
  std::sort(ns.begin(), ns.end());
  // Cut at p99.5: a line from there to the longest of all would make up stalls that nobody saw.
  constexpr double top = 0.995;
  constexpr std::array grid{0.0, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.98, 0.99, 1.0};
  std::vector<std::pair<double, sim::Nanos>> points;
  for (const double p : grid) {
    const auto last = static_cast<double>(ns.size() - 1);
    points.emplace_back(p, sim::Nanos{ns[static_cast<std::size_t>(std::min(p, top) * last)]});
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
  int fewest = std::numeric_limits<int>::max();
  for (const StepLoad& load : loads) {
    fewest = computes(load) ? fewest : std::min(fewest, agents_of(load));
  }
  std::vector<std::pair<double, Stalls>> repetitions;
  for (const StepLoad& load : loads) {
    if (!computes(load) && agents_of(load) == fewest) {
      for (const std::vector<StepRow>& rows : load.repetitions) {
        Stalls stalls = stalls_in(rows);
        const double rate = rate_of(stalls);
        repetitions.emplace_back(rate, std::move(stalls));
      }
    }
  }
  std::stable_sort(repetitions.begin(), repetitions.end(),
                   [](const auto& a, const auto& b) { return a.first < b.first; });
  repetitions.resize((repetitions.size() + 1) / 2);  // the last one is the median
  std::vector<std::int64_t> excess;
  for (const auto& [rate, stalls] : repetitions) {
    excess.insert(excess.end(), stalls.excess_ns.begin(), stalls.excess_ns.end());
  }
  if (excess.size() < fewest_stalls) {
    return std::nullopt;
  }
  const auto interval = static_cast<std::int64_t>(1 / repetitions.back().first);
  return scenarios::ProfileSteal{
      .interval = scenarios::written_exponential(sim::Nanos{interval}),
      .length = lengths(excess),
      .source = fmt::format("{} stalls met by the steps' columns, in the calmer {} repetitions",
                            excess.size(), repetitions.size())};
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
