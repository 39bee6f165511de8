// The tick of an idle CPU: when it stops, when it is kept, and what that costs.
#include <algorithm>
#include <catch2/catch.hpp>

#include "tests/support/timer_bench.h"

namespace models {
namespace {

using Kind = CpuBench::Kind;

TopologyConfig machine(std::vector<IdleStateConfig> states, int cpus = 1) {
  return {.cpus = cpus, .smt = 1, .llc_cpus = 0, .idle = std::move(states)};
}
std::vector<IdleStateConfig> c1_and_c6() {
  return {{.state = IdleState::c1}, {.state = IdleState::c6, .target_residency = 600us}};
}
std::vector<IdleStateConfig> poll_and(sim::Nanos c1_residency, sim::Nanos c6_residency) {
  return {{.state = IdleState::poll},
          {.state = IdleState::c1, .target_residency = c1_residency},
          {.state = IdleState::c6, .target_residency = c6_residency}};
}

// A CPU whose schedule() from idle runs a task of 100 us and then idles again. 700 ns to stop the tick, 9 us
// to restart it.
struct TickBench : TimerBench {
  explicit TickBench(const TopologyConfig& topology_config, const KernelConfig& kernel_config = {},
                     CpuId id = CpuId{0})
      : TimerBench{250, kernel_config, topology_config, id, true} {
    on_schedule = [this] {
      cpu.set_idle_task(false);
      task("task", 100us, Kind::user, [this] { cpu.set_idle_task(true); });
    };
  }
  // A handler of 1 us wakes the task.
  void wake_at(sim::Nanos when) {
    raise_at(irq("nic", 1us, [this] { cpu.set_need_resched(); }), when);
  }
  Instants ticks() const { return timeline.at("tick"); }
};

TEST_CASE("an idle CPU without timers has no tick, a busy one always has (KF9.3)", "[tick]") {
  TickBench idle{machine({{IdleState::hlt, 0ns}})};
  idle.cpu.settle();
  TickBench busy{machine({{IdleState::hlt, 0ns}})};
  busy.run_hog();

  idle.engine.run_for(13ms);
  busy.engine.run_for(13ms);

  CHECK(idle.ticks().empty());
  CHECK(busy.ticks() == Instants{4ms + to_callbacks, 8ms + to_callbacks, 12ms + to_callbacks});
}

// Eight spans of about 200 us: the next will be such, menu says, keeps the tick, and is wrong until it fires.
TEST_CASE(
    "a tick that menu keeps fires in idle; the governor counts 45 ms and in the end lets it stop (KF9.3)",
    "[tick]") {
  TickBench bench{machine(c1_and_c6())};
  for (int i = 0; i < 9; ++i) {
    bench.wake_at(i * 300us + 200us);
  }
  bench.cpu.settle();

  bench.engine.run_for(100ms);

  // The short spans prevail while one of eight is left: outliers are dropped from the top.
  REQUIRE(bench.ticks().size() == 8);
  CHECK(bench.ticks().front() == 4ms + to_callbacks);
  CHECK(bench.ticks().back() == 32ms + to_callbacks);
  CHECK(bench.cpu.idle_state() == 1);
  CHECK(bench.timeline.at("tick stops").back() > 32ms);
}

TEST_CASE("the tick is not stopped while softirqs are pending (KF9.3)", "[tick]") {
  TickBench bench{machine({{IdleState::hlt, 0ns}})};
  bench.softirq.raise(SoftirqVector::rcu);
  bench.cpu.settle();

  bench.engine.run_for(9ms);

  // The first tick's exit runs them, and the loop stops the tick when it goes to sleep again.
  CHECK(bench.ticks() == Instants{4ms + to_callbacks});
  CHECK(bench.softirqs.size() == 1);
}

TEST_CASE("a CPU that leaves idle restarts its tick in phase with the grid (KF9.3)", "[tick]") {
  TickBench bench{machine({{IdleState::hlt, 0ns}})};
  bench.cpu.settle();
  bench.wake_at(3'950us);  // busy over the edge at 4 ms
  bench.wake_at(9'000us);  // busy between edges

  bench.engine.run_for(30ms);

  CHECK(bench.ticks() == Instants{4ms + to_callbacks});
}

TEST_CASE("stopping and restarting the tick cost only where the clock event changes (KF9.3)", "[tick]") {
  const auto [timer, costs] = GENERATE(std::pair{sim::Nanos{0}, true}, std::pair{sim::Nanos{500ms}, true},
                                       std::pair{sim::Nanos{3ms}, false});
  TickBench bench{machine({{IdleState::hlt, 0ns}})};
  if (timer != 0ns) {
    bench.arm(1, timer, timer);
  }
  bench.cpu.settle();
  bench.wake_at(1ms);

  bench.engine.run_for(2ms);

  // With a timer before the tick, the event stays what it is.
  CHECK(bench.timeline.at("cpu_idle 0")[0] == (costs ? 700ns : 0ns));
  CHECK(bench.timeline.at("task") == Instants{1ms + 1us + (costs ? 9us : 0us) + 100us});
}

TEST_CASE("interrupts that wake nobody leave the tick stopped (KF9.3)", "[tick]") {
  TickBench bench{machine({{IdleState::hlt, 0ns}})};
  bench.cpu.settle();
  bench.raise_at(bench.irq("disk", 3us), 3'990us);

  bench.engine.run_for(30ms);

  CHECK(bench.ticks().empty());
  CHECK(bench.timeline.at("tick stops").size() == 1);
}

TEST_CASE("TIMER, SCHED and RCU softirqs come with a kept tick's edge in idle, too (KF9.3)", "[tick]") {
  KernelConfig kernel;
  kernel.rcu_softirq_interval = 1ns;
  TickBench bench{machine({{IdleState::poll, 0ns}}), kernel};  // idle=poll keeps the tick
  bench.cpu.settle();

  bench.engine.run_for(13ms);

  CHECK(bench.ticks().size() == 3);
  CHECK(std::count_if(bench.softirqs.begin(), bench.softirqs.end(),
                      [](const auto& run) { return run.first == SoftirqVector::rcu; }) == 3);
}

TEST_CASE("with skew_tick CPUs' ticks are spread over half a period (KF9.3)", "[tick]") {
  const int id = GENERATE(0, 1, 3);
  KernelConfig kernel;
  kernel.skew_tick = true;
  TickBench bench{machine({{IdleState::hlt, 0ns}}, 4), kernel, static_cast<CpuId>(id)};
  bench.run_hog();

  bench.engine.run_for(9ms + 900us);

  CHECK(bench.ticks().back() == 8ms + id * 500us + to_callbacks);  // 2 ms by four CPUs
}

// cpuidle_poll_time: the residency of the first deeper state from 10 us, at most 4 ms / 16.
TEST_CASE("the polling state spins for its limit, and then the governor chooses again (KF9.1)", "[tick]") {
  const auto [states, limit] = GENERATE(std::pair{poll_and(20us, 600us), sim::Nanos{20us}},
                                        std::pair{poll_and(9us, 100us), sim::Nanos{100us}},
                                        std::pair{poll_and(9us, 600us), sim::Nanos{250us}});
  TickBench bench{machine(states)};
  bench.timer_override = 5us;  // too near for any deeper state
  bench.cpu.settle();

  bench.engine.run_for(limit + 1us);

  REQUIRE(!bench.timeline.at("cpu_idle -1").empty());
  CHECK(bench.timeline.at("cpu_idle -1")[0] == limit);
  CHECK(bench.timeline.at("cpu_idle 0").size() + bench.timeline.at("cpu_idle 1").size() ==
        2);  // chosen again
}

TEST_CASE("an interrupt over the polling state is taken inside it, and the poll's clock goes on (KF9.2)",
          "[tick]") {
  TickBench bench{machine(poll_and(100us, 600us))};
  bench.timer_override = 5us;
  bench.cpu.settle();
  bench.raise_at(bench.irq("disk", 30us), 20us);

  bench.engine.run_for(110us);

  CHECK(bench.timeline.at("disk entry") == Instants{20us});
  CHECK(bench.timeline.at("disk exit") == Instants{50us});
  CHECK(bench.timeline.at("cpu_idle -1")[0] == 100us);
  CHECK(bench.accounted(CpuTime::hardirq) == 30'000);
}

}  // namespace
}  // namespace models
