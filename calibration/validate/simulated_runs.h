// What is compared with repeated real runs: replications of the same host, with the steps of their agents.
//
//   HostConfig, seed, warm-up, duration ─► simulate_runs ─► steps (as a steps file has them), Metrics
//
// Each as long as a real repetition, for a percentile near the end of a sample depends on the sample's size.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "calibration/traces/steps.h"
#include "models/host_config.h"
#include "models/metrics.h"
#include "sim/time.h"

namespace calibration {

struct SimulationJob {
  models::HostConfig host;  // valid (scenarios/validate.h)
  std::uint64_t seed = 1;
  sim::Nanos warmup{0};
  sim::Nanos duration{0};
};

struct SimulatedRun {
  std::vector<StepRow> steps;  // in the order in which they ended
  models::Metrics metrics;
};

SimulatedRun simulate_run(const SimulationJob& job);

// All of them on `threads` threads; the results do not depend on how many. `done` is told after each, on any
// thread but never on two at once; may be empty. Once `stop` is set no further one starts, and those that did
// not run have no metrics (measured is 0).
std::vector<SimulatedRun> simulate_runs(std::span<const SimulationJob> jobs, int threads,
                                        const std::atomic<bool>* stop = nullptr,
                                        const std::function<void()>& done = {});

}  // namespace calibration
