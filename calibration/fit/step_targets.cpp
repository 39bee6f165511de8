// What was measured of each load: quantiles of the steps' columns, and how far repetitions scatter.
#include <algorithm>
#include <array>
#include <cmath>

#include "calibration/fit/match_steps.h"
#include "calibration/fit/step_stalls.h"
#include "sim/check.h"
#include "sim/statistics.h"

namespace calibration {
namespace {

using models::Metric;

constexpr std::array probabilities{0.05, 0.25, 0.5, 0.75, 0.9, 0.97, 0.99};
constexpr double highest_of_waits = 0.9;  // beyond it stalls begin; the compute's own tail is interrupts'
constexpr std::array columns{Metric::timer_late, Metric::tool, Metric::read, Metric::compute, Metric::step};
constexpr double least_noise = 0.01;
constexpr std::size_t blocks = 10;

std::vector<std::vector<StepRow>> in_blocks(std::vector<StepRow> rows) {
  std::sort(rows.begin(), rows.end(), [](const StepRow& a, const StepRow& b) {
    return a.start_ns != b.start_ns ? a.start_ns < b.start_ns : a.agent < b.agent;
  });
  const std::size_t count = std::min(blocks, rows.size());
  std::vector<std::vector<StepRow>> parts(count);
  for (std::size_t i = 0; i < rows.size(); ++i) {
    parts[i * count / rows.size()].push_back(rows[i]);
  }
  return parts;
}

StepTarget target_of(const std::vector<std::vector<StepRow>>& repetitions, Metric column, double p) {
  StepTarget target;
  target.column = column;
  target.p = p;
  std::vector<std::int64_t> pooled;
  for (const std::vector<StepRow>& rows : repetitions) {
    std::vector<std::int64_t> values;
    for (const StepRow& row : rows) {
      values.push_back(column_of(row, column));
    }
    target.by_repetition_ns.push_back(nearest_rank(values, p));
    pooled.insert(pooled.end(), values.begin(), values.end());
  }
  target.measured_ns = nearest_rank(pooled, p);
  const double spread = relative_spread(target.by_repetition_ns);
  target.noise = std::max(least_noise, spread / std::sqrt(static_cast<double>(repetitions.size())));
  return target;
}

// Ticks and sampled accounting, and whatever else runs there: no better than 5 %.
StepTarget busy_target(std::size_t load, const std::vector<double>& busy) {
  constexpr double least_busy_noise = 0.05;
  StepTarget target;
  target.load = load;
  for (const double share : busy) {
    target.by_repetition_ns.push_back(share * 1e9);
  }
  target.measured_ns = sim::mean(target.by_repetition_ns);
  target.noise = std::max(least_busy_noise, relative_spread(target.by_repetition_ns));
  return target;
}

}  // namespace

double relative_spread(const std::vector<double>& values) {
  if (values.size() < 2) {
    return 0;
  }
  const double centre = sim::mean(values);
  return centre > 0 ? sim::standard_deviation(values) / centre : 0;
}

std::vector<StepTarget> step_targets(const std::vector<StepLoad>& loads) {
  std::vector<StepTarget> targets;
  for (std::size_t load = 0; load < loads.size(); ++load) {
    const auto& given = loads[load].repetitions;
    sim::check(!given.empty(), "a load to match has steps");
    const auto repetitions = given.size() > 1 ? given : in_blocks(given.front());
    if (!loads[load].busy.empty()) {
      targets.push_back(busy_target(load, loads[load].busy));
    }
    for (const Metric column : columns) {
      for (const double p : probabilities) {
        if (p > highest_of_waits && column != Metric::compute) {
          break;
        }
        StepTarget target = target_of(repetitions, column, p);
        target.load = load;
        if (target.measured_ns > 0) {  // a column that the scenario does not have
          targets.push_back(std::move(target));
        }
      }
    }
  }
  return targets;
}

}  // namespace calibration
