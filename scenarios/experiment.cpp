#include "scenarios/experiment.h"

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <exception>
#include <mutex>
#include <thread>

#include "models/host.h"
#include "sim/check.h"

namespace scenarios {
namespace {

// The work list and what the threads leave behind. Each job writes its own slot; the rest is counters.
class Runner {
 public:
  Runner(std::span<const Variant* const> variants, const ExperimentOptions& options, ExperimentResult& result)
      : variants_{variants},
        options_{options},
        result_{result},
        failures_(static_cast<std::size_t>(total())) {}

  void run();

 private:
  int total() const { return static_cast<int>(variants_.size()) * options_.run.replications; }
  bool stopped() const { return options_.stop != nullptr && options_.stop->load(std::memory_order_relaxed); }
  void work();
  void run_job(int job);
  std::optional<models::Metrics> simulate(const models::HostConfig& host, std::uint64_t seed);
  void watch();
  void report() const;

  std::span<const Variant* const> variants_;
  const ExperimentOptions& options_;
  ExperimentResult& result_;
  std::vector<std::exception_ptr> failures_;  // by job
  std::atomic<int> next_{0};
  std::atomic<int> done_{0};
  std::atomic<bool> failed_{false};
  std::atomic<std::uint64_t> events_{0};
  std::atomic<std::int64_t> simulated_ns_{0};
  std::mutex mutex_;
  std::condition_variable idle_;
  int working_ = 0;  // threads, under mutex_
};

// In slices, so that it can be abandoned and its progress seen; the slices do not change the run.
std::optional<models::Metrics> Runner::simulate(const models::HostConfig& host, std::uint64_t seed) {
  constexpr sim::Nanos slice{10'000'000};
  models::Host machine{host, seed};
  const sim::Nanos end = options_.run.warmup + options_.run.duration;
  std::uint64_t events = 0;
  for (sim::Nanos now{0}; now < end;) {
    if (stopped() || failed_.load(std::memory_order_relaxed)) {
      return std::nullopt;
    }
    const sim::Nanos until = std::min(now + slice, end);
    machine.advance(sim::SimTime{until}, options_.run.warmup);
    events_ += machine.events() - events;
    events = machine.events();
    simulated_ns_ += (until - now).count();
    now = until;
  }
  machine.finish();
  return machine.metrics();
}

// Replication by replication, all variants of one before the next: an interrupted comparison has pairs.
void Runner::run_job(int job) {
  const int variants = static_cast<int>(variants_.size());
  const int replication = job / variants;
  const auto variant = static_cast<std::size_t>(job % variants);
  auto metrics = simulate(variants_[variant]->host, replication_seed(options_.run.seed, replication));
  if (metrics) {
    result_.variants[variant].at[static_cast<std::size_t>(replication)] = std::move(metrics);
    ++done_;
  }
}

void Runner::work() {
  for (int job = next_++; job < total() && !stopped() && !failed_; job = next_++) {
    try {
      run_job(job);
    } catch (...) {
      failures_[static_cast<std::size_t>(job)] = std::current_exception();
      failed_ = true;
    }
  }
  const std::lock_guard lock{mutex_};
  --working_;
  idle_.notify_all();
}

void Runner::report() const {
  if (options_.progress) {
    const auto each = static_cast<double>((options_.run.warmup + options_.run.duration).count());
    options_.progress({.done = done_,
                       .total = total(),
                       .events = events_,
                       .share = static_cast<double>(simulated_ns_) / (each * total())});
  }
}

void Runner::watch() {
  std::unique_lock lock{mutex_};
  while (working_ > 0) {
    idle_.wait_for(lock, std::chrono::milliseconds{200});
    report();
  }
}

void Runner::run() {
  working_ = std::clamp(options_.jobs, 1, std::max(1, total()));
  std::vector<std::thread> threads;
  for (int i = working_; i > 0; --i) {
    threads.emplace_back([this] { work(); });
  }
  watch();
  for (std::thread& thread : threads) {
    thread.join();
  }
  report();  // threads may have been done before watch() looked
  for (const std::exception_ptr& failure : failures_) {
    if (failure) {
      std::rethrow_exception(failure);
    }
  }
  result_.interrupted = done_ < total();
}

}  // namespace

int Replications::completed() const {
  return static_cast<int>(
      std::count_if(at.begin(), at.end(), [](const auto& run) { return run.has_value(); }));
}

ExperimentResult run_experiment(std::span<const Variant* const> variants, const ExperimentOptions& options) {
  sim::check(options.run.replications >= 1, "an experiment has a replication");
  ExperimentResult result;
  result.variants.resize(variants.size());
  for (Replications& runs : result.variants) {
    runs.at.resize(static_cast<std::size_t>(options.run.replications));
  }
  Runner{variants, options, result}.run();
  for (Replications& runs : result.variants) {
    for (const auto& metrics : runs.at) {
      if (metrics) {
        runs.merged.merge(*metrics);
      }
    }
  }
  return result;
}

// splitmix64 (Steele, Lea, Flood 2014): neighbouring seeds and indices share no streams.
std::uint64_t replication_seed(std::uint64_t seed, int index) {
  std::uint64_t z = seed + 0x9e3779b97f4a7c15 * (static_cast<std::uint64_t>(index) + 1);
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
  z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
  return z ^ (z >> 31);
}

}  // namespace scenarios
