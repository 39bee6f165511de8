// The proposal's five programs, as a user would run them by hand: their rows are kept as printed.
#include <algorithm>
#include <string>
#include <vector>

#include "calibration/capture/capture.h"
#include "calibration/capture/refusal.h"
#include "calibration/capture/seed_programs.h"
#include "calibration/capture/tracer.h"
#include "scenarios/output.h"

namespace calibration {
namespace {

constexpr std::int64_t second = 1'000'000'000;  // ns
constexpr std::int64_t attach_patience = 60 * second;
constexpr std::size_t most_bytes = std::size_t{1} << 30;

std::string path_of(const CaptureRequest& request, const SeedProgram& seed) {
  return request.directory + "/" + request.name + "." + std::string{seed.name} + ".txt";
}

// bpftrace waits for its programs' output in epoll_wait, and nowhere else: then all its probes are attached.
bool waits_for_events(pid_t tracer) {
  const std::string where = read_small_file("/proc/" + std::to_string(tracer) + "/wchan");
  return where.find("ep_poll") != std::string::npos || where.find("epoll_wait") != std::string::npos;
}

// Until the request's time is over, which counts from when it traces. False when it was stopped before.
bool listen(TracerProcess& tracer, const SeedProgram& seed, double seconds, const std::atomic<bool>& stop,
            std::string& output) {
  constexpr std::int64_t look = 20'000'000;  // ns
  bool traces = false;
  std::int64_t deadline = monotonic_ns() + attach_patience;
  for (std::string line; monotonic_ns() < deadline && output.size() < most_bytes;) {
    if (tracer.next_line(line, std::min(deadline, monotonic_ns() + look), &stop)) {
      output += line + "\n";
    } else if (stop.load()) {
      return false;
    } else if (!tracer.timed_out()) {
      tracer.wait();
      no_tracing(tracer, "that the program '" + std::string{seed.name} + "' ended");
    }
    if (!traces && waits_for_events(tracer.pid())) {
      traces = true;
      deadline = monotonic_ns() + static_cast<std::int64_t>(seconds * static_cast<double>(second));
    }
  }
  if (!traces) {
    no_tracing(tracer, "no sign of tracing within a minute");
  }
  return true;
}

// What one of them prints; "" when it was stopped.
std::string run_seed(const Machine& machine, const SeedProgram& seed, double seconds,
                     const std::atomic<bool>& stop) {
  TracerProcess tracer{machine.bpftrace, std::string{seed.text}, {}};
  std::string output;
  if (!listen(tracer, seed, seconds, stop, output)) {
    return "";
  }
  tracer.interrupt();
  for (std::string line; tracer.next_line_awake(line);) {
    output += line + "\n";
  }
  tracer.wait();
  return output;
}

}  // namespace

std::vector<std::string> capture_seed_programs(const Machine& machine, const CaptureRequest& request,
                                               const std::atomic<bool>& stop) {
  for (const SeedProgram& seed : seed_programs) {
    refuse_existing(path_of(request, seed));
  }
  scenarios::prepare_directory(request.directory);
  std::vector<std::string> written;
  for (const SeedProgram& seed : seed_programs) {
    const std::string output = run_seed(machine, seed, request.seconds, stop);
    if (output.empty()) {
      break;
    }
    scenarios::write_file(path_of(request, seed), output);
    written.push_back(path_of(request, seed));
  }
  return written;
}

}  // namespace calibration
