// The costs that events cannot tell, matched to steps: of live runs untraced, else of the captures themselves.
#include <algorithm>
#include <cmath>

#include "calibration/fit/calibrate.h"
#include "calibration/fit/step_stalls.h"
#include "calibration/validate/live_runs.h"
#include "scenarios/scenario.h"

namespace calibration {
namespace {

// Share of all CPUs' time that was not idle; time that the hypervisor took is nobody's.
void add_busy(const LiveRun& run, StepLoad& load) {
  if (run.cpu) {
    load.busy.push_back((100 - run.cpu->idle - run.cpu->steal) / 100);
  }
}

void note_matches(Calibration& result) {
  for (const MatchedCost& matched : result.steps.costs) {
    if (!matched.identified) {
      continue;
    }
    scenarios::ProfileCost& entry = *result.profile[matched.free.cost];
    entry.basis = models::Basis::calibrated;
    entry.source = "matched to steps: " + matched.free.why;
    entry.count = static_cast<std::int64_t>(matched.count);
    entry.fit = matched.free.adjust == Adjust::scale ? "scaled" : "shifted";
    entry.ks.reset();
    const double unit =
        matched.free.adjust == Adjust::scale ? matched.adjustment : entry.value.value.quantile_ns(0.5);
    const double relative = unit > 0 ? std::round(matched.standard_error / unit * 1e4) / 1e4 : 0;
    entry.uncertainty = scenarios::CostUncertainty{relative, relative};
    for (const models::Cost cost : matched.free.also) {
      scenarios::ProfileCost& other = *result.profile[cost];
      other.basis = models::Basis::calibrated;
      other.source = "matched to steps by one factor for " +
                     std::to_string(matched.free.also.size() + 1) + " costs of the kernel's path";
      other.count = entry.count;
      other.fit = entry.fit;
      other.ks.reset();
      other.uncertainty = entry.uncertainty;
    }
  }
}

void match_loads(Calibration& result, std::vector<StepLoad>& loads, const CalibrateOptions& options) {
  result.profile.repeat_spread = repeat_spread_of(loads);
  // Untraced steps watch for longer than captures do: theirs is the better count of stalls.
  if (auto steal = stalls_of(loads)) {
    result.profile.steal = std::move(steal);
  }
  result.free = free_costs(result.identified, loads);
  if (options.match_steps && !result.free.empty()) {
    result.steps = match_steps(result.profile, loads, result.free, options.matching);
    note_matches(result);
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
  std::vector<std::string> sets = runs.sets;
  sets.push_back("host.costs=" + std::filesystem::absolute(options.defaults).string());
  const scenarios::Scenario scenario = scenarios::load_scenario(runs.scenario, sets);
  std::vector<StepLoad> loads;
  for (const LiveVariant& variant : runs.variants) {
    StepLoad load{variant.name, scenarios::find_variant(scenario, variant.name).host, {}};
    for (const LiveRun& run : variant.repetitions) {
      if (!run.steps.empty()) {
        load.repetitions.push_back(run.steps);
        add_busy(run, load);
      }
    }
    if (!load.repetitions.empty()) {
      loads.push_back(std::move(load));
    }
  }
  if (!loads.empty()) {
    match_loads(result, loads, options);
  }
}

void match_captured_steps(Calibration& result, const std::vector<EventCapture>& captures,
                          const std::vector<Workload>& workloads, const CalibrateOptions& options) {
  std::vector<StepLoad> loads;
  for (const EventCapture& capture : captures) {
    const std::string load = load_of(capture.path);
    const auto workload = std::find_if(workloads.begin(), workloads.end(),
                                       [&](const Workload& each) { return each.load == load; });
    if (workload != workloads.end() && capture.steps) {
      loads.push_back({.name = load, .host = workload->host, .repetitions = {read_steps(*capture.steps).rows}});
      if (capture.meta) {  // what its probes cost was taken off the events' intervals
        loads.back().host.tracer.program = models::TracerProgram::chain;
      }
    }
  }
  if (!loads.empty()) {
    match_loads(result, loads, options);
  }
}

}  // namespace calibration
