// Live runs: the costs that events cannot tell, matched to the untraced repetitions' steps.
#include <algorithm>
#include <array>
#include <cmath>

#include "calibration/fit/calibrate.h"
#include "calibration/validate/live_runs.h"
#include "scenarios/scenario.h"

namespace calibration {
namespace {

struct StepColumn {
  const char* name;  // as models::metric_name has it
  std::int64_t (*of)(const StepRow& row);
};

constexpr std::array columns{
    StepColumn{"timer_late", [](const StepRow& row) { return row.timer_late_ns; }},
    StepColumn{"tool", [](const StepRow& row) { return row.tool_ns; }},
    StepColumn{"read", [](const StepRow& row) { return row.read_ns; }},
    StepColumn{"compute", [](const StepRow& row) { return row.parse_ns; }},
    StepColumn{"step", [](const StepRow& row) { return row.step_ns(); }},
};
constexpr std::array probabilities{0.5, 0.9, 0.99, 0.999};

double quantile(const LiveRun& run, const StepColumn& column, double p) {
  std::vector<std::int64_t> values;
  for (const StepRow& row : run.steps) {
    values.push_back(column.of(row));
  }
  std::sort(values.begin(), values.end());
  const auto at = static_cast<std::size_t>(p * static_cast<double>(values.size()));
  return values.empty() ? 0 : static_cast<double>(values[std::min(at, values.size() - 1)]);
}

// The root of the mean square of each variant's relative standard deviation between its repetitions.
std::vector<scenarios::RepeatSpread> repeat_spread(const LiveRuns& runs) {
  std::vector<scenarios::RepeatSpread> all;
  for (const StepColumn& column : columns) {
    scenarios::RepeatSpread spread{column.name, {}};
    bool any = false;
    for (std::size_t q = 0; q < probabilities.size(); ++q) {
      double squares = 0;
      int variants = 0;
      for (const LiveVariant& variant : runs.variants) {
        std::vector<double> values;
        for (const LiveRun& run : variant.repetitions) {
          values.push_back(quantile(run, column, probabilities[q]));
        }
        if (values.size() >= 2) {
          const double relative = relative_spread(values);
          squares += relative * relative;
          ++variants;
        }
      }
      any |= variants > 0;
      spread.relative[q] = variants > 0 ? std::round(std::sqrt(squares / variants) * 1e4) / 1e4 : 0;
    }
    if (any) {
      all.push_back(spread);
    }
  }
  return all;
}

void note_matches(Calibration& result) {
  for (const MatchedCost& matched : result.steps.costs) {
    if (!matched.identified) {
      continue;
    }
    scenarios::ProfileCost& entry = *result.profile[matched.free.cost];
    entry.basis = models::Basis::calibrated;
    entry.source = "matched to the untraced steps: " + matched.free.why;
    entry.count = static_cast<std::int64_t>(matched.count);
    entry.fit = matched.free.adjust == Adjust::scale ? "scaled" : "shifted";
    entry.ks.reset();
    const double unit =
        matched.free.adjust == Adjust::scale ? matched.adjustment : entry.value.value.quantile_ns(0.5);
    const double relative = unit > 0 ? std::round(matched.standard_error / unit * 1e4) / 1e4 : 0;
    entry.uncertainty = scenarios::CostUncertainty{relative, relative};
  }
}

}  // namespace

void match_live_runs(Calibration& result, const std::filesystem::path& directory,
                     const CalibrateOptions& options) {
  const LiveRuns runs = read_live_runs(directory, options.variants);
  if (result.profile.machine.empty()) {
    result.profile.machine = runs.machine;
  }
  if (result.profile.kernel.empty()) {
    result.profile.kernel = runs.kernel;
  }
  result.profile.repeat_spread = repeat_spread(runs);
  std::vector<std::string> sets = runs.sets;
  sets.push_back("host.costs=" + std::filesystem::absolute(options.defaults).string());
  const scenarios::Scenario scenario = scenarios::load_scenario(runs.scenario, sets);
  std::vector<StepLoad> loads;
  for (const LiveVariant& variant : runs.variants) {
    StepLoad load{variant.name, scenarios::find_variant(scenario, variant.name).host, {}};
    if (result.profile.steal) {
      load.host.topology.steal = {.interval = result.profile.steal->interval.value,
                                  .length = result.profile.steal->length.value};
    }
    for (const LiveRun& run : variant.repetitions) {
      if (!run.steps.empty()) {
        load.repetitions.push_back(run.steps);
      }
    }
    if (!load.repetitions.empty()) {
      loads.push_back(std::move(load));
    }
  }
  if (loads.empty()) {
    return;
  }
  result.free = free_costs(result.identified, loads);
  if (options.match_steps && !result.free.empty()) {
    result.steps = match_steps(result.profile, loads, result.free, options.matching);
    note_matches(result);
  }
}

}  // namespace calibration
