// The engine against std::priority_queue: hold, hold with a reschedule at every event, M/M/1.
//
//   tape        both sides read the same recorded numbers
//   generator   both sides draw from the product's streams and samplers
//   timers      the product arms sim::Timer where the baseline schedules anew
//   heap4       the runner-up, an indexed four-ary heap, races in the product's place
#include <benchmark/benchmark.h>

#include "sim/engine.h"
#include "tests/perf/baseline.h"
#include "tests/perf/draws.h"
#include "tests/perf/heap4.h"
#include "tests/perf/mm1.h"
#include "tests/perf/race.h"
#include "tests/perf/workloads.h"

namespace {

using namespace std::chrono_literals;
using perf::Generator;
using perf::PriorityQueueEngine;
using perf::Tape;

constexpr sim::Nanos mean = 1ms;
constexpr int events_a_round = 10'000;

template <class Product>
void race_hold(benchmark::State& state, int reschedules, const auto& source) {
  const auto pending = static_cast<int>(state.range(0));
  using Draws = typename Product::Draws;
  perf::Hold<PriorityQueueEngine, Draws> baseline{pending, reschedules, Draws{source}};
  Product product{pending, reschedules, Draws{source}};
  perf::race(state, baseline, product, mean * events_a_round / pending);
}

template <class Product>
void on_tape(benchmark::State& state, int reschedules) {
  race_hold<Product>(state, reschedules, Tape{"hold", mean, static_cast<int>(state.range(0))});
}

template <class Product>
void on_generator(benchmark::State& state, int reschedules) {
  race_hold<Product>(state, reschedules, Generator{"hold", mean, static_cast<int>(state.range(0))});
}

void sizes(benchmark::internal::Benchmark* bench) {
  bench->ArgName("pending")->Arg(16)->Arg(64)->Arg(256)->Arg(1024)->Arg(16384)->UseManualTime();
}

void typical(benchmark::internal::Benchmark* bench) {
  bench->ArgName("pending")->Arg(64)->Arg(1024)->UseManualTime();
}

constexpr auto hold_tape = on_tape<perf::Hold<sim::Engine, Tape::Reader>>;
constexpr auto hold_timers = on_tape<perf::TimerHold<Tape::Reader>>;
constexpr auto hold_heap4 = on_tape<perf::Hold<perf::Heap4Engine, Tape::Reader>>;
constexpr auto hold_generator = on_generator<perf::Hold<sim::Engine, Generator>>;

BENCHMARK_CAPTURE(hold_tape, hold, 0)->Apply(sizes);
BENCHMARK_CAPTURE(hold_tape, hold_reschedule, 1)->Apply(sizes);
BENCHMARK_CAPTURE(hold_timers, hold, 0)->Apply(sizes);
BENCHMARK_CAPTURE(hold_timers, hold_reschedule, 1)->Apply(sizes);
BENCHMARK_CAPTURE(hold_heap4, hold, 0)->Apply(sizes);
BENCHMARK_CAPTURE(hold_heap4, hold_reschedule, 1)->Apply(sizes);
BENCHMARK_CAPTURE(hold_generator, hold, 0)->Apply(typical);
BENCHMARK_CAPTURE(hold_generator, hold_reschedule, 1)->Apply(typical);

// Utilisation 75 %; two events a job.
template <class Engine, class Draw>
void race_mm1(benchmark::State& state, const auto& interarrival, const auto& service) {
  perf::SingleServerQueue<PriorityQueueEngine, Draw> baseline{Draw{interarrival}, Draw{service}};
  perf::SingleServerQueue<Engine, Draw> product{Draw{interarrival}, Draw{service}};
  perf::race(state, baseline, product, mean * events_a_round / 2);
}

template <class Engine>
void mm1_tape(benchmark::State& state) {
  race_mm1<Engine, Tape::Reader>(state, Tape{"interarrival", mean}, Tape{"service", mean * 3 / 4});
}

void mm1_generator(benchmark::State& state) {
  race_mm1<sim::Engine, Generator>(state, Generator{"interarrival", mean},
                                   Generator{"service", mean * 3 / 4});
}

BENCHMARK(mm1_tape<sim::Engine>)->Name("mm1_tape")->UseManualTime();
BENCHMARK(mm1_tape<perf::Heap4Engine>)->Name("mm1_heap4")->UseManualTime();
BENCHMARK(mm1_generator)->UseManualTime();

}  // namespace
