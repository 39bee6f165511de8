// Conservation: every nanosecond of every CPU is accounted to exactly one kind of time.
#include <catch2/catch.hpp>

#include "models/host.h"
#include "tests/support/sched_hosts.h"

namespace models {
namespace {

std::int64_t accounted(const Metrics& metrics) {
  std::int64_t sum = 0;
  for (const Counter counter :
       {Counter::cpu_user_ns, Counter::cpu_system_ns, Counter::cpu_softirq_ns, Counter::cpu_ksoftirqd_ns,
        Counter::cpu_hardirq_ns, Counter::cpu_idle_ns, Counter::cpu_other_ns}) {
    CHECK(metrics[counter] >= 0);
    sum += metrics[counter];
  }
  return sum;
}

TEST_CASE("on any host the CPUs' accounted time is the measured time, to the nanosecond", "[host]") {
  const std::uint64_t number = GENERATE(range(0, 60));
  const RandomHost random{sim::Rng{number}.stream("conservation")};
  CAPTURE(number, random.config.topology.cpus);
  const sim::Nanos warmup{10'000'019 + static_cast<std::int64_t>(number) * 7'919};
  const sim::Nanos duration{30'000'037 + static_cast<std::int64_t>(number) * 104'729};

  Host host{random.config, number};
  host.run(warmup, duration);

  const Metrics& metrics = host.metrics();
  CHECK(metrics.measured == duration);
  CHECK(accounted(metrics) == duration.count() * random.config.topology.cpus);
  CHECK(metrics.events > 100);
}

TEST_CASE("a host that runs in small steps accounts the same time to the same kinds", "[host]") {
  const RandomHost random{sim::Rng{7}.stream("conservation")};
  Host at_once{random.config, 1};
  at_once.run(5ms, 20ms);

  Host in_steps{random.config, 1};
  for (sim::Nanos until = 1ms; until <= 25ms; until += 333'333ns) {
    in_steps.advance(sim::SimTime{until}, 5ms);
  }
  in_steps.advance(sim::SimTime{25ms}, 5ms);
  in_steps.finish();

  CHECK(in_steps.metrics().counters == at_once.metrics().counters);
}

// User time can only come from programs that compute: the agents' 50 us and the bursts and hogs.
TEST_CASE("a CPU that a hog never leaves is busy with it except for its ticks", "[host]") {
  HostConfig config;
  config.topology.cpus = 1;
  config.costs[Cost::tick].value = sim::Distribution::constant(30us);
  BackgroundConfig hog;
  hog.kind = BackgroundKind::hog;
  config.background.push_back(hog);

  Host host{config, 1};
  host.run(100ms, 1s);

  const Metrics& metrics = host.metrics();
  CHECK(metrics[Counter::interrupts_timer] == 250);
  CHECK(metrics[Counter::cpu_hardirq_ns] == 250 * 30'000);
  CHECK(metrics[Counter::cpu_user_ns] == 1'000'000'000 - 250 * 30'000);
}

}  // namespace
}  // namespace models
