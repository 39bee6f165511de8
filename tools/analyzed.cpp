#include "tools/analyzed.h"

#include "calibration/traces/simulated_events.h"
#include "scenarios/experiment.h"
#include "tools/interrupt.h"
#include "tools/progress.h"

namespace tools {
namespace {

using calibration::AgentStep;
using calibration::Analysis;
using calibration::AnalysisOptions;
using calibration::CriticalPath;
using calibration::Event;
using calibration::EventKind;

constexpr std::uint64_t events_between_looks = 1 << 16;  // at Ctrl-C and the clock

void follow_steps(Analyzed& result, const AnalysisSinks& sinks) {
  result.analysis->step_done = [&result, &sinks, slowest = std::int64_t{-1}](const AgentStep& step,
                                                                             const CriticalPath&) mutable {
    if (step.duration() > slowest) {
      slowest = step.duration();
      result.slowest_graph = causal_graph(result.analysis->history(), step);
    }
    if (sinks.step) {
      sinks.step(*result.analysis, step);
    }
  };
}

void read_all(Analyzed& result, const AnalysisSinks& sinks) {
  ProgressLine progress;
  std::uint64_t events = 0;
  for (Event event; result.reader->next(event);) {
    result.analysis->add(event);
    if (sinks.event) {
      sinks.event(event, result.reader->names());
    }
    if (++events % events_between_looks == 0) {
      progress.events(events, result.reader->progress());
      if (interrupted()) {
        result.interrupted = true;
        return;
      }
    }
  }
}

}  // namespace

Analyzed analyze_capture(const std::string& path, const AnalysisOptions& options,
                         const AnalysisSinks& sinks) {
  std::vector<std::int64_t> runs;
  for (;;) {
    Analyzed result;
    result.name = path;
    result.runs = runs.size() + 1;
    result.reader = std::make_unique<calibration::EventReader>(path, runs);
    result.analysis = std::make_unique<Analysis>(result.reader->names(), options);
    follow_steps(result, sinks);
    result.analysis->wakeup_linked = sinks.link;
    try {
      read_all(result, sinks);
      result.analysis->finish();
      result.analysis->step_done = nullptr;
      result.analysis->wakeup_linked = nullptr;
      return result;
    } catch (const calibration::UnsortedCapture& unsorted) {
      runs = unsorted.runs;
      if (sinks.restart) {
        sinks.restart();
      }
    }
  }
}

Analyzed analyze_simulation(const scenarios::Scenario& scenario, const scenarios::Variant& variant,
                            const AnalysisOptions& options, const AnalysisSinks& sinks) {
  Analyzed result;
  result.name = scenario.path + " (" + variant.name + ")";
  result.names = std::make_unique<calibration::Names>();
  result.analysis = std::make_unique<Analysis>(*result.names, options);
  result.quality = std::make_unique<SimulatedQuality>();
  follow_steps(result, sinks);
  // The same run once more, with what the attribution tracepoints would have told.
  Analysis told{*result.names, options};
  SimulatedQuality& quality = *result.quality;
  result.analysis->wakeup_linked = [&](const auto& link) {
    quality.plain.linked(link);
    if (sinks.link) {
      sinks.link(link);
    }
  };
  told.wakeup_linked = [&](const auto& link) { quality.with_tracepoints.linked(link); };
  const calibration::SimulationSinks to{.event =
                                            [&](const Event& event) {
                                              told.add(event);
                                              if (event.kind != EventKind::agent_wakeup) {
                                                result.analysis->add(event);
                                              }
                                              if (sinks.event) {
                                                sinks.event(event, *result.names);
                                              }
                                            },
                                        .wake =
                                            [&](const calibration::WakeTruth& truth) {
                                              quality.plain.truth(truth);
                                              quality.with_tracepoints.truth(truth);
                                            },
                                        .chain = {}};
  calibration::simulate_events(variant.host,
                               {.seed = scenarios::replication_seed(scenario.run.seed, 0),
                                .warmup = scenario.run.warmup,
                                .duration = scenario.run.duration,
                                .agent_wakeups = true},
                               *result.names, to);
  result.analysis->finish();
  told.finish();
  result.analysis->step_done = nullptr;
  result.analysis->wakeup_linked = nullptr;
  return result;
}

}  // namespace tools
