// Call-function IPIs: one queue per CPU, and when a sender sends nothing.
#include "models/ipi.h"

#include <catch2/catch.hpp>

#include "tests/support/cpu_bench.h"

namespace models {
namespace {

using Kind = CpuBench::Kind;

// Two users of CPU 0's queue, as block completions and remote wakeups are, and a sender on CPU 1. 11 us to
// send, 1 us to the handler, 6 us in it.
struct QueueBench : CpuBench {
  static CpuBenchConfig costs(IdleState idle) {
    CpuBenchConfig config;
    config.topology.idle = {{idle, 0ns}};
    config.costs = {{Cost::ipi_send, 11us}, {Cost::hardirq_entry, 1us}, {Cost::ipi_handler, 6us}};
    return config;
  }
  explicit QueueBench(IdleState idle = IdleState::hlt)
      : CpuBench{costs(idle)},
        sender{engine, CpuId{1}, topology, Preemption::none, sampler, tracepoints},
        block{engine, cpu, sampler},
        wakeups{engine, cpu, sampler} {
    block.drain.connect<&QueueBench::drain_block>(*this);
    wakeups.drain.connect<&QueueBench::drain_wakeups>(*this);
    on_schedule = [this] {
      cpu.set_idle_task(false);
      rest();
    };
  }
  void wakeup_at(sim::Nanos when) {
    at(when, [this] { wakeups.send_call_function(sender); });
  }
  void completion_at(sim::Nanos when) {
    at(when, [this] { block.send_call_function(sender); });
  }
  std::int64_t ipis() const { return cpu.interrupts()[static_cast<std::size_t>(IrqKind::ipi)]; }

  Cpu sender;
  IpiReceiver block;
  IpiReceiver wakeups;
  Then on_block;

 private:
  void drain_block(CpuId) {
    timeline.note("block");
    if (on_block) {
      on_block();
    }
  }
  void drain_wakeups(CpuId) { timeline.note("wakeups"); }
};

TEST_CASE(
    "what is queued while an IPI is on its way needs none of its own, and csd entries run first (KF1.5)",
    "[ipi]") {
  QueueBench bench;
  bench.run_task([&] { bench.task("region", 50us, Kind::irqs_off, [&] { bench.rest(); }); });
  bench.wakeup_at(10us);
  bench.completion_at(20us);
  bench.wakeup_at(30us);

  bench.engine.run_for(1ms);

  CHECK(bench.ipis() == 1);
  CHECK(bench.sender.debt() == 11us);
  CHECK(bench.timeline.at("block") == Instants{57us});
  CHECK(bench.timeline.at("wakeups") == Instants{57us});
  CHECK(bench.timeline.moments.end()[-2].what == "block");
}

TEST_CASE("an entry behind a drained queue sends again (KF1.5)", "[ipi]") {
  QueueBench bench;
  bench.run_task([&] { bench.rest(); });
  bench.wakeup_at(10us);
  bench.wakeup_at(100us);

  bench.engine.run_for(1ms);

  CHECK(bench.ipis() == 2);
  CHECK(bench.timeline.at("wakeups") == Instants{17us, 107us});
}

TEST_CASE(
    "a CPU that polls in idle is told to reschedule, drains the queue itself and runs what that raises "
    "(KF1.6)",
    "[ipi]") {
  QueueBench bench{IdleState::c1};
  bench.on_block = [&] { bench.raise_softirq(40us); };
  bench.cpu.settle();
  bench.completion_at(100us);

  bench.engine.run_for(1ms);

  CHECK(bench.ipis() == 0);
  CHECK(bench.sender.debt() == 0us);
  CHECK(bench.timeline.at("block") == Instants{100us});
  CHECK(bench.timeline.at("softirq exit") == Instants{140us});
  CHECK(bench.timeline.at("schedule") == Instants{140us});
}

TEST_CASE("a halted CPU needs the IPI (KF1.6)", "[ipi]") {
  QueueBench bench{IdleState::hlt};
  bench.cpu.settle();
  bench.completion_at(100us);

  bench.engine.run_for(1ms);

  CHECK(bench.ipis() == 1);
  CHECK(bench.timeline.at("block") == Instants{107us});
  CHECK(bench.timeline.at("schedule").empty());
}

}  // namespace
}  // namespace models
