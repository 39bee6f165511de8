#include "tools/trace_run.h"

#include <algorithm>
#include <optional>

#include "calibration/traces/ftrace_writer.h"
#include "calibration/traces/perfetto_writer.h"
#include "calibration/traces/simulated_events.h"
#include "models/host.h"
#include "scenarios/experiment.h"
#include "scenarios/output.h"
#include "scenarios/quantity.h"
#include "tools/interrupt.h"

namespace tools {
namespace {

constexpr sim::Nanos slice{1'000'000};  // between two looks at whether the trace is full

// One trace file: its bytes and who makes them.
template <class Writer>
struct TraceFile {
  template <class... Options>
  TraceFile(const std::string& path, const calibration::Names& names, const Options&... options)
      : file{path}, writer{file, names, options...} {}
  void finish() {
    writer.finish();
    file.commit();
  }
  scenarios::OutputFile file;
  Writer writer;
};

std::string release_of(const models::HostConfig& config) {
  std::string release;
  enumerators(static_cast<models::KernelRelease*>(nullptr),
              [&](std::string_view name, models::KernelRelease known) {
                release = known == config.kernel.release ? name : release;
              });
  return release + ".0";
}

// Takes the host's records, and hands on the first ones.
class Recording {
 public:
  Recording(const TraceArguments& arguments, const models::Host& host, const std::string& kernel_release)
      : limit_{arguments.events}, simulated_{host, names_} {
    if (!arguments.ftrace.empty()) {
      ftrace_.emplace(arguments.ftrace, names_);
    }
    if (!arguments.perfetto.empty()) {
      perfetto_.emplace(arguments.perfetto, names_,
                        calibration::PerfettoOptions{.kernel_release = kernel_release, .agents = {}});
    }
  }

  void record(const models::TraceRecord& record) {
    if (!simulated_.convert(record, event_)) {
      return;
    }
    if (kept_ == limit_) {
      ++lost_;
      return;
    }
    ++kept_;
    last_ = record.time;
    if (ftrace_) {
      ftrace_->writer.write(event_);
    }
    if (perfetto_) {
      perfetto_->writer.write(event_);
    }
  }
  void finish() {
    if (ftrace_) {
      ftrace_->finish();
    }
    if (perfetto_) {
      perfetto_->finish();
    }
  }

  std::uint64_t kept() const { return kept_; }
  std::uint64_t lost() const { return lost_; }
  sim::SimTime last() const { return last_; }

 private:
  std::uint64_t limit_;
  calibration::Names names_;
  calibration::SimulatedEvents simulated_;
  calibration::Event event_;
  std::optional<TraceFile<calibration::FtraceTextWriter>> ftrace_;
  std::optional<TraceFile<calibration::PerfettoWriter>> perfetto_;
  std::uint64_t kept_ = 0;
  std::uint64_t lost_ = 0;
  sim::SimTime last_{};
};

std::string told(const TraceArguments& arguments, const scenarios::Scenario& scenario,
                 const scenarios::Variant& variant, const Recording& recording) {
  std::string text;
  for (const std::string& path : {arguments.ftrace, arguments.perfetto}) {
    text += path.empty() ? "" : "written: " + path + "\n";
  }
  const std::string events = std::to_string(recording.kept()) + " events";
  const std::string measured = scenarios::format_time(scenario.run.duration);
  text += "  variant " + variant.name + ", replication 1: ";
  if (recording.lost() == 0) {
    return text + "all " + events + " of " + measured + "\n";
  }
  const sim::Nanos span = recording.last() - sim::SimTime{scenario.run.warmup};
  const sim::Nanos covered{span.count() / 1000 * 1000};
  return text + "the first " + events + ", " + scenarios::format_time(covered) + " of " + measured + "; " +
         std::to_string(recording.lost()) + " more until it stopped were not kept (--trace-events)\n";
}

}  // namespace

void add_trace_arguments(CLI::App& verb, TraceArguments& arguments) {
  verb.add_option(
          "--trace", arguments.ftrace,
          "also write the tracepoints of the first replication's measured part as ftrace text; of the last "
          "variant, where several are compared")
      ->type_name("FILE");
  verb.add_option("--perfetto", arguments.perfetto, "the same as a trace for ui.perfetto.dev")
      ->type_name("FILE");
  verb.add_option("--trace-events", arguments.events,
                  "keep that many events, the first ones (default: 200000)")
      ->check(CLI::Range(1, 100'000'000));
}

std::string write_trace(const TraceArguments& arguments, const ExperimentArguments& experiment,
                        const scenarios::Scenario& scenario, const scenarios::Variant& variant) {
  if (arguments.ftrace.empty() && arguments.perfetto.empty()) {
    return "";
  }
  if (!experiment.out.empty()) {
    scenarios::prepare_directory(experiment.out);
  }
  models::TraceRecorder recorder{models::TraceOptions{}};
  models::Host host{variant.host, scenarios::replication_seed(scenario.run.seed, 0), &recorder};
  Recording recording{arguments, host, release_of(variant.host)};
  recorder.sink.connect<&Recording::record>(recording);
  const sim::Nanos end = scenario.run.warmup + scenario.run.duration;
  for (sim::Nanos now{0}; now < end && recording.lost() == 0;) {
    if (interrupted()) {
      return "";
    }
    now = std::min(now + slice, end);
    host.advance(sim::SimTime{now}, scenario.run.warmup);
  }
  recording.finish();
  return told(arguments, scenario, variant, recording);
}

}  // namespace tools
