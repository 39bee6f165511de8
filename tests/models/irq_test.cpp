#include "models/irq.h"

#include <catch2/catch.hpp>

#include "tests/support/cpu_bench.h"

namespace models {
namespace {

// A device's vector on one CPU: 500 ns on its way, 2 us to the handler, 20 us in it, 3 us after it.
struct IrqBench : CpuBench {
  IrqBench() : IrqBench{500ns} {}
  explicit IrqBench(sim::Nanos delivery)
      : CpuBench{{.costs = {{Cost::msi_delivery, delivery},
                            {Cost::hardirq_entry, 2us},
                            {Cost::nic_irq_handler, 20us},
                            {Cost::hardirq_exit, 3us}}}},
        irq{engine, cpu, sampler, tracepoints, meter, VectorId{40}, Cost::nic_irq_handler} {
    irq.handled.connect<&IrqBench::handled>(*this);
    tracepoints.attached.connect<&IrqBench::traced>(*this);
    tracepoints.arm(Tracepoint::irq_handler_entry);
    tracepoints.arm(Tracepoint::irq_handler_exit);
    meter.start();
    run_task([this] { task("work", 100us, Kind::user, [this] { rest(); }); });
  }
  void message_at(sim::Nanos when) {
    at(when, [this] { irq.message(); });
  }
  std::int64_t recorded(Metric metric) const {
    return static_cast<std::int64_t>(meter.metrics()[metric].count());
  }

  Meter meter;
  DeviceIrq irq;
  Then driver;  // what the handler does; it ends with leave()

 private:
  void handled() {
    timeline.note("handled");
    if (driver) {
      driver();
    } else {
      irq.leave();
    }
  }
  void traced(Tracepoint point, CpuId, std::int64_t vector, std::int64_t, std::int64_t, std::int64_t) {
    timeline.note((point == Tracepoint::irq_handler_entry ? "entry " : "exit ") + std::to_string(vector));
  }
};

TEST_CASE("a message reaches its handler after delivery and entry, and the task pays entry, handler and exit",
          "[irq]") {
  IrqBench bench;
  bench.message_at(10us);

  bench.engine.run_for(1ms);

  CHECK(
      bench.timeline.moments ==
      Moments{
          {"", 10us}, {"entry 40", 12'500ns}, {"handled", 32'500ns}, {"exit 40", 32'500ns}, {"work", 125us}});
}

TEST_CASE("a message without delivery latency interrupts at once", "[irq]") {
  IrqBench bench{0ns};
  bench.message_at(10us);

  bench.engine.run_for(1ms);

  CHECK(bench.timeline.at("entry 40") == Instants{12us});
}

TEST_CASE("messages that arrive before the handler begins are one interrupt", "[irq]") {
  IrqBench bench;
  bench.cpu.take_task_work();
  bench.task("region", 50us, CpuBench::Kind::irqs_off, [&] { bench.rest(); });
  bench.cpu.settle();
  for (const sim::Nanos when : {10us, 20us, 30us}) {
    bench.message_at(when);
  }

  bench.engine.run_for(1ms);

  CHECK(bench.timeline.at("entry 40") == Instants{52us});
}

TEST_CASE("a handler that goes on with more hardirq work exits after it", "[irq]") {
  IrqBench bench;
  bench.driver = [&] { bench.work(Context::hardirq, "reap", 7us, [&] { bench.irq.leave(); }); };
  bench.message_at(10us);

  bench.engine.run_for(1ms);

  CHECK(bench.timeline.at("exit 40") == Instants{39'500ns});
  CHECK(bench.meter.metrics()[Metric::irq_handler].mean() == Approx(27'000));
}

// nvme_irq ends with the wakeup of the last request's task.
TEST_CASE("what the handler's last step charges comes before irq_handler_exit", "[irq]") {
  IrqBench bench;
  bench.driver = [&] {
    bench.cpu.charge(8us);
    bench.irq.leave();
  };
  bench.message_at(10us);

  bench.engine.run_for(1ms);

  CHECK(bench.timeline.at("exit 40") == Instants{40'500ns});
  CHECK(bench.timeline.at("work") == Instants{133us});
}

TEST_CASE("an agent's interrupt is measured from its first message, a stranger's not at all", "[irq]") {
  IrqBench bench;
  bench.driver = [&] { bench.irq.leave(true); };
  bench.message_at(10us);
  bench.engine.run_for(100us);
  bench.driver = {};
  bench.message_at(200us);

  bench.engine.run_for(1ms);

  CHECK(bench.recorded(Metric::irq_handler) == 2);
  CHECK(bench.recorded(Metric::stage_irq) == 1);
  CHECK(bench.meter.metrics()[Metric::stage_irq].mean() == Approx(22'500));
}

}  // namespace
}  // namespace models
