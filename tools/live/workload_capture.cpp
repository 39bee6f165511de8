#include "tools/live/workload_capture.h"

#include <fmt/format.h>
#include <unistd.h>

#include <optional>

#include "calibration/capture/machine.h"
#include "tools/live/recorder.h"

namespace tools::live {
namespace {

constexpr const char* complete = "complete";

// Interrupts that come while a probe runs are never recorded by this kernel's BPF: a few always, which the
// capture counts. More than these are more than noise.
constexpr double most_missed = 0.02;

std::string bpf_label(const calibration::CaptureSummary& summary) {
  const double missed = static_cast<double>(summary.runs.misses) /
                        static_cast<double>(summary.events + summary.runs.misses + 1);
  if (summary.ended_by == calibration::CaptureEnd::map_full) {
    return "incomplete: the map was full";
  }
  if (missed > most_missed || summary.odd_lines > 0) {
    return fmt::format("incomplete: {} events lost, {} lines not understood", summary.runs.misses,
                       summary.odd_lines);
  }
  if (const std::uint64_t broken = summary.switches.broken() - summary.switches.broken_by_silent();
      broken > 0) {
    return fmt::format("incomplete: {} of {} switches do not leave the task that was entered", broken,
                       summary.switches.checked());
  }
  return summary.partial() ? "incomplete: interrupted" : complete;
}

std::string ftrace_label(const TracefsSummary& summary) {
  if (summary.events == 0) {
    return "incomplete: no events";
  }
  if (summary.lost > 0) {
    return fmt::format("incomplete: {} events lost", summary.lost);
  }
  return summary.switches.broken() == 0
             ? complete
             : fmt::format("incomplete: {} of {} switches do not leave the task that was entered",
                           summary.switches.broken(), summary.switches.checked());
}

}  // namespace

WorkloadCapture::WorkloadCapture(const WorkloadOptions& options, sim::Nanos length,
                                 std::vector<std::int32_t> pids)
    : options_{options}, length_{length}, pids_{std::move(pids)}, thread_{[this] { run(); }} {}

WorkloadCapture::~WorkloadCapture() {
  give_up();
  if (thread_.joinable()) {
    thread_.join();
  }
}

bool WorkloadCapture::started() const { return progress_.start.load() != 0 || over_.load(); }
bool WorkloadCapture::ended() const { return progress_.end.load() != 0 || over_.load(); }

CaptureResult WorkloadCapture::result() {
  thread_.join();
  if (error_) {
    std::rethrow_exception(error_);
  }
  return result_;
}

void WorkloadCapture::run() {
  try {
    options_.capture == CaptureMode::bpf ? capture_bpf() : capture_ftrace();
  } catch (...) {
    error_ = std::current_exception();
  }
  over_.store(true);
}

void WorkloadCapture::capture_bpf() {
  calibration::CaptureRequest request;
  request.directory = options_.capture_directory;
  request.name = options_.capture_name;
  request.seconds = static_cast<double>(length_.count()) * 1e-9;
  request.program.filter.pids = pids_;
  request.own_processes = pids_;
  request.progress = &progress_;
  result_.bpf = calibration::capture_chain(calibration::inspect_machine(), request, stop_);
  result_.made = !result_.bpf.files.empty();
  result_.files = result_.bpf.files;
  result_.label = bpf_label(result_.bpf);
  result_.complete = result_.made && result_.label == complete;
  start_ = result_.bpf.start;
  end_ = result_.bpf.end;
}

void WorkloadCapture::capture_ftrace() {
  constexpr useconds_t look = 5'000;
  TracefsCapture tracer;
  tracer.start();
  start_ = monotonic_ns();
  progress_.start.store(start_);
  while (monotonic_ns() < start_ + length_.count() && !stop_.load()) {
    ::usleep(look);
  }
  end_ = monotonic_ns();
  tracer.stop();
  tracer.note_tasks(pids_);
  progress_.end.store(end_);
  result_.ftrace = tracer.store(options_.capture_directory, options_.capture_name);
  result_.made = !result_.ftrace.files.empty();
  result_.files = result_.ftrace.files;
  result_.label = ftrace_label(result_.ftrace);
  result_.complete = result_.made && result_.ftrace.complete();
}

}  // namespace tools::live
