#include "tools/trace_run.h"

#include <algorithm>

#include "calibration/traces/ftrace_writer.h"
#include "models/host.h"
#include "scenarios/experiment.h"
#include "scenarios/output.h"
#include "scenarios/quantity.h"
#include "tools/interrupt.h"

namespace tools {
namespace {

constexpr sim::Nanos slice{1'000'000};  // between two looks at whether the recorder is full

std::string told(const TraceArguments& arguments, const scenarios::Scenario& scenario,
                 const scenarios::Variant& variant, const models::TraceRecorder& recorder) {
  const std::string events = std::to_string(recorder.records().size()) + " events";
  const std::string measured = scenarios::format_time(scenario.run.duration);
  const std::string begins =
      "written: " + arguments.path + "\n  variant " + variant.name + ", replication 1: ";
  if (recorder.lost() == 0) {
    return begins + "all " + events + " of " + measured + "\n";
  }
  const sim::Nanos span = recorder.records().back().time - sim::SimTime{scenario.run.warmup};
  const sim::Nanos covered{span.count() / 1000 * 1000};
  return begins + "the first " + events + ", " + scenarios::format_time(covered) + " of " + measured + "; " +
         std::to_string(recorder.lost()) + " more until it stopped were not kept (--trace-events)\n";
}

}  // namespace

void add_trace_arguments(CLI::App& verb, TraceArguments& arguments) {
  verb.add_option(
          "--trace", arguments.path,
          "also write the tracepoints of the first replication's measured part as ftrace text; of the last "
          "variant, where several are compared")
      ->type_name("FILE");
  verb.add_option("--trace-events", arguments.events,
                  "keep that many events, the first ones (default: 200000)")
      ->check(CLI::Range(1, 100'000'000));
}

std::string write_trace(const TraceArguments& arguments, const ExperimentArguments& experiment,
                        const scenarios::Scenario& scenario, const scenarios::Variant& variant) {
  if (arguments.path.empty()) {
    return "";
  }
  if (!experiment.out.empty()) {
    scenarios::prepare_directory(experiment.out);
  }
  models::TraceRecorder recorder{arguments.events};
  models::Host host{variant.host, scenarios::replication_seed(scenario.run.seed, 0), &recorder};
  const sim::Nanos end = scenario.run.warmup + scenario.run.duration;
  for (sim::Nanos now{0}; now < end && recorder.lost() == 0;) {
    if (interrupted()) {
      return "";
    }
    now = std::min(now + slice, end);
    host.advance(sim::SimTime{now}, scenario.run.warmup);
  }
  calibration::write_ftrace(arguments.path, host, recorder);
  return told(arguments, scenario, variant, recorder);
}

}  // namespace tools
