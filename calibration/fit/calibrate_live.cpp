// The costs that events cannot tell, matched to steps: of live runs untraced, else of the captures
// themselves.
#include <fmt/format.h>

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

// A cost that events gave keeps their word, and says what steps made of it.
void note_match(scenarios::ProfileCost& entry, const MatchedCost& matched, const std::string& what,
                bool known) {
  entry.basis = models::Basis::calibrated;
  const bool scaled = matched.free.adjust == Adjust::scale;
  const double unit = scaled ? matched.adjustment : entry.value.value.quantile_ns(0.5);
  const double relative = unit > 0 ? matched.standard_error / unit : 0;
  const auto rounded = [](double value) { return std::round(value * 1e4) / 1e4; };
  if (known && scaled) {
    entry.source += fmt::format("; x {:.2f} without a tracer, by steps", matched.adjustment);
    const scenarios::CostUncertainty own = entry.uncertainty.value_or(scenarios::CostUncertainty{});
    entry.uncertainty = scenarios::CostUncertainty{rounded(std::hypot(own.p50, relative)),
                                                   rounded(std::hypot(own.p99, relative))};
    return;
  }
  entry.source = "matched to steps: " + what;
  entry.count = static_cast<std::int64_t>(matched.count);
  entry.fit = scaled ? "scaled" : "shifted";
  entry.ks.reset();
  entry.uncertainty = scenarios::CostUncertainty{rounded(relative), rounded(relative)};
}

void note_matches(Calibration& result) {
  const auto known = [&](models::Cost cost) {
    return std::find(result.identified.begin(), result.identified.end(), cost) != result.identified.end();
  };
  for (const MatchedCost& matched : result.steps.costs) {
    if (!matched.identified) {
      continue;
    }
    note_match(*result.profile[matched.free.cost], matched, matched.free.why, known(matched.free.cost));
    for (const models::Cost cost : matched.free.also) {
      note_match(*result.profile[cost], matched,
                 fmt::format("one factor for {} costs of the kernel's path", matched.free.also.size() + 1),
                 known(cost));
    }
  }
}

// What an event costs in all: the program's own time, which captures know, the way to it, and what it does to
// caches.
void match_tracer(Calibration& result, const std::vector<StepLoad>& captured,
                  const CalibrateOptions& options) {
  const FreeCost record{models::Cost::event_record, Adjust::scale, 0.2, 10,
                        "what the tracer adds to the kernel per event"};
  MatchStepsOptions brief = options.matching;  // one cost, in loads with many more events
  brief.replications = 1;
  brief.duration = sim::Nanos{2'000'000'000};
  const StepMatch match = match_steps(result.profile, captured, {record}, brief);
  for (const MatchedCost& matched : match.costs) {
    if (matched.identified) {
      note_match(*result.profile[matched.free.cost], matched, matched.free.why, false);
    }
    result.steps.costs.push_back(matched);
  }
}

void match_loads(Calibration& result, std::vector<StepLoad>& loads, StepsTraced traced,
                 const CalibrateOptions& options) {
  result.profile.repeat_spread = repeat_spread_of(loads);
  // Untraced steps watch for longer than captures do: theirs is the better count of stalls.
  if (auto steal = stalls_of(loads)) {
    result.profile.steal = std::move(steal);
  }
  result.free = free_costs(result.identified, loads, traced);
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
  std::vector<StepLoad> loads, captured;
  for (const LiveVariant& variant : runs.variants) {
    StepLoad load{variant.name, scenarios::find_variant(scenario, variant.name).host, {}};
    for (const LiveRun& run : variant.repetitions) {
      if (!run.steps.empty()) {
        load.repetitions.push_back(run.steps);
        add_busy(run, load);
      }
    }
    StepLoad traced{variant.name, load.host, {}};
    traced.host.tracer.program = models::TracerProgram::chain;
    for (const LiveRun& run : variant.captured) {
      if (run.capture == "bpf" && !run.steps.empty()) {
        traced.repetitions.push_back(run.steps);
      }
    }
    if (!load.repetitions.empty()) {
      loads.push_back(std::move(load));
    }
    if (!traced.repetitions.empty()) {
      captured.push_back(std::move(traced));
    }
  }
  if (!loads.empty()) {
    match_loads(result, loads, StepsTraced::no, options);
    if (options.match_steps && !captured.empty()) {
      match_tracer(result, captured, options);
    }
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
      loads.push_back(
          {.name = load, .host = workload->host, .repetitions = {read_steps(*capture.steps).rows}});
      if (capture.meta) {  // what its probes cost was taken off the events' intervals
        loads.back().host.tracer.program = models::TracerProgram::chain;
      }
    }
  }
  if (!loads.empty()) {
    match_loads(result, loads, StepsTraced::yes, options);
  }
}

}  // namespace calibration
