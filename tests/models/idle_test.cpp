// The idle loop of a CPU: entering a state, what wakes it, and what that costs.
#include <catch2/catch.hpp>

#include "tests/support/cpu_bench.h"

namespace models {
namespace {

// Distinct costs: 4 us in, 1 us (C1), 100 us (C6) and 20 us (HLT) out, 7 us from the state to schedule().
CpuBenchConfig idle_in(std::vector<IdleStateConfig> states) {
  CpuBenchConfig config;
  config.topology.idle = std::move(states);
  config.costs = {{Cost::idle_enter, 4us},     {Cost::idle_exit_poll, 300ns}, {Cost::idle_exit_c1, 1us},
                  {Cost::idle_exit_c6, 100us}, {Cost::idle_exit_hlt, 20us},   {Cost::idle_loop_exit, 7us}};
  return config;
}

// A CPU that has nothing to run, whose next schedule() finds a task.
struct IdleBench : CpuBench {
  explicit IdleBench(std::vector<IdleStateConfig> states) : IdleBench{idle_in(std::move(states))} {}
  explicit IdleBench(const CpuBenchConfig& config) : CpuBench{config} {
    on_schedule = [this] {
      task("switch", 3us, Kind::irqs_off, [this] {
        cpu.set_idle_task(false);
        rest();
      });
    };
    cpu.settle();
  }
};

TEST_CASE("an idle CPU is in its idle state after the entry's cost, and its tick stops then (KF9.3)",
          "[idle]") {
  IdleBench bench{{{IdleState::c1, 0ns}}};

  bench.engine.run_for(3us);
  CHECK(!bench.cpu.asleep());
  bench.engine.run_for(2us);

  CHECK(bench.cpu.asleep());
  CHECK(bench.cpu.idle());
  CHECK(bench.timeline.moments == Moments{{"idle begins", 4us}, {"cpu_idle 0", 4us}});
}

TEST_CASE("an MWAIT state is left before the handler runs (KF9.2)", "[idle]") {
  IdleBench bench{{{IdleState::c1, 0ns}}};
  auto& nic = bench.irq("nic", 3us, [&] { bench.cpu.set_need_resched(); });
  bench.raise_at(nic, 50us);

  bench.engine.run_for(1ms);

  CHECK(bench.timeline.moments == Moments{{"idle begins", 4us},
                                          {"cpu_idle 0", 4us},
                                          {"cpu_idle -1", 51us},
                                          {"nic entry", 51us},
                                          {"nic exit", 54us},
                                          {"idle ends", 54us},
                                          {"drain", 61us},
                                          {"schedule", 61us},
                                          {"switch", 64us}});
}

TEST_CASE("a longer halt takes longer to leave, by the square root of its length up to ten milliseconds",
          "[idle]") {
  const auto handler_after = [](sim::Nanos halt) {
    CpuBenchConfig config = idle_in({{IdleState::hlt, 0ns}});
    config.costs.push_back({Cost::idle_exit_hlt_deep, 10us});
    IdleBench bench{config};
    auto& nic = bench.irq("nic", 3us, [] {});
    const sim::Nanos raised = 4us + halt;  // idle_enter comes first
    bench.raise_at(nic, raised);
    bench.engine.run_for(30ms);
    return bench.timeline.moments.at(2).at - raised;
  };

  CHECK(handler_after(10us) == 20us + 1us);
  CHECK(handler_after(250us) == 20us + 5us);
  CHECK(handler_after(1ms) == 20us + 10us);
  CHECK(handler_after(4ms) == 20us + 20us);
  CHECK(handler_after(9ms) == 20us + 30us);
  CHECK(handler_after(20ms) == 20us + 31'622ns);
}

TEST_CASE("HLT takes the interrupt and its softirqs inside the idle routine, before its exit event",
          "[idle]") {
  IdleBench bench{{{IdleState::hlt, 0ns}}};
  auto& nic = bench.irq("nic", 3us, [&] {
    bench.cpu.set_need_resched();
    bench.raise_softirq(40us);
  });
  bench.raise_at(nic, 50us);

  bench.engine.run_for(1ms);

  CHECK(bench.timeline.moments == Moments{{"idle begins", 4us},
                                          {"cpu_idle 0", 4us},
                                          {"nic entry", 70us},
                                          {"nic exit", 73us},
                                          {"softirq entry", 73us},
                                          {"softirq exit", 113us},
                                          {"cpu_idle -1", 113us},
                                          {"idle ends", 113us},
                                          {"drain", 120us},
                                          {"schedule", 120us},
                                          {"switch", 123us}});
}

TEST_CASE("an interrupt that wakes nobody sends the CPU back to sleep, and its tick stays stopped",
          "[idle]") {
  IdleBench bench{{{IdleState::hlt, 0ns}}};
  auto& disk = bench.irq("disk", 3us);
  bench.raise_at(disk, 50us);

  bench.engine.run_for(1ms);

  CHECK(bench.timeline.moments == Moments{{"idle begins", 4us},
                                          {"cpu_idle 0", 4us},
                                          {"disk entry", 70us},
                                          {"disk exit", 73us},
                                          {"cpu_idle -1", 73us},
                                          {"cpu_idle 0", 77us}});
  CHECK(bench.cpu.asleep());
}

TEST_CASE("an interrupt during the idle entry waits for its end and prevents the sleep", "[idle]") {
  IdleBench bench{{{IdleState::hlt, 0ns}}};
  auto& nic = bench.irq("nic", 3us, [&] { bench.cpu.set_need_resched(); });
  bench.raise_at(nic, 1us);

  bench.engine.run_for(1ms);

  CHECK(
      bench.timeline.moments ==
      Moments{{"nic entry", 4us}, {"nic exit", 7us}, {"drain", 14us}, {"schedule", 14us}, {"switch", 17us}});
}

TEST_CASE("interrupts that arrive while the CPU leaves its state wait for it, and are then served in order",
          "[idle]") {
  IdleBench bench{{{IdleState::c6, 0ns}}};
  auto& nic = bench.irq("nic", 3us);
  auto& disk = bench.irq("disk", 5us);
  bench.raise_at(nic, 50us);
  bench.raise_at(disk, 60us);

  bench.engine.run_for(1ms);

  CHECK(bench.timeline.at("nic entry") == Instants{150us});
  CHECK(bench.timeline.at("disk entry") == Instants{153us});
}

TEST_CASE("a polling state is woken by NEED_RESCHED alone and drains its wake list (KF9.2)", "[idle]") {
  IdleBench bench{{{IdleState::c1, 0ns}}};
  bench.on_drain = [&] { bench.cpu.set_need_resched(); };
  bench.at(50us, [&] {
    REQUIRE(bench.cpu.polling());
    bench.cpu.set_need_resched();
    bench.cpu.wake_polling();
  });

  bench.engine.run_for(1ms);

  CHECK(bench.timeline.at("drain") == Instants{58us});
  CHECK(bench.timeline.at("idle ends") == Instants{51us});
  CHECK(bench.timeline.at("switch") == Instants{61us});
  CHECK(bench.cpu.interrupts() == std::array<std::int64_t, 3>{0, 0, 0});
}

TEST_CASE("MWAIT and poll states poll NEED_RESCHED, as does the way into any state; HLT does not (KF9.2)",
          "[idle]") {
  const auto [state, polls] = GENERATE(std::pair{IdleState::poll, true}, std::pair{IdleState::c1, true},
                                       std::pair{IdleState::c6, true}, std::pair{IdleState::hlt, false});
  IdleBench bench{{{state, 0ns}}};

  bench.engine.run_for(3us);
  CHECK(bench.cpu.polling());
  bench.engine.run_for(10us);

  CHECK(bench.cpu.polling() == polls);
}

TEST_CASE("a state may poll or take interrupts otherwise than its kind usually does (KF9.2)", "[idle]") {
  // An MWAIT state flagged IRQ_ENABLE, and one that is entered without MONITOR.
  IdleBench irq_enable{{{.state = IdleState::c1, .irq_inside = OfState::yes}}};
  IdleBench silent{{{.state = IdleState::c1, .polling = OfState::no}}};
  irq_enable.raise_at(irq_enable.irq("nic", 3us), 50us);

  irq_enable.engine.run_for(56us);
  silent.engine.run_for(56us);

  CHECK(irq_enable.timeline.at("nic exit") == Instants{54us});
  CHECK(irq_enable.timeline.at("cpu_idle -1") == Instants{54us});  // after the handler
  CHECK(!silent.cpu.polling());
}

TEST_CASE("the exit latency is that of the state the CPU was in", "[idle]") {
  const auto [state, exit] =
      GENERATE(std::pair{IdleState::poll, sim::Nanos{0}}, std::pair{IdleState::c1, sim::Nanos{1us}},
               std::pair{IdleState::c6, sim::Nanos{100us}}, std::pair{IdleState::hlt, sim::Nanos{20us}});
  IdleBench bench{{{state, 0ns}}};
  auto& nic = bench.irq("nic", 3us);
  bench.raise_at(nic, 50us);

  bench.engine.run_for(1ms);

  CHECK(bench.timeline.at("nic entry") == Instants{50us + exit});
}

TEST_CASE("the governor picks the deepest state whose residency fits the next timer (KF9.1)", "[idle]") {
  const auto [timer, state] = GENERATE(std::pair{sim::Nanos{2us}, 0}, std::pair{sim::Nanos{30us}, 1},
                                       std::pair{sim::Nanos{700us}, 2}, std::pair{sim::Nanos{1s}, 2});
  IdleBench bench{{{IdleState::poll, 0ns}, {IdleState::c1, 20us}, {IdleState::c6, 600us}}};
  bench.timer = timer;

  bench.engine.run_for(10us);

  CHECK(bench.cpu.idle_state() == state);
}

TEST_CASE("eight short idle spans keep the governor out of the deep state, whatever the timer (KF9.1)",
          "[idle]") {
  IdleBench bench{{{IdleState::c1, 0ns}, {IdleState::c6, 600us}}};
  // Each interrupt wakes a task that sleeps again at once.
  bench.on_schedule = [&] {
    bench.task("switch", 3us, CpuBench::Kind::irqs_off, [&] { bench.cpu.set_idle_task(true); });
  };
  auto& disk = bench.irq("disk", 3us, [&] { bench.cpu.set_need_resched(); });
  for (int i = 1; i <= 9; ++i) {
    bench.raise_at(disk, i * 300us);
  }

  bench.engine.run_for(2'200us);
  CHECK(bench.cpu.idle_state() == 1);  // seven spans: the eighth sample is still nothing
  bench.engine.run_for(400us);

  CHECK(bench.cpu.idle_state() == 0);
}

TEST_CASE("an interrupt at the end of the idle loop waits for the tick's restart and comes before schedule()",
          "[idle]") {
  IdleBench bench{{{IdleState::hlt, 0ns}}};
  bench.raise_at(bench.irq("nic", 3us, [&] { bench.cpu.set_need_resched(); }), 50us);
  bench.raise_at(bench.irq("disk", 5us), 75us);  // the loop's end takes from 73 us to 80 us

  bench.engine.run_for(1ms);

  CHECK(bench.timeline.at("disk entry") == Instants{80us});
  CHECK(bench.timeline.at("schedule") == Instants{85us});
  CHECK(bench.timeline.at("switch") == Instants{88us});
}

TEST_CASE("exit latency and idle loop are idle time; handlers over idle are not", "[idle]") {
  IdleBench bench{{{IdleState::hlt, 0ns}}};
  auto& disk = bench.irq("disk", 3us);
  bench.raise_at(disk, 50us);

  bench.engine.run_for(100us);
  bench.cpu.account_now();

  CHECK(bench.accounted(CpuTime::hardirq) == 3'000);
  CHECK(bench.accounted(CpuTime::idle) == 97'000);
}

TEST_CASE("a hardirq or softirq over idle leaves the CPU idle for whoever looks for one", "[idle]") {
  IdleBench bench{{{IdleState::c1, 0ns}}};
  auto& nic = bench.irq("nic", 3us, [&] { bench.raise_softirq(40us); });
  bench.raise_at(nic, 50us);

  bench.engine.run_for(52us);
  CHECK(bench.cpu.in_hardirq());
  CHECK(bench.cpu.idle());
  bench.engine.run_for(20us);

  CHECK(bench.cpu.in_softirq());
  CHECK(bench.cpu.idle());
  CHECK(!bench.cpu.asleep());
}

}  // namespace
}  // namespace models
