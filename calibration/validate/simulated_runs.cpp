#include "calibration/validate/simulated_runs.h"

#include <algorithm>
#include <exception>
#include <mutex>
#include <thread>

#include "models/host.h"

namespace calibration {
namespace {

struct StepRecorder {
  std::vector<StepRow>& rows;
  void step(const models::StepTimes& times) {
    rows.push_back({.agent = times.agent_id,
                    .start_ns = times.start.time_since_epoch().count(),
                    .timer_late_ns = times.timer_late.count(),
                    .tool_ns = times.tool.count(),
                    .read_ns = times.read.count(),
                    .parse_ns = times.compute.count()});
  }
};

}  // namespace

SimulatedRun simulate_run(const SimulationJob& job) {
  SimulatedRun run;
  models::Host host{job.host, job.seed};
  StepRecorder recorder{run.steps};
  host.step_done().connect<&StepRecorder::step>(recorder);
  host.run(job.warmup, job.duration);
  run.metrics = host.metrics();
  return run;
}

std::vector<SimulatedRun> simulate_runs(std::span<const SimulationJob> jobs, int threads,
                                        const std::atomic<bool>* stop, const std::function<void()>& done) {
  std::vector<SimulatedRun> runs(jobs.size());
  std::atomic<std::size_t> next{0};
  std::mutex mutex;
  std::exception_ptr failure;
  const auto work = [&] {
    for (std::size_t i = next++; i < jobs.size() && !(stop != nullptr && stop->load()); i = next++) {
      try {
        runs[i] = simulate_run(jobs[i]);
        const std::lock_guard lock{mutex};
        if (done) {
          done();
        }
      } catch (...) {
        const std::lock_guard lock{mutex};
        failure = failure ? failure : std::current_exception();
        next = jobs.size();
      }
    }
  };
  std::vector<std::thread> pool;
  for (int i = 1; i < std::min(threads, static_cast<int>(jobs.size())); ++i) {
    pool.emplace_back(work);
  }
  work();
  for (std::thread& thread : pool) {
    thread.join();
  }
  if (failure) {
    std::rethrow_exception(failure);
  }
  return runs;
}

}  // namespace calibration
