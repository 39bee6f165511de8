// A hypervisor that takes a CPU away: what stands still, what waits, and whose time it was.
#include "models/steal.h"

#include <catch2/catch.hpp>

#include "tests/support/cpu_bench.h"
#include "tests/support/sched_bench.h"

namespace models {
namespace {

using Kind = CpuBench::Kind;

TEST_CASE("a stolen CPU stops what it does, and its work ends that much later (KF18.5)", "[steal]") {
  CpuBench bench;
  bench.run_task([&] { bench.task("work", 100us, Kind::user, [&] { bench.rest(); }); });
  bench.at(30us, [&] { bench.cpu.steal(500us); });

  bench.engine.run_for(1ms);

  CHECK(bench.timeline.at("work") == Instants{600us});
}

TEST_CASE("interrupts of a stolen CPU are delivered when it is back, before its work goes on (KF18.5)",
          "[steal]") {
  CpuBench bench;
  bench.run_task([&] { bench.task("work", 100us, Kind::user, [&] { bench.rest(); }); });
  auto& disk = bench.irq("disk", 20us);
  bench.at(30us, [&] { bench.cpu.steal(500us); });
  bench.raise_at(disk, 100us);
  bench.raise_at(disk, 200us);  // merges

  bench.engine.run_for(1ms);

  CHECK(bench.timeline.at("disk entry") == Instants{530us});
  CHECK(bench.timeline.at("work") == Instants{620us});
}

TEST_CASE("a handler that is stolen from ends later, with interrupts off all the while (KF18.5)", "[steal]") {
  CpuBench bench;
  bench.run_task([&] { bench.rest(); });
  bench.raise_at(bench.irq("disk", 20us), 10us);
  bench.raise_at(bench.irq("nic", 3us), 40us);
  bench.at(15us, [&] { bench.cpu.steal(100us); });

  bench.engine.run_for(1ms);

  CHECK(bench.timeline.at("disk exit") == Instants{130us});
  CHECK(bench.timeline.at("nic entry") == Instants{130us});
}

TEST_CASE("stolen time is nobody's: neither the task's nor interrupts' nor idle (KF18.5)", "[steal]") {
  CpuBench bench;
  bench.cpu.set_accounting(CpuTime::user, CpuTime::system);
  bench.run_task([&] { bench.rest(); });
  bench.at(30us, [&] { bench.cpu.steal(500us); });

  bench.engine.run_for(1ms);
  bench.cpu.account_now();

  CHECK(bench.cpu.steal_time() == 500us);
  CHECK(bench.cpu.irq_time() == 0us);
  CHECK(bench.accounted(CpuTime::steal) == 500'000);
  CHECK(bench.accounted(CpuTime::user) == 500'000);
  CHECK(bench.accounted(CpuTime::idle) == 0);
}

TEST_CASE("a halted CPU is not stolen from before it is to run, and then for the rest only (KF18.5)",
          "[steal]") {
  CpuBench bench{{.topology = {.cpus = 1, .smt = 1, .llc_cpus = 0, .idle = {{IdleState::hlt, 0ns}}}}};
  bench.cpu.settle();
  bench.at(100us, [&] { bench.cpu.steal(500us); });
  bench.at(1'000us, [&] { bench.cpu.steal(500us); });  // passes unnoticed
  bench.raise_at(bench.irq("disk", 20us), 250us);
  bench.raise_at(bench.irq("nic", 3us), 2'000us);

  bench.engine.run_for(3ms);

  CHECK(bench.timeline.at("disk entry") == Instants{600us});
  CHECK(bench.timeline.at("nic entry") == Instants{2'000us});
  CHECK(bench.cpu.steal_time() == 350us);
}

TEST_CASE("thefts that overlap are one", "[steal]") {
  CpuBench bench;
  bench.run_task([&] { bench.task("work", 100us, Kind::user, [&] { bench.rest(); }); });
  bench.at(30us, [&] { bench.cpu.steal(100us); });
  bench.at(80us, [&] { bench.cpu.steal(100us); });
  bench.at(90us, [&] { bench.cpu.steal(10us); });

  bench.engine.run_for(1ms);

  CHECK(bench.timeline.at("work") == Instants{250us});
}

TEST_CASE("the process takes its length after each interval, counted from the end of the last theft",
          "[steal]") {
  CpuBench bench;
  bench.run_task([&] { bench.rest(); });
  Steal steal{bench.engine,
              bench.cpu,
              {.interval = sim::Distribution::constant(1ms), .length = sim::Distribution::constant(250us)},
              sim::Rng{1}};

  bench.engine.run_for(10ms);
  bench.cpu.account_now();

  CHECK(bench.cpu.steal_time() == 8 * 250us);
}

TEST_CASE("by default nothing is stolen", "[steal]") {
  CpuBench bench;
  bench.run_task([&] { bench.rest(); });
  Steal steal{bench.engine, bench.cpu, StealConfig{}, sim::Rng{1}};

  bench.engine.run_for(900ms);

  CHECK(!Steal::enabled(StealConfig{}));
  CHECK(bench.cpu.steal_time() == 0us);
}

// update_rq_clock_task: steal time is taken out of clock_task, as interrupt time is.
TEST_CASE("a task is not charged for stolen time, unless PARAVIRT_TIME_ACCOUNTING is off (KF18.5)",
          "[steal]") {
  const auto [accounting, charged] = GENERATE(std::pair{true, 6'000'000}, std::pair{false, 8'000'000});
  KernelSetup setup;
  setup.kernel.paravirt_time_accounting = accounting;
  SchedBench bench{setup};
  auto& hog = bench.hog("hog", 0);
  bench.run_until(1ms);
  bench.cpus[0]->steal(2ms);

  bench.run_until(9ms);  // charged last at the tick of 8 ms

  CHECK(hog.task.se.sum_exec_runtime == charged);
}

}  // namespace
}  // namespace models
