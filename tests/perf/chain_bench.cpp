// The whole chain model: simulated events and device-to-userspace completions per second of CPU time on one
// core.
//
// `ratio` is its events/s over those of the bare std::priority_queue engine in hold + reschedule at 64
// pending, measured in alternating rounds of the same run: how much of a naive engine's whole speed the full
// model keeps.
#include <benchmark/benchmark.h>

#include <string>

#include "models/host.h"
#include "scenarios/scenario.h"
#include "tests/perf/baseline.h"
#include "tests/perf/draws.h"
#include "tests/perf/race.h"
#include "tests/perf/workloads.h"

namespace {

constexpr sim::Nanos warmup{50'000'000};
constexpr sim::Nanos round_span{50'000'000};

void chain(benchmark::State& state, const std::string& path, const std::string& variant) {
  const std::string file = std::string{CHAINSIM_SOURCE_DIR} + "/scenarios/" + path;
  const scenarios::Scenario scenario = scenarios::load_scenario(file);
  const models::HostConfig& config =
      variant.empty() ? scenario.base.host : scenarios::find_variant(scenario, variant).host;
  models::Host host{config, 1};
  sim::SimTime until{warmup};
  host.advance(until, warmup);

  const perf::Tape tape{"hold", sim::Nanos{1'000'000}, 64};
  perf::Hold<perf::PriorityQueueEngine, perf::Tape::Reader> baseline{64, 1, perf::Tape::Reader{tape}};

  std::vector<double> ratios;
  double seconds = 0;
  const std::uint64_t first_event = host.events();
  const std::int64_t first_completion = host.metrics()[models::Counter::completions];
  for (auto _ : state) {
    const std::uint64_t baseline_before = baseline.engine().executed();
    const double baseline_seconds = perf::seconds(baseline, sim::Nanos{200'000'000});
    const double baseline_rate =
        static_cast<double>(baseline.engine().executed() - baseline_before) / baseline_seconds;
    const std::uint64_t before = host.events();
    until += round_span;
    const double start = perf::cpu_seconds();
    host.advance(until, warmup);
    const double span = perf::cpu_seconds() - start;
    state.SetIterationTime(span);
    seconds += span;
    ratios.push_back(static_cast<double>(host.events() - before) / span / baseline_rate);
  }
  const auto events = static_cast<double>(host.events() - first_event);
  const auto completions =
      static_cast<double>(host.metrics()[models::Counter::completions] - first_completion);
  state.counters["ratio"] = perf::median(ratios);
  state.counters["events/s"] = events / seconds;
  state.counters["completions/s"] = completions / seconds;
  state.counters["events/completion"] = events / completions;
}

BENCHMARK_CAPTURE(chain, captured_n4, "captured/n4.yaml", "")->UseManualTime();
BENCHMARK_CAPTURE(chain, captured_mixed, "captured/mixed.yaml", "")->UseManualTime();
BENCHMARK_CAPTURE(chain, agent_host_A, "agent_host.yaml", "A")->UseManualTime();
BENCHMARK_CAPTURE(chain, agent_host_D, "agent_host.yaml", "D")->UseManualTime();

}  // namespace
