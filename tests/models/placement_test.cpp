// select_task_rq as the kernel has it: select_task_rq_fair's target, then select_idle_sibling;
// select_task_rq_rt.
#include <catch2/catch.hpp>

#include "tests/support/run_queues_bench.h"
#include "tests/support/sched_placement_bench.h"

namespace models {
namespace {

using Bench = RunQueuesBench;

// ---- the target ----

TEST_CASE("KF8.6: an idle previous CPU is taken back, also from a waker whose own CPU idles", "[placement]") {
  Bench bench{{.cpus = 4}};

  CHECK(bench.place(bench.sleeper(2), {.prev = 2, .waker = 2}) == 2);
  CHECK(bench.place(bench.sleeper(2), {.prev = 2, .waker = 0}) == 2);
}

TEST_CASE("KF8.6: an interrupt over idle takes the wakee when the previous CPU of its LLC is busy",
          "[placement]") {
  Bench bench{{.cpus = 4}};
  bench.busy(2);

  CHECK(bench.place(bench.sleeper(2), {.prev = 2, .waker = 0}) == 0);
}

TEST_CASE("KF8.6: an idle waker's CPU of another LLC takes it by load: an idle CPU has less", "[placement]") {
  Bench bench{{.cpus = 8, .llc_cpus = 4}};
  bench.busy(5);
  bench.pass(200ms);

  CHECK(bench.place(bench.sleeper(5), {.prev = 5, .waker = 0}) == 0);
}

TEST_CASE("KF8.6: a sync waker that is alone on its CPU draws the wakee into its LLC", "[placement]") {
  Bench bench{{.cpus = 8, .llc_cpus = 4}};
  bench.busy(0);
  bench.busy(5);
  bench.pass(200ms);
  Task& wakee = bench.sleeper(5);

  CHECK(bench.place(wakee, {.prev = 5, .waker = 0, .sync = true}) == 1);  // an idle sibling of the waker
  bench.busy(0);
  CHECK(bench.place(wakee, {.prev = 5, .waker = 0, .sync = false}) == 6);  // of the previous CPU
}

TEST_CASE("KF8.6: a sync wakee takes its idle previous CPU back rather than another idle one",
          "[placement]") {
  Bench bench{{.cpus = 4}};
  bench.busy(0);

  CHECK(bench.place(bench.sleeper(3), {.prev = 3, .waker = 0, .sync = true}) == 3);
}

// wake_affine_idle leaves out delayed sleepers: cfs_h_nr_delayed.
TEST_CASE("KF8.6: a delayed sleeper on its queue does not make a sync waker less alone", "[placement]") {
  PlacementBench bench{8, 4};
  bench.busy({5});
  bench.hog("waker", 0);
  SchedConfig bound;
  bound.cpus = {0};
  auto& sleeper = bench.worker("sleeper", 0, 3'900us, bound);
  bench.interrupt_at(3ms, 0, 0us, bench.wake(sleeper, 0));
  bench.run_until(7'950us);
  REQUIRE(sleeper.task.se.sched_delayed);

  CHECK(bench.place(bench.wakee(), 5, 0, true) == 1);
}

// wake_affine_weight: here_load x 100 x capacity(prev) against prev_load x 108 x capacity(here).
TEST_CASE("KF8.6: of two busy CPUs the wakee goes to the one with less load, the waker's up to 8 % more",
          "[placement]") {
  const auto [hogs_here, hogs_prev, chosen] =
      GENERATE(std::tuple{1, 2, 0}, std::tuple{2, 1, 1}, std::tuple{1, 1, 0}, std::tuple{14, 13, 0},
               std::tuple{15, 13, 1});
  Bench bench{{.cpus = 2}};
  bench.llc(0).nr_idle_scan = 0;
  for (int i = 0; i < hogs_here; ++i) {
    bench.busy(0);
  }
  for (int i = 0; i < hogs_prev; ++i) {
    bench.busy(1);
  }
  bench.pass(1s);
  CAPTURE(hogs_here, hogs_prev);

  // The wakee has never run: it has no load of its own.
  CHECK(bench.place(bench.sleeper(1), {.prev = 1, .waker = 0}) == chosen);
}

TEST_CASE("KF8.6: without WA_BIAS a tie goes to the previous CPU, without WA_WEIGHT every undecided pair",
          "[placement]") {
  const auto [bias, weight, chosen] =
      GENERATE(std::tuple{true, true, 0}, std::tuple{false, true, 1}, std::tuple{true, false, 1});
  KernelConfig kernel;
  kernel.placement.wa_bias = bias;
  kernel.placement.wa_weight = weight;
  Bench bench{{.cpus = 2}, kernel};
  bench.llc(0).nr_idle_scan = 0;
  bench.busy(0);
  bench.busy(1);
  bench.pass(1s);

  CHECK(bench.place(bench.sleeper(1), {.prev = 1, .waker = 0}) == chosen);
}

TEST_CASE("KF8.6: interrupts on the waker's CPU weigh against it", "[placement]") {
  Bench bench{{.cpus = 2}};
  bench.llc(0).nr_idle_scan = 0;
  for (const int cpu : {0, 1, 1}) {
    bench.busy(cpu);
  }
  bench.pass(1s);
  Task& wakee = bench.sleeper(1);
  REQUIRE(bench.place(wakee, {.prev = 1, .waker = 0}) == 0);

  bench.rqs.rq(CpuId{0}).cpu_capacity = 400;

  CHECK(bench.place(wakee, {.prev = 1, .waker = 0}) == 1);
}

// wake_wide: factor 2 with two CPUs in the LLC.
TEST_CASE("KF8.6: a master that wakes many and its wide wakees are not drawn together", "[placement]") {
  const auto [master, slave, wide] = GENERATE(std::tuple{4, 2, true}, std::tuple{3, 2, false},
                                              std::tuple{9, 1, false}, std::tuple{2, 4, true});
  Bench bench{{.cpus = 2}};
  bench.llc(0).nr_idle_scan = 0;
  Task& waker = bench.busy(0);
  for (int i = 0; i < 3; ++i) {
    bench.busy(1);
  }
  bench.pass(200ms);
  Task& wakee = bench.sleeper(1);
  waker.wakee = {.last_wakee = &wakee, .flips = master, .decay_at = sim::SimTime{bench.now}};
  wakee.wakee = {.last_wakee = nullptr, .flips = slave, .decay_at = sim::SimTime{bench.now}};
  CAPTURE(master, slave);

  CHECK(bench.place(wakee, {.prev = 1, .waker = 0, .sync = true}) == (wide ? 1 : 0));
}

TEST_CASE("KF8.14: a wakeup in an interrupt counts for the task it interrupted, over idle for the idle task",
          "[placement]") {
  Bench bench{{.cpus = 2}};
  Task& interrupted = bench.busy(0);
  Task& first = bench.sleeper(1);
  Task& second = bench.sleeper(1);

  bench.place(first, {.prev = 1, .waker = 0});
  bench.place(first, {.prev = 1, .waker = 0});
  CHECK(interrupted.wakee.flips == 1);
  bench.place(second, {.prev = 1, .waker = 0});
  CHECK(interrupted.wakee.flips == 2);
  CHECK(interrupted.wakee.last_wakee == &second);

  bench.place(second, {.prev = 1, .waker = 1});
  CHECK(bench.rqs.rq(CpuId{1}).swapper.flips == 1);
  CHECK(second.wakee.flips == 0);
}

TEST_CASE("KF8.14: flips halve once a second has passed, once however long it was", "[placement]") {
  Bench bench{{.cpus = 2}};
  Task& waker = bench.busy(0);
  Task& wakee = bench.sleeper(1);
  waker.wakee = {.last_wakee = &wakee, .flips = 9, .decay_at = sim::SimTime{bench.now}};

  bench.now += 1s;
  bench.place(wakee, {.prev = 1, .waker = 0});
  CHECK(waker.wakee.flips == 9);
  bench.now += 5s;
  bench.place(wakee, {.prev = 1, .waker = 0});
  CHECK(waker.wakee.flips == 4);
}

// ---- select_idle_sibling ----

TEST_CASE("KF8.7: an idle target is taken, then the idle previous CPU of the target's LLC", "[placement]") {
  Bench bench{{.cpus = 4}};
  bench.busy(0);
  Task& wakee = bench.sleeper(3);

  // The target is the waker's CPU (sync, alone), which is busy; the previous one idles, CPU 1 does too.
  CHECK(bench.place(wakee, {.prev = 3, .waker = 0, .sync = true}) == 3);
}

TEST_CASE("KF8.7: a CPU that runs only SCHED_IDLE tasks is as good as idle", "[placement]") {
  Bench bench{{.cpus = 4}};
  SchedConfig idle;
  idle.sched = SchedClass::idle;
  bench.busy(2, idle);
  bench.busy(0);

  CHECK(bench.place(bench.sleeper(2), {.prev = 2, .waker = 0}) == 2);
}

TEST_CASE("KF8.8: the scan starts behind the target and wraps around its LLC", "[placement]") {
  Bench bench{{.cpus = 8, .llc_cpus = 4}};
  for (const int cpu : {5, 6, 7, 0}) {
    bench.busy(cpu);
  }

  CHECK(bench.place(bench.sleeper(6), {.prev = 6, .waker = 6}) == 4);
}

TEST_CASE("KF8.8: the scan looks at as many CPUs as its budget allows, less one", "[placement]") {
  Bench bench{{.cpus = 8}};
  for (const int cpu : {0, 1, 2, 3}) {
    bench.busy(cpu);
  }
  Task& wakee = bench.sleeper(1);

  bench.llc(0).nr_idle_scan = 3;  // 2, 3 and 4
  CHECK(bench.place(wakee, {.prev = 1, .waker = 1}) == 4);
  bench.llc(0).nr_idle_scan = 2;
  CHECK(bench.place(wakee, {.prev = 1, .waker = 1}) == 1);
}

TEST_CASE("KF8.8: CPUs that the wakee may not use cost no budget", "[placement]") {
  Bench bench{{.cpus = 8}};
  bench.busy(0);
  bench.busy(1);
  bench.llc(0).nr_idle_scan = 1;

  CHECK(bench.place(bench.sleeper(1, on_cpus({1, 5, 6})), {.prev = 1, .waker = 0}) == 5);
}

TEST_CASE("KF8.8: without SIS_UTIL the whole LLC is looked at", "[placement]") {
  KernelConfig kernel;
  kernel.placement.sis_util = false;
  Bench bench{{.cpus = 8}, kernel};
  bench.llc(0).nr_idle_scan = 0;
  for (int cpu = 0; cpu < 7; ++cpu) {
    bench.busy(cpu);
  }

  CHECK(bench.place(bench.sleeper(0), {.prev = 0, .waker = 0}) == 7);
}

TEST_CASE("KF8.9: where nothing idles, or nothing may be looked at, the wakee stacks on the target",
          "[placement]") {
  Bench bench{{.cpus = 4, .llc_cpus = 2}};
  for (int cpu = 0; cpu < 4; ++cpu) {
    bench.busy(cpu);
  }
  bench.pass(200ms);
  Task& wakee = bench.sleeper(2);

  CHECK(bench.place(wakee, {.prev = 2, .waker = 0, .sync = true}) == 0);
  CHECK(bench.place(wakee, {.prev = 2, .waker = 2}) == 2);
}

TEST_CASE("KF8.12: a budget of zero means no look at all, however idle the others are", "[placement]") {
  Bench bench{{.cpus = 4}};
  bench.busy(0);
  bench.llc(0).nr_idle_scan = 0;

  CHECK(bench.place(bench.sleeper(0), {.prev = 0, .waker = 0}) == 0);
  bench.llc(0).nr_idle_scan = 1;
  CHECK(bench.place(bench.sleeper(0), {.prev = 0, .waker = 0}) == 1);
}

TEST_CASE("KF8.13: a CPU in the middle of a softirq over idle passes as idle", "[placement]") {
  PlacementBench bench{2};
  bench.busy({0});
  auto& wakee = bench.wakee();
  int chosen = -1;
  bench.softirq_at(1ms, 1, 100us, [] {});
  bench.interrupt_at(1'050us, 0, 0us, [&] {
    CHECK(bench.sched->cpu(CpuId{1}).in_softirq());
    chosen = bench.place(wakee, 0, 0);
  });

  bench.run_until(2ms);

  CHECK(chosen == 1);
}

TEST_CASE(
    "KF8.15: the CPU used before the previous one comes before the scan, if it idles, and is then "
    "forgotten",
    "[placement]") {
  Bench bench{{.cpus = 8}};
  bench.busy(0);
  bench.busy(2);
  Task& wakee = bench.sleeper(2);
  wakee.recent_used_cpu = CpuId{6};

  CHECK(bench.place(wakee, {.prev = 2, .waker = 2}) == 6);
  CHECK(wakee.recent_used_cpu == CpuId{2});
  CHECK(bench.place(wakee, {.prev = 2, .waker = 2}) == 3);
}

TEST_CASE("KF8.15: a recently used CPU is taken even when the budget allows no scan", "[placement]") {
  Bench bench{{.cpus = 8}};
  bench.busy(2);
  bench.llc(0).nr_idle_scan = 0;
  Task& wakee = bench.sleeper(2);
  wakee.recent_used_cpu = CpuId{6};

  CHECK(bench.place(wakee, {.prev = 2, .waker = 2}) == 6);
}

TEST_CASE("a per-CPU kernel thread's wakee stacks on it, in task context only", "[placement]") {
  Bench bench{{.cpus = 2}};
  bench.busy(0, on_cpus({0}), Role::kernel);
  Task& wakee = bench.sleeper(0);

  CHECK(bench.place(wakee, {.prev = 0, .waker = 0, .in_task = true}) == 0);
  CHECK(bench.place(wakee, {.prev = 0, .waker = 0, .in_task = false}) == 1);
  bench.busy(0);  // it is not alone any more
  CHECK(bench.place(wakee, {.prev = 0, .waker = 0, .in_task = true}) == 1);
}

TEST_CASE("without a shared cache level nothing is scanned: a busy target takes the wakee", "[placement]") {
  Bench bench{{.cpus = 4, .llc_cpus = 1}};
  bench.busy(0);

  CHECK(bench.place(bench.sleeper(0), {.prev = 0, .waker = 0}) == 0);
  CHECK(bench.place(bench.sleeper(2), {.prev = 2, .waker = 0, .sync = true}) == 0);
}

TEST_CASE("KF8.5: a choice that affinity forbids falls back to the first CPU allowed", "[placement]") {
  Bench bench{{.cpus = 4}};
  bench.busy(0);
  bench.busy(1);

  CHECK(bench.place(bench.sleeper(1, on_cpus({1, 3})), {.prev = 1, .waker = 0}) == 3);
  CHECK(bench.place(bench.sleeper(1, on_cpus({1, 3})), {.prev = 1, .waker = 2}) == 3);
  CHECK(bench.place(bench.sleeper(0, on_cpus({2, 3})), {.prev = 0, .waker = 0}) == 2);
}

TEST_CASE("KF8.5: a wakee that may not use the waker's CPU is not drawn there by sync", "[placement]") {
  Bench bench{{.cpus = 8, .llc_cpus = 4}};
  bench.busy(0);
  bench.busy(5);

  CHECK(bench.place(bench.sleeper(5, on_cpus({5, 7})), {.prev = 5, .waker = 0, .sync = true}) == 7);
}

TEST_CASE("KF8.5: a task bound to one CPU is not asked about", "[placement]") {
  PlacementBench bench{4};
  SchedConfig bound;
  bound.cpus = {2};
  auto& pinned = bench.worker("pinned", 2, 1ms, bound);
  const Task* counted = bench.sched->curr(CpuId{0});
  bench.interrupt_at(1ms, 0, 0us, bench.wake(pinned, 0));

  bench.run_until(1'100us);

  CHECK(bench.sched->curr(CpuId{2}) == &pinned.task);
  CHECK(counted == nullptr);
  CHECK(bench.sched->rq(CpuId{0}).swapper.flips == 0);  // select_task_rq_fair would have counted it
}

TEST_CASE("a CPU with a task on its wake list is not idle for other wakers", "[placement]") {
  KernelSetup slow_exit = PlacementBench::machine(2, 0);
  slow_exit.costs = {{Cost::idle_exit_hlt, 100us}};
  SchedBench bench{slow_exit};
  SchedConfig bound;
  bound.cpus = {1};
  auto& first = bench.worker("first", 1, 1ms, bound);
  bench.hog("waker", 0);
  bench.interrupt_at(200us, 0, 0us, bench.wake(first, 0));

  CHECK(bench.sched->idle_cpu(CpuId{1}));
  bench.run_until(250us);

  CHECK(bench.sched->wakeup_in_flight(CpuId{1}));
  CHECK(!bench.sched->idle_cpu(CpuId{1}));
  bench.run_until(350us);
  CHECK(!bench.sched->wakeup_in_flight(CpuId{1}));
}

// ---- SMT ----

TEST_CASE("with SMT a wholly idle core comes before an idle sibling of a busy one, without budget",
          "[placement]") {
  Bench bench{{.cpus = 8, .smt = 2}};
  bench.busy(0);
  bench.busy(2);  // cores 0 and 1 are half busy
  bench.llc(0).has_idle_cores = true;
  bench.llc(0).nr_idle_scan = 1;

  CHECK(bench.place(bench.sleeper(0), {.prev = 0, .waker = 0}) == 4);
}

TEST_CASE("with SMT a search for an idle core that finds none clears the flag and takes an idle thread",
          "[placement]") {
  Bench bench{{.cpus = 4, .smt = 2}};
  bench.busy(0);
  bench.busy(2);
  bench.llc(0).has_idle_cores = true;

  CHECK(bench.place(bench.sleeper(2), {.prev = 2, .waker = 2}) == 3);
  CHECK(!bench.llc(0).has_idle_cores);
}

TEST_CASE("with SMT and no idle core the idle sibling of the previous CPU comes first", "[placement]") {
  Bench bench{{.cpus = 8, .smt = 2}};
  bench.busy(4);
  bench.llc(0).nr_idle_scan = 0;

  CHECK(bench.place(bench.sleeper(4), {.prev = 4, .waker = 4}) == 5);
}

TEST_CASE("a core is idle again when the last of its threads goes idle", "[placement]") {
  Bench bench{{.cpus = 4, .smt = 2}};
  Task& first = bench.busy(0);
  Task& second = bench.busy(1);

  bench.block(first);
  bench.schedule(CpuId{0});
  CHECK(!bench.llc(0).has_idle_cores);
  bench.block(second);
  CHECK(bench.llc(0).has_idle_cores);
}

// ---- RT ----

TEST_CASE("an RT wakee keeps its CPU unless an RT task of at least its priority, or a bound one, runs there",
          "[placement]") {
  Bench bench{{.cpus = 4}};
  bench.busy(0);
  bench.busy(3);
  bench.busy(1, fifo(50));
  bench.busy(2, fifo(50));

  CHECK(bench.place(bench.sleeper(1, fifo(60)), {.prev = 1, .waker = 0}) == 1);
  CHECK(bench.place(bench.sleeper(1, fifo(50)), {.prev = 1, .waker = 0}) ==
        0);  // no RT task there, busy or not
  CHECK(bench.place(bench.sleeper(0, fifo(10)), {.prev = 0, .waker = 1}) == 0);  // fair tasks are no obstacle
}

TEST_CASE("an RT wakee prefers the waker's CPU of those with the lowest priority, else they take turns",
          "[placement]") {
  Bench bench{{.cpus = 4}};
  bench.busy(1, fifo(50));
  Task& wakee = bench.sleeper(1, fifo(20));

  CHECK(bench.place(wakee, {.prev = 1, .waker = 3}) == 3);
  CHECK(bench.place(wakee, {.prev = 1, .waker = 1}) == 2);
  CHECK(bench.place(wakee, {.prev = 1, .waker = 1}) == 3);
  CHECK(bench.place(wakee, {.prev = 1, .waker = 1}) == 0);
}

TEST_CASE("with RT tasks everywhere an RT wakee goes where the lowest one below it runs, or waits at home",
          "[placement]") {
  Bench bench{{.cpus = 2}};
  bench.busy(0, fifo(30));
  bench.busy(1, fifo(50));

  CHECK(bench.place(bench.sleeper(1, fifo(40)), {.prev = 1, .waker = 1}) == 0);
  CHECK(bench.place(bench.sleeper(1, fifo(20)), {.prev = 1, .waker = 1}) == 1);
}

}  // namespace
}  // namespace models
