// Who runs: classes, slices and ticks, preemption, what tasks are charged, and what a newly idle CPU pulls.
#include "models/sched.h"

#include <catch2/catch.hpp>

#include "tests/support/sched_bench.h"

namespace models {
namespace {

KernelSetup setup(int cpus, std::vector<std::pair<Cost, sim::Nanos>> costs = {}) {
  KernelSetup chosen;
  chosen.cpus = cpus;
  chosen.costs = std::move(costs);
  return chosen;
}

SchedConfig on(int cpu) {
  SchedConfig config;
  config.cpus = {cpu};
  return config;
}

SchedConfig rt_on(int cpu, int priority, SchedClass sched_class = SchedClass::fifo) {
  SchedConfig config = on(cpu);
  config.sched = sched_class;
  config.rt_priority = priority;
  return config;
}

// ---- fair tasks: slices end at ticks ----

TEST_CASE("two tasks that never sleep take turns at ticks, however short their slices", "[sched]") {
  SchedBench bench{setup(1)};  // a slice of 700 us, a tick of 4 ms
  bench.hog("a", 0);
  bench.hog("b", 0);

  bench.run_until(17ms);

  CHECK(bench.switches() == Moments{{"0: idle > a", 0us},
                                    {"0: a > b", 4ms},
                                    {"0: b > a", 8ms},
                                    {"0: a > b", 12ms},
                                    {"0: b > a", 16ms}});
}

TEST_CASE("a slice longer than a tick ends at the first tick after it", "[sched]") {
  KernelSetup long_slices = setup(1);
  long_slices.kernel.base_slice = 9ms;
  SchedBench bench{long_slices};
  bench.hog("a", 0);
  bench.hog("b", 0);

  bench.run_until(39ms);

  CHECK(bench.traced(Tracepoint::sched_switch) ==
        Moments{{"0: idle > a", 0us}, {"0: a > b", 12ms}, {"0: b > a", 24ms}, {"0: a > b", 36ms}});
}

TEST_CASE("a task alone on its CPU is never switched, tick after tick", "[sched]") {
  SchedBench bench{setup(1)};
  bench.hog("a", 0);

  bench.run_until(100ms);

  CHECK(bench.switches().size() == 1);
  CHECK(bench.interrupts(0, IrqKind::timer) == 25);
}

TEST_CASE("nice weights show in the time that two busy tasks get", "[sched]") {
  SchedBench bench{setup(1)};
  SchedConfig nice5 = on(0);
  nice5.nice = 5;
  auto& heavy = bench.hog("heavy", 0);
  auto& light = bench.hog("light", 0, nice5);

  bench.run_until(20s);

  const auto share = static_cast<double>(light.task.se.sum_exec_runtime) /
                     static_cast<double>(light.task.se.sum_exec_runtime + heavy.task.se.sum_exec_runtime);
  CHECK(share == Approx(335.0 / (335.0 + 1024.0)).epsilon(0.01));
}

TEST_CASE("a preempted task goes on where it was, and its work takes as long as it takes", "[sched]") {
  SchedBench bench{setup(1)};
  auto& task = bench.worker("task", 0, 6ms);
  bench.sched->try_to_wake_up(task.task, CpuId{0}, {});
  bench.sched->cpu(CpuId{0}).settle();
  bench.hog("hog", 0);

  bench.run_until(20ms);

  CHECK(bench.timeline.at("task done") == Instants{4ms + 4ms + 2ms});
}

// ---- the real-time class ----

TEST_CASE("an RT task preempts a fair one at once, in the middle of its slice", "[sched]") {
  SchedBench bench{setup(1, {{Cost::context_switch, 3us}})};
  bench.hog("hog", 0);
  auto& task = bench.worker("rt", 0, 50us, rt_on(0, 1));
  bench.wake_at(100us, task, 0);

  bench.run_until(1ms);

  CHECK(bench.switches() ==
        Moments{{"0: idle > hog", 3us}, {"0: hog > rt", 110us + 3us}, {"0: rt > hog", 163us + 3us}});
}

TEST_CASE("RT tasks of one priority run in the order of their wakeups, to their ends", "[sched]") {
  SchedBench bench{setup(1)};
  auto& first = bench.worker("first", 0, 10ms, rt_on(0, 10));
  auto& second = bench.worker("second", 0, 10ms, rt_on(0, 10));
  auto& third = bench.worker("third", 0, 10ms, rt_on(0, 10));
  bench.interrupt_at(100us, 0, 0us, [&] {
    bench.wake(second, 0)();
    bench.wake(third, 0)();
    bench.wake(first, 0)();
  });

  bench.run_until(40ms);

  CHECK(bench.timeline.moments ==
        Moments{{"second done", 10'100us}, {"third done", 20'100us}, {"first done", 30'100us}});
}

TEST_CASE("a higher RT priority preempts a lower one, which then resumes before its equals", "[sched]") {
  SchedBench bench{setup(1)};
  auto& low = bench.worker("low", 0, 1ms, rt_on(0, 10));
  auto& equal = bench.worker("equal", 0, 1ms, rt_on(0, 10));
  auto& high = bench.worker("high", 0, 1ms, rt_on(0, 20));
  bench.interrupt_at(100us, 0, 0us, bench.wake(low, 0));
  bench.interrupt_at(200us, 0, 0us, bench.wake(equal, 0));
  bench.interrupt_at(300us, 0, 0us, bench.wake(high, 0));

  bench.run_until(5ms);

  CHECK(bench.timeline.moments ==
        Moments{{"high done", 1'300us}, {"low done", 2'100us}, {"equal done", 3'100us}});
}

TEST_CASE("round-robin tasks of one priority take turns of a hundred milliseconds", "[sched]") {
  SchedBench bench{setup(1)};
  bench.hog("a", 0, rt_on(0, 10, SchedClass::rr));
  bench.hog("b", 0, rt_on(0, 10, SchedClass::rr));

  bench.run_until(350ms);

  CHECK(bench.switches() ==
        Moments{{"0: idle > a", 0us}, {"0: a > b", 100ms}, {"0: b > a", 200ms}, {"0: a > b", 300ms}});
}

TEST_CASE("a fair wakee waits for as long as an RT task runs", "[sched]") {
  SchedBench bench{setup(1)};
  auto& rt = bench.worker("rt", 0, 30ms, rt_on(0, 1));
  auto& fair = bench.worker("fair", 0, 1ms, on(0));
  bench.interrupt_at(100us, 0, 0us, bench.wake(rt, 0));
  bench.interrupt_at(200us, 0, 0us, bench.wake(fair, 0));

  bench.run_until(50ms);

  CHECK(bench.timeline.moments == Moments{{"rt done", 30'100us}, {"fair done", 31'100us}});
}

// ---- where a reschedule acts ----

TEST_CASE("a system call keeps the CPU from an RT wakee to its end, except under full preemption",
          "[sched]") {
  const auto [preemption, waits_until] = GENERATE(std::pair{Preemption::none, sim::Nanos{1'010us}},
                                                  std::pair{Preemption::voluntary, sim::Nanos{1'010us}},
                                                  std::pair{Preemption::full, sim::Nanos{110us}});
  KernelSetup chosen = setup(1);
  chosen.kernel.preemption = preemption;
  SchedBench bench{chosen};
  auto& caller = bench.worker("caller", 0, 1ms, on(0));
  caller.in_kernel = true;
  bench.sched->try_to_wake_up(caller.task, CpuId{0}, {});
  bench.sched->cpu(CpuId{0}).settle();
  auto& rt = bench.worker("rt", 0, 50us, rt_on(0, 1));
  bench.wake_at(100us, rt, 0);

  bench.run_until(3ms);

  CHECK(bench.timeline.at("rt done") == Instants{waits_until + 50us});
}

TEST_CASE("a context switch runs with interrupts off", "[sched]") {
  SchedBench bench{setup(1, {{Cost::context_switch, 30us}})};
  auto& task = bench.worker("task", 0, 500us, on(0));
  bench.interrupt_at(100us, 0, 0us, bench.wake(task, 0));
  sim::Nanos handled{};
  bench.interrupt_at(110us, 0, 5us, [&] { handled = bench.now(); });

  bench.run_until(1ms);

  CHECK(bench.switches().front() == Moment{"0: idle > task", 130us});
  CHECK(handled == 135us);
  CHECK(bench.timeline.at("task done") == Instants{130us + 5us + 500us});
}

TEST_CASE("a wakeup during a switch acts right after it", "[sched]") {
  SchedBench bench{setup(1, {{Cost::context_switch, 30us}})};
  auto& task = bench.worker("task", 0, 500us, on(0));
  auto& rt = bench.worker("rt", 0, 50us, rt_on(0, 1));
  bench.interrupt_at(100us, 0, 0us, bench.wake(task, 0));
  bench.interrupt_at(110us, 0, 0us, bench.wake(rt, 0));

  bench.run_until(250us);

  CHECK(bench.switches() ==
        Moments{{"0: idle > task", 130us}, {"0: task > rt", 160us}, {"0: rt > task", 240us}});
}

TEST_CASE("a task that sleeps hands over to the next one with a single switch", "[sched]") {
  SchedBench bench{setup(1, {{Cost::context_switch, 30us}})};
  auto& first = bench.worker("first", 0, 100us, on(0));
  auto& second = bench.worker("second", 0, 100us, on(0));
  bench.interrupt_at(100us, 0, 0us, [&] {
    bench.wake(first, 0)();
    bench.wake(second, 0)();
  });

  bench.run_until(1ms);

  CHECK(bench.switches() ==
        Moments{{"0: idle > first", 130us}, {"0: first > second", 260us}, {"0: second > idle", 390us}});
}

// ---- what a task is charged ----

TEST_CASE(
    "with IRQ time accounting a task is not charged for interrupts and softirqs, without it is (KF7.10, "
    "KF18.5)",
    "[sched]") {
  const auto [accounting, charged] = GENERATE(std::pair{true, 3'650'000}, std::pair{false, 4'000'000});
  KernelSetup chosen = setup(1);
  chosen.kernel.irq_time_accounting = accounting;
  SchedBench bench{chosen};
  auto& hog = bench.hog("hog", 0);
  bench.interrupt_at(1ms, 0, 300us, [] {});
  bench.softirq_at(2ms, 0, 50us, [] {});

  bench.run_until(4ms);  // the tick charges

  CHECK(hog.task.se.sum_exec_runtime == charged);
}

TEST_CASE("interrupt time that is not charged to a task does not use up its slice (KF7.10)", "[sched]") {
  const auto [accounting, switched_at] =
      GENERATE(std::pair{true, sim::Nanos{12ms}}, std::pair{false, sim::Nanos{8ms}});
  KernelSetup chosen = setup(1);
  chosen.kernel.base_slice = 7ms;
  chosen.kernel.irq_time_accounting = accounting;
  SchedBench bench{chosen};
  bench.hog("a", 0);
  bench.hog("b", 0);
  bench.interrupt_at(1ms, 0, 1'500us, [] {});

  bench.run_until(14ms);

  CHECK(bench.switches()[1] == Moment{"0: a > b", switched_at});
}

TEST_CASE("the first run on another CPU pays for its cold cache, later ones do not", "[sched]") {
  SchedBench bench{setup(2, {{Cost::migration_cold_cache, 40us}})};
  auto& task = bench.worker("task", 0, 100us);
  auto& hog = bench.hog("hog", 0, rt_on(0, 1));
  bench.interrupt_at(100us, 1, 0us, bench.wake(task, 1));
  bench.interrupt_at(1ms, 1, 0us, bench.wake(task, 1));

  bench.run_until(3ms);

  CHECK(bench.timeline.at("task done") == Instants{100us + 140us, 1ms + 100us});
  CHECK(bench.traced(Tracepoint::sched_migrate_task) == Moments{{"1: task", 100us}});
  CHECK(hog.rounds == 0);
}

}  // namespace
}  // namespace models
