#include "models/cpu.h"

#include <catch2/catch.hpp>

#include "tests/support/cpu_bench.h"

namespace models {
namespace {

using Kind = CpuBench::Kind;

TEST_CASE("a hardirq stretches the work it interrupts by exactly its cost", "[cpu]") {
  CpuBench bench;
  bench.run_task([&] { bench.task("work", 100us, Kind::user, [&] { bench.rest(); }); });
  auto& disk = bench.irq("disk", 20us);
  bench.raise_at(disk, 30us);
  bench.raise_at(disk, 70us);

  bench.engine.run_for(1ms);

  CHECK(bench.timeline.at("disk entry") == Instants{30us, 70us});
  CHECK(bench.timeline.at("disk exit") == Instants{50us, 90us});
  CHECK(bench.timeline.at("work") == Instants{140us});
}

TEST_CASE("an interrupt at the very end of a piece of work comes before its end", "[cpu]") {
  CpuBench bench;
  auto& disk = bench.irq("disk", 20us);
  bench.raise_at(disk, 100us);  // queued before the end of the work
  bench.run_task([&] { bench.task("work", 100us, Kind::user, [&] { bench.rest(); }); });

  bench.engine.run_for(1ms);

  CHECK(bench.timeline.moments == Moments{{"disk entry", 100us}, {"disk exit", 120us}, {"work", 120us}});
}

TEST_CASE("work with interrupts off delays every interrupt until its end (KF1.7)", "[cpu]") {
  CpuBench bench;
  bench.run_task([&] { bench.task("region", 50us, Kind::irqs_off, [&] { bench.rest(); }); });
  auto& disk = bench.irq("disk", 20us);
  auto& nic = bench.irq("nic", 3us);
  bench.raise_at(disk, 10us);
  bench.raise_at(nic, 20us);

  bench.engine.run_for(1ms);

  CHECK(bench.timeline.moments == Moments{{"region", 50us},
                                          {"disk entry", 50us},
                                          {"disk exit", 70us},
                                          {"nic entry", 70us},
                                          {"nic exit", 73us}});
}

TEST_CASE("edges on a latched line merge into one (KF1.1)", "[cpu]") {
  CpuBench bench;
  bench.run_task([&] { bench.task("region", 50us, Kind::irqs_off, [&] { bench.rest(); }); });
  auto& disk = bench.irq("disk", 20us);
  for (const sim::Nanos when : {10us, 20us, 30us}) {
    bench.raise_at(disk, when);
  }

  bench.engine.run_for(1ms);

  CHECK(bench.timeline.at("disk entry") == Instants{50us});
  CHECK(bench.cpu.interrupts()[static_cast<std::size_t>(IrqKind::device)] == 1);
}

TEST_CASE("the EOI precedes the handler: edges during it are one more interrupt after it (KF1.2)", "[cpu]") {
  CpuBench bench;
  bench.run_task([&] { bench.rest(); });
  auto& disk = bench.irq("disk", 20us);
  for (const sim::Nanos when : {10us, 15us, 25us}) {
    bench.raise_at(disk, when);
  }

  bench.engine.run_for(1ms);

  CHECK(bench.timeline.at("disk entry") == Instants{10us, 30us});
}

TEST_CASE("handlers do not nest: a second line waits until the first handler ends", "[cpu]") {
  CpuBench bench;
  bench.run_task([&] { bench.rest(); });
  auto& disk = bench.irq("disk", 20us);
  auto& nic = bench.irq("nic", 3us);
  bench.raise_at(disk, 10us);
  bench.raise_at(nic, 12us);

  bench.engine.run_for(1ms);

  CHECK(bench.timeline.moments ==
        Moments{{"disk entry", 10us}, {"disk exit", 30us}, {"nic entry", 30us}, {"nic exit", 33us}});
}

TEST_CASE("a handler may take several pieces of work; the interrupt ends with the last", "[cpu]") {
  CpuBench bench;
  bench.run_task([&] { bench.rest(); });
  auto& disk = bench.irq("disk", 20us, [&] { bench.work(Context::hardirq, "second completion", 7us); });
  auto& nic = bench.irq("nic", 3us);
  bench.raise_at(disk, 10us);
  bench.raise_at(nic, 12us);

  bench.engine.run_for(1ms);

  CHECK(bench.timeline.at("second completion") == Instants{37us});
  CHECK(bench.timeline.at("nic entry") == Instants{37us});
}

TEST_CASE("softirqs run at the exit of the interrupt that raised them, before any reschedule (KF1.3)",
          "[cpu]") {
  CpuBench bench{{.preemption = Preemption::full}};
  bench.run_task([&] { bench.task("work", 100us, Kind::user, [&] { bench.rest(); }); });
  auto& nic = bench.irq("nic", 3us, [&] {
    bench.cpu.set_need_resched();  // the handler woke a task
    bench.raise_softirq(40us);
  });
  bench.raise_at(nic, 10us);

  bench.engine.run_for(1ms);

  CHECK(bench.timeline.moments == Moments{{"nic entry", 10us},
                                          {"nic exit", 13us},
                                          {"softirq entry", 13us},
                                          {"softirq exit", 53us},
                                          {"schedule", 53us},
                                          {"work", 143us}});
}

TEST_CASE("the reschedule IPI runs no softirqs; the next other interrupt does (KF1.4)", "[cpu]") {
  CpuBench bench;
  bench.run_task([&] { bench.rest(); });
  auto& reschedule = bench.irq("reschedule", 1us);
  reschedule.line.runs_softirqs = false;
  auto& disk = bench.irq("disk", 20us);
  bench.raise_softirq(40us);
  bench.raise_at(reschedule, 10us);
  bench.raise_at(disk, 200us);

  bench.engine.run_for(1ms);

  CHECK(bench.timeline.at("reschedule exit") == Instants{11us});
  CHECK(bench.timeline.at("softirq entry") == Instants{220us});
}

TEST_CASE("a hardirq over a softirq stretches it, and its own exit starts no second run (KF2.7)", "[cpu]") {
  CpuBench bench;
  bench.run_task([&] { bench.rest(); });
  auto& nic = bench.irq("nic", 3us, [&] { bench.raise_softirq(40us); });
  auto& disk = bench.irq("disk", 20us, [&] { bench.raise_softirq(7us); });
  bench.raise_at(nic, 10us);
  bench.raise_at(disk, 30us);

  bench.engine.run_for(1ms);

  CHECK(bench.timeline.moments == Moments{{"nic entry", 10us},
                                          {"nic exit", 13us},
                                          {"softirq entry", 13us},
                                          {"disk entry", 30us},
                                          {"disk exit", 50us},
                                          {"softirq exit", 73us}});
  CHECK(bench.softirq_cost == 7us);  // pending: the softirq core's own loop or ksoftirqd takes it
}

TEST_CASE("a task's last local_bh_enable runs pending softirqs in its context, before it goes on", "[cpu]") {
  CpuBench bench;
  bench.run_task([&] {
    bench.task("send", 10us, Kind::kernel, [&] {
      bench.raise_softirq(40us);
      bench.cpu.local_bh_enable();
      bench.task("return", 2us, Kind::kernel, [&] { bench.rest(); });
    });
  });

  bench.engine.run_for(1ms);

  CHECK(bench.timeline.moments ==
        Moments{{"send", 10us}, {"softirq entry", 10us}, {"softirq exit", 50us}, {"return", 52us}});
}

// kernel/Kconfig.preempt, core.c:__sched_dynamic_update: where NEED_RESCHED acts, by preemption model and by
// what was interrupted.
struct Resched {
  Preemption preemption;
  Kind interrupted;
  sim::Nanos acts_at;
};

TEST_CASE(
    "NEED_RESCHED acts at the return to user, and under full preemption at any return with interrupts on "
    "(KF7.8)",
    "[cpu]") {
  const Resched expected = GENERATE(
      Resched{Preemption::none, Kind::user, 30us}, Resched{Preemption::none, Kind::kernel, 120us},
      Resched{Preemption::voluntary, Kind::user, 30us}, Resched{Preemption::voluntary, Kind::kernel, 120us},
      Resched{Preemption::full, Kind::user, 30us}, Resched{Preemption::full, Kind::kernel, 30us});
  CpuBench bench{{.preemption = expected.preemption}};
  bench.run_task([&] {
    bench.task("work", 100us, expected.interrupted, [&] { bench.task("user code", 300us, Kind::user); });
  });
  auto& disk = bench.irq("disk", 20us, [&] { bench.cpu.set_need_resched(); });
  bench.raise_at(disk, 10us);

  bench.engine.run_for(200us);

  CHECK(bench.timeline.at("work") == Instants{120us});
  CHECK(bench.timeline.at("schedule") == Instants{expected.acts_at});
}

TEST_CASE("NEED_RESCHED acts before a system call begins, because the one before it returned to user (KF7.8)",
          "[cpu]") {
  CpuBench bench;
  bench.run_task([&] {
    bench.task("read", 100us, Kind::kernel, [&] {
      bench.task("write", 30us, Kind::boundary,
                 [&] { bench.task("write's end", 7us, Kind::kernel, [&] { bench.rest(); }); });
    });
  });
  auto& timer = bench.irq("timer", 1us, [&] { bench.cpu.set_need_resched(); });
  bench.raise_at(timer, 10us);
  bench.raise_at(timer, 110us);  // inside write: it has begun

  bench.engine.run_for(1ms);

  CHECK(bench.timeline.at("schedule") == Instants{101us, 139us});
}

TEST_CASE("a preempted task gives its remaining work away and finishes it later", "[cpu]") {
  CpuBench bench;
  Work preempted;
  bench.on_schedule = [&] {
    preempted = bench.cpu.take_task_work();
    bench.task("other task", 50us, Kind::user, [&] { bench.cpu.set_work(Context::task, preempted); });
    bench.on_schedule = {};
  };
  bench.run_task([&] { bench.task("work", 100us, Kind::user, [&] { bench.rest(); }); });
  auto& disk = bench.irq("disk", 20us, [&] { bench.cpu.set_need_resched(); });
  bench.raise_at(disk, 30us);

  bench.engine.run_for(1ms);

  CHECK(preempted.remaining == 70us);
  CHECK(bench.timeline.at("other task") == Instants{100us});
  CHECK(bench.timeline.at("work") == Instants{170us});
}

TEST_CASE("synchronous work charged to a CPU delays whatever it executes next", "[cpu]") {
  CpuBench bench;
  bench.run_task([&] {
    bench.task("send", 10us, Kind::kernel, [&] {
      bench.cpu.charge(5us);
      bench.cpu.charge(2us);
      bench.task("return", 1us, Kind::kernel, [&] { bench.rest(); });
    });
  });

  bench.engine.run_for(1ms);

  CHECK(bench.timeline.at("return") == Instants{18us});
}

TEST_CASE("time is accounted to the outermost context, to the nanosecond", "[cpu]") {
  CpuBench bench;
  bench.cpu.set_accounting(CpuTime::user, CpuTime::system);
  bench.run_task([&] {
    bench.task("system call", 100us, Kind::kernel, [&] { bench.task("user code", 1s, Kind::user); });
  });
  auto& nic = bench.irq("nic", 3us, [&] { bench.raise_softirq(40us); });
  auto& disk = bench.irq("disk", 20us);
  bench.raise_at(nic, 10us);
  bench.raise_at(disk, 30us);

  bench.engine.run_for(1ms);
  bench.cpu.account_now();

  CHECK(bench.accounted(CpuTime::hardirq) == 23'000);
  CHECK(bench.accounted(CpuTime::softirq) == 40'000);
  CHECK(bench.accounted(CpuTime::system) == 100'000);
  CHECK(bench.accounted(CpuTime::user) == 1'000'000 - 163'000);
  CHECK(bench.accounted(CpuTime::idle) == 0);
  CHECK(bench.cpu.irq_time() == 63us);
}

TEST_CASE("ksoftirqd's softirq time is its own, not time that interrupts took", "[cpu]") {
  CpuBench bench;
  bench.run_task([&] {
    bench.task("run_ksoftirqd", 10us, Kind::kernel, [&] {
      bench.cpu.set_ksoftirqd(true);
      bench.raise_softirq(40us);
      bench.cpu.local_bh_enable();
      bench.rest();
    });
  });
  auto& disk = bench.irq("disk", 20us);
  bench.raise_at(disk, 30us);

  bench.engine.run_for(100us);
  bench.cpu.account_now();

  CHECK(bench.accounted(CpuTime::ksoftirqd) == 40'000);
  CHECK(bench.accounted(CpuTime::softirq) == 0);
  CHECK(bench.cpu.irq_time() == 20us);
}

TEST_CASE("a hardirq that takes a tenth of recent time has an irq share of a tenth", "[cpu]") {
  CpuBench bench;
  bench.run_task([&] { bench.task("spin", 10s, Kind::user); });
  auto& disk = bench.irq("disk", 20us);
  for (auto when = 100us; when < 500ms; when += 200us) {
    bench.raise_at(disk, when);
  }

  bench.engine.run_for(500ms);

  const double share = bench.cpu.irq_share(bench.engine.now(), Context::hardirq);
  CHECK(share == Approx(0.1).epsilon(0.02));
  CHECK(bench.cpu.irq_share(bench.engine.now() + 33'554'432ns, Context::hardirq) ==
        Approx(share / 2).epsilon(0.02));  // half-life: 32 periods of 2^20 ns
  CHECK(bench.cpu.irq_share(bench.engine.now(), Context::softirq) == 0.0);
}

// handle_softirqs enables interrupts only after it has taken its snapshot.
TEST_CASE("an edge that comes during the handler is delivered on top of the softirqs it raised (KF1.1)",
          "[cpu]") {
  CpuBench bench;
  bench.run_task([&] { bench.rest(); });
  int handled = 0;
  auto& nic = bench.irq("nic", 3us, [&] {
    if (handled++ == 0) {
      bench.raise_softirq(40us);
    }
  });
  for (const sim::Nanos when : Instants{10us, 11us, 12us}) {
    bench.raise_at(nic, when);  // the third merges with the second
  }

  bench.engine.run_for(1ms);

  CHECK(bench.timeline.moments == Moments{{"nic entry", 10us},
                                          {"nic exit", 13us},
                                          {"softirq entry", 13us},
                                          {"nic entry", 13us},
                                          {"nic exit", 16us},
                                          {"softirq exit", 56us}});
}

TEST_CASE(
    "of several latched vectors an IPI comes first, then the local timer, then devices in order (KF1.7)",
    "[cpu]") {
  CpuBench bench;
  bench.run_task([&] { bench.task("region", 50us, Kind::irqs_off, [&] { bench.rest(); }); });
  auto& nic = bench.irq("nic", 1us);
  auto& disk = bench.irq("disk", 2us);
  auto& timer = bench.irq("timer", 3us);
  timer.line.kind = IrqKind::timer;
  auto& ipi = bench.irq("ipi", 4us);
  ipi.line.kind = IrqKind::ipi;
  int order = 0;
  for (auto* line : {&nic, &disk, &timer, &ipi}) {
    bench.raise_at(*line, ++order * 10us);
  }

  bench.engine.run_for(1ms);

  CHECK(bench.timeline.at("ipi entry") == Instants{50us});
  CHECK(bench.timeline.at("timer entry") == Instants{54us});
  CHECK(bench.timeline.at("nic entry") == Instants{57us});
  CHECK(bench.timeline.at("disk entry") == Instants{58us});
}

TEST_CASE(
    "nothing but a hardirq interrupts a softirq: NEED_RESCHED waits for its end, even under full (KF2.7)",
    "[cpu]") {
  CpuBench bench{{.preemption = Preemption::full}};
  bench.run_task([&] { bench.task("work", 100us, Kind::user, [&] { bench.rest(); }); });
  bench.raise_at(bench.irq("nic", 3us, [&] { bench.raise_softirq(40us); }), 10us);
  bench.raise_at(bench.irq("timer", 2us, [&] { bench.cpu.set_need_resched(); }), 20us);

  bench.engine.run_for(1ms);

  CHECK(bench.timeline.at("softirq exit") == Instants{10us + 3us + 40us + 2us});
  CHECK(bench.timeline.at("schedule") == Instants{55us});
}

// irqtime_account_irq: at the entries and exits of hardirqs and softirqs.
TEST_CASE("interrupt time is booked at the ends of its sections, a reschedule IPI's not at all (KF7.10)",
          "[cpu]") {
  CpuBench bench;
  bench.run_task([&] { bench.rest(); });
  std::vector<sim::Nanos> booked;
  const auto look = [&] { booked.push_back(bench.cpu.irq_time()); };
  auto& reschedule = bench.irq("reschedule", 5us);
  reschedule.line.runs_softirqs = false;
  bench.raise_at(bench.irq("nic", 3us,
                           [&] {
                             look();  // inside the hardirq
                             bench.raise_softirq(40us);
                           }),
                 10us);
  bench.raise_at(bench.irq("disk", 20us, look), 30us);  // over the softirq, 17 us into it
  bench.raise_at(reschedule, 200us);

  bench.engine.run_for(300us);
  look();

  CHECK(booked == std::vector<sim::Nanos>{0us, 3us + 17us, 3us + 40us + 20us});
}

}  // namespace
}  // namespace models
