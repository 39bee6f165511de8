// CPUs that are slower than the one that costs were measured on: by frequency, or by what their sibling does.
#include <rapidcheck.h>
#include <array>
#include <catch2/catch.hpp>
#include <memory>

#include "tests/support/cpu_bench.h"

namespace models {
namespace {

using Kind = CpuBench::Kind;

CpuBenchConfig at_speed(int speed) {
  CpuBenchConfig config;
  config.topology.cpu_speed = {speed};
  return config;
}

TEST_CASE("at half speed work takes twice as long, in every context", "[speed]") {
  CpuBench bench{at_speed(512)};
  bench.run_task([&] { bench.task("work", 100us, Kind::user, [&] { bench.rest(); }); });
  bench.raise_at(bench.irq("disk", 20us, [&] { bench.raise_softirq(7us); }), 30us);

  bench.engine.run_for(1ms);

  CHECK(bench.timeline.at("disk exit") == Instants{70us});
  CHECK(bench.timeline.at("softirq exit") == Instants{84us});
  CHECK(bench.timeline.at("work") == Instants{200us + 40us + 14us});
}

TEST_CASE("work that is interrupted again and again loses no fraction of a nanosecond", "[speed]") {
  CpuBench bench{at_speed(1000)};
  bench.run_task([&] { bench.task("work", 1ms, Kind::user, [&] { bench.rest(); }); });
  auto& disk = bench.irq("disk", 0ns);
  for (int i = 1; i <= 500; ++i) {
    bench.raise_at(disk, i * 1'999ns);
  }

  bench.engine.run_for(3ms);

  CHECK(bench.timeline.at("work") == Instants{1'024us});
}

TEST_CASE("the latency of leaving an idle state does not depend on the CPU's speed", "[speed]") {
  CpuBenchConfig config = at_speed(512);
  config.topology.idle = {{IdleState::hlt, 0ns}};
  config.costs = {{Cost::idle_exit_hlt, 20us}};
  CpuBench bench{config};
  bench.cpu.settle();
  bench.raise_at(bench.irq("disk", 3us), 100us);

  bench.engine.run_for(1ms);

  CHECK(bench.timeline.at("disk entry") == Instants{120us});
  CHECK(bench.timeline.at("disk exit") == Instants{126us});
}

// Two threads of one core; each runs at 3/4 while the other is not asleep.
struct Core {
  Core() {
    topology.cpus = topology.smt = 2;
    topology.idle = {{IdleState::c1, 0ns}};
    topology.smt_speed = 768;
    for (std::size_t i = 0; i < 2; ++i) {
      cpus[i] = std::make_unique<Cpu>(engine, static_cast<CpuId>(i), topology, Preemption::none, sampler,
                                      tracepoints);
      Cpu& cpu = *cpus[i];
      cpu.schedule.connect<&Core::schedule>(*this);
      cpu.softirqs_pending.connect<&Core::nothing_pending>(*this);
      cpu.drain_wake_list.connect<&Core::drain>(*this);
      cpu.idle_changed.connect<&Core::idle_changed>(*this);
    }
    cpus[0]->add_sibling(*cpus[1]);
    cpus[1]->add_sibling(*cpus[0]);
  }
  // The CPU leaves idle now for a task of that length, and then idles again.
  void start(std::uint64_t which) {
    cpus[which]->set_need_resched();
    cpus[which]->wake_polling();
  }
  void start_at(sim::Nanos when, std::uint64_t which, sim::Nanos length) {
    lengths[which] = length;
    engine.at<&Core::start>(sim::SimTime{when}, *this, which);
  }
  void schedule(CpuId id) {
    Cpu& cpu = *cpus[index(id)];
    cpu.clear_need_resched();
    cpu.set_idle_task(false);
    cpu.run<&Core::done>(Context::task, lengths[index(id)], *this, index(id));
  }
  void done(std::uint64_t which) {
    ended[which] = engine.now().time_since_epoch();
    cpus[which]->set_idle_task(true);
  }
  bool nothing_pending(CpuId) { return false; }
  void drain(CpuId) {}
  void idle_changed(CpuId, bool) {}

  sim::Engine engine;
  TopologyConfig topology;
  CostSampler sampler{constant_costs({}), sim::Rng{1}};
  Tracepoints tracepoints;
  std::array<std::unique_ptr<Cpu>, 2> cpus;
  std::array<sim::Nanos, 2> lengths{};
  std::array<sim::Nanos, 2> ended{};
};

TEST_CASE("a sibling that wakes up slows down what runs, and one that sleeps again speeds it up", "[speed]") {
  Core core;
  core.cpus[0]->settle();
  core.cpus[1]->settle();
  core.start_at(10us, 0, 100us);
  core.start_at(30us, 1, 30us);  // 40 us at 3/4

  core.engine.run_for(20us);
  CHECK(core.cpus[0]->speed() == full_speed);
  core.engine.run_for(20us);
  CHECK(core.cpus[0]->speed() == 768);
  core.engine.run_for(1ms);

  CHECK(core.ended[1] == 70us);
  CHECK(core.ended[0] == 10us + 20us + 40us + (100us - 20us - 30us));
}

// Whatever interrupts, steals and slows down: each nanosecond of wall time is in one account, and each piece
// of work takes what it takes.
TEST_CASE("CPU time is conserved per context, to the nanosecond", "[speed][property]") {
  rc::check([] {
    const int speed = *rc::gen::element(1024, 1024, 512, 700, 1000);
    const int interrupts = *rc::gen::inRange(0, 40);
    CpuBench bench{at_speed(speed)};
    bench.cpu.set_accounting(CpuTime::user, CpuTime::system);
    std::int64_t hardirq = 0;
    std::int64_t softirq = 0;
    std::int64_t raised = 0;
    bench.run_task(
        [&] { bench.task("work", 1ms, Kind::user, [&] { bench.task("rest", 1s, Kind::kernel); }); });
    for (int i = 0; i < interrupts; ++i) {
      const sim::Nanos cost{*rc::gen::inRange(0, 30'000)};
      const sim::Nanos bottom{*rc::gen::inRange(0, 20'000)};
      const sim::Nanos when{*rc::gen::inRange(0, 1'000'000)};
      auto& line = bench.irq("disk", cost, [&bench, bottom, &softirq, &raised] {
        if (bottom > 0ns && bench.softirq_cost == 0ns) {
          bench.raise_softirq(bottom);
          softirq += bottom.count();
          ++raised;
        }
      });
      bench.raise_at(line, when);
      hardirq += cost.count();
    }
    for (int i = 0; i < *rc::gen::inRange(0, 5); ++i) {
      const sim::Nanos length{*rc::gen::inRange(1, 100'000)};
      bench.at(sim::Nanos{*rc::gen::inRange(0, 1'000'000)}, [&bench, length] { bench.cpu.steal(length); });
    }

    bench.raise_at(bench.irq("last", 0ns), 19ms);  // runs a softirq that was raised over another one

    bench.engine.run_for(20ms);
    bench.cpu.account_now();

    std::int64_t sum = 0;
    for (const std::int64_t each : bench.cpu.accounted()) {
      sum += each;
    }
    RC_ASSERT(sum == 20'000'000);
    RC_ASSERT(bench.accounted(CpuTime::steal) == bench.cpu.steal_time().count());
    const auto takes = [&](CpuTime time, std::int64_t cost, std::int64_t pieces) {
      const std::int64_t wall = bench.accounted(time);  // each piece is rounded up to a nanosecond
      RC_ASSERT(wall * speed >= cost * 1024);
      RC_ASSERT(wall * speed <= cost * 1024 + pieces * speed);
    };
    takes(CpuTime::hardirq, hardirq, interrupts);
    takes(CpuTime::softirq, softirq, raised);
    takes(CpuTime::user, 1'000'000, 1);
  });
}

}  // namespace
}  // namespace models
