// A device's vector that moves to another CPU, also while its handler runs.
#include <catch2/catch.hpp>

#include "models/irq.h"
#include "tests/support/cpu_bench.h"

namespace models {
namespace {

// Two CPUs that compute; 1 us to the handler, 20 us in it, 3 us after it.
struct AffinityBench : CpuBench {
  static CpuBenchConfig costs() {
    CpuBenchConfig config;
    config.topology.cpus = 2;
    config.costs = {{Cost::hardirq_entry, 1us}, {Cost::nic_irq_handler, 20us}, {Cost::hardirq_exit, 3us}};
    return config;
  }
  explicit AffinityBench(KernelRelease release)
      : CpuBench{costs()},
        other{engine, CpuId{1}, topology, Preemption::none, sampler, tracepoints},
        irq{engine, cpu, sampler, tracepoints, meter, VectorId{40}, Cost::nic_irq_handler, release} {
    other.softirqs_pending.connect<&AffinityBench::nothing_pending>(*this);
    irq.handled.connect<&AffinityBench::handled>(*this);
    tracepoints.attached.connect<&AffinityBench::traced>(*this);
    tracepoints.arm(Tracepoint::irq_handler_entry);
    tracepoints.arm(Tracepoint::irq_handler_exit);
    run_task([this] { task("cpu 0", 100us, Kind::user, [this] { rest(); }); });
    other.set_idle_task(false);
    other.run<&AffinityBench::other_done>(Context::task, 100us, *this);
    other.settle();
  }
  void message_at(sim::Nanos when) {
    at(when, [this] { irq.message(); });
  }
  void move_at(sim::Nanos when, Cpu& target) {
    at(when, [this, &target] { irq.set_affinity(target); });
  }

  Cpu other;
  Meter meter;
  DeviceIrq irq;

 private:
  void other_done() {
    timeline.note("cpu 1");
    other.run<&AffinityBench::other_done>(Context::task, 1s, *this);
  }
  bool nothing_pending(CpuId) { return false; }
  void handled() { irq.leave(); }
  void traced(Tracepoint point, CpuId on, std::int64_t, std::int64_t, std::int64_t, std::int64_t) {
    timeline.note((point == Tracepoint::irq_handler_entry ? "entry " : "exit ") +
                  std::to_string(static_cast<int>(on)));
  }
};

TEST_CASE("messages after a change of affinity interrupt the new CPU; one on its way keeps its CPU",
          "[irq]") {
  AffinityBench bench{KernelRelease::v6_12};
  bench.message_at(10us);
  bench.move_at(50us, bench.other);
  bench.message_at(60us);
  bench.move_at(150us, bench.cpu);
  bench.message_at(160us);

  bench.engine.run_for(1ms);

  CHECK(bench.timeline.at("entry 0") == Instants{11us, 161us});
  CHECK(bench.timeline.at("entry 1") == Instants{61us});
  CHECK(&bench.irq.cpu() == &bench.cpu);
}

TEST_CASE("6.12: an edge on the new CPU while the old one handles is handled there once more", "[irq]") {
  AffinityBench bench{KernelRelease::v6_12};
  bench.message_at(10us);
  bench.move_at(15us, bench.other);
  bench.message_at(20us);
  bench.message_at(28us);  // while pending: one more handling is enough for both

  bench.engine.run_for(1ms);

  CHECK(bench.timeline.at("entry 0") == Instants{11us, 31us});
  CHECK(bench.timeline.at("exit 0") == Instants{31us, 51us});
  CHECK(bench.timeline.at("entry 1").empty());
  CHECK(bench.timeline.at("cpu 0") == Instants{100us + 1us + 20us + 20us + 3us});
  CHECK(bench.timeline.at("cpu 1") == Instants{100us + 2 * (1us + 3us)});  // it only marks and leaves
}

TEST_CASE("6.18: the new CPU spins with interrupts off until the old one is done, then handles itself",
          "[irq]") {
  AffinityBench bench{KernelRelease::v6_18};
  bench.message_at(10us);
  bench.move_at(15us, bench.other);
  bench.message_at(20us);

  bench.engine.run_for(25us);
  CHECK(bench.other.irqs_off());
  bench.engine.run_for(1ms);

  CHECK(bench.timeline.at("exit 0") == Instants{31us});
  CHECK(bench.timeline.at("entry 1") == Instants{31us + 1us});
  CHECK(bench.timeline.at("exit 1") == Instants{52us});
  CHECK(bench.timeline.at("cpu 0") == Instants{100us + 1us + 20us + 3us});
  CHECK(bench.timeline.at("cpu 1") == Instants{100us + 11us + 1us + 20us + 3us});
}

}  // namespace
}  // namespace models
