// Two workloads timed against each other in one process, in short alternating rounds and by the thread's
// own CPU time, so that a busy machine changes their ratio little.
#pragma once

#include <benchmark/benchmark.h>

#include <time.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "sim/time.h"

namespace perf {

inline double median(std::vector<double> values) {
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

inline double cpu_seconds() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) * 1e-9;
}

// Seconds that `workload` takes for `span` of simulated time.
template <class Workload>
double seconds(Workload& workload, sim::Nanos span) {
  const double start = cpu_seconds();
  workload.engine().run_for(span);
  return cpu_seconds() - start;
}

// Rounds of `span` each. Counters: `ratio` to the baseline and `baseline` events/s (medians over the
// rounds); items_per_second is the product's. Both must execute the same number of events.
template <class Baseline, class Product>
void race(benchmark::State& state, Baseline& baseline, Product& product, sim::Nanos span) {
  constexpr int warm_up = 8;
  for (int round = 0; round < warm_up; ++round) {
    seconds(baseline, span);
    seconds(product, span);
  }
  std::vector<double> ratios;
  std::vector<double> rates;
  const std::uint64_t first = product.engine().executed();
  for (auto _ : state) {
    const std::uint64_t before = baseline.engine().executed();
    const double baseline_seconds = seconds(baseline, span);
    const double product_seconds = seconds(product, span);
    state.SetIterationTime(product_seconds);
    ratios.push_back(baseline_seconds / product_seconds);
    rates.push_back(static_cast<double>(baseline.engine().executed() - before) / baseline_seconds);
  }
  if (baseline.engine().executed() != product.engine().executed()) {
    state.SkipWithError("the two engines executed different numbers of events");
    return;
  }
  state.SetItemsProcessed(static_cast<std::int64_t>(product.engine().executed() - first));
  state.counters["ratio"] = median(ratios);
  state.counters["baseline"] = benchmark::Counter(median(rates));
}

}  // namespace perf
