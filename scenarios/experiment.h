// Runs variants, each replicated with seeds of its own, on several threads.
//
//   variants x replications ──► work list ──► threads ──► Metrics at [variant][replication]
//
// A replication is one host, one thread, one seed; results are kept by index, so any number of threads
// gives the same bytes. Replication i has the same seed under every variant: common random numbers.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <vector>

#include "models/metrics.h"
#include "scenarios/scenario.h"

namespace scenarios {

struct Progress {
  int done = 0;  // replications
  int total = 0;
  std::uint64_t events = 0;  // of those that are done
  double share = 0;          // of all simulated time, running replications included; 0..1
};

struct ExperimentOptions {
  RunConfig run;
  int jobs = 1;                                   // threads, >= 1
  const std::atomic<bool>* stop = nullptr;        // set: abandon what runs, keep what is done
  std::function<void(const Progress&)> progress;  // called a few times a second, on the calling thread
};

// One variant's replications, by index. Empty: abandoned.
struct Replications {
  std::vector<std::optional<models::Metrics>> at;
  models::Metrics merged;  // of all that completed
  int completed() const;
};

struct ExperimentResult {
  std::vector<Replications> variants;  // as given
  bool interrupted = false;
};

ExperimentResult run_experiment(std::span<const Variant* const> variants, const ExperimentOptions& options);

// The seed of replication `index`, from the scenario's.
std::uint64_t replication_seed(std::uint64_t seed, int index);

}  // namespace scenarios
