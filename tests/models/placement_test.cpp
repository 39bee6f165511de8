// select_task_rq as the kernel has it: wake_affine_idle, then select_idle_sibling; select_task_rq_rt.
#include <catch2/catch.hpp>

#include "tests/support/sched_placement_bench.h"

namespace models {
namespace {

TEST_CASE("an idle previous CPU is taken back, also from a waker whose own CPU is idle under its interrupt",
          "[placement]") {
  PlacementBench bench{4};

  CHECK(bench.place(bench.wakee(), 2, 2) == 2);
  CHECK(bench.place(bench.wakee(), 2, 0) == 2);
}

TEST_CASE("an interrupt over idle takes the wakee when the previous CPU of its LLC is busy", "[placement]") {
  PlacementBench bench{4};
  bench.busy({2});

  CHECK(bench.place(bench.wakee(), 2, 0) == 0);
}

TEST_CASE("a wakeup across LLCs stays in the previous LLC and looks for an idle CPU there", "[placement]") {
  PlacementBench bench{8, 4};
  bench.busy({5});

  CHECK(bench.place(bench.wakee(), 5, 0) == 6);
}

TEST_CASE("a sync waker that is alone on its CPU draws the wakee into its LLC", "[placement]") {
  PlacementBench bench{8, 4};
  bench.busy({0, 5});
  auto& wakee = bench.wakee();

  CHECK(bench.place(wakee, 5, 0, true) == 1);   // an idle sibling of the waker
  CHECK(bench.place(wakee, 5, 0, false) == 6);  // without sync, of the previous CPU
}

TEST_CASE("a sync wakee takes its idle previous CPU back rather than another idle one", "[placement]") {
  PlacementBench bench{4};
  bench.busy({0});

  CHECK(bench.place(bench.wakee(), 3, 0, true) == 3);
}

TEST_CASE("a sync waker that is not alone draws nobody", "[placement]") {
  PlacementBench bench{8, 4};
  bench.busy({5});
  bench.busy({0}, 2);

  CHECK(bench.place(bench.wakee(), 5, 0, true) == 6);
}

// wake_affine_idle leaves out delayed sleepers: cfs_rq.h_nr_delayed.
TEST_CASE("a delayed sleeper on its queue does not make a sync waker less alone", "[placement]") {
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

TEST_CASE("with every CPU of the waker's LLC busy a sync wakee stacks on the waker, others on their own CPU",
          "[placement]") {
  PlacementBench bench{4, 2};
  bench.busy({0, 1, 2, 3});
  auto& wakee = bench.wakee();

  CHECK(bench.place(wakee, 2, 0, true) == 0);
  CHECK(bench.place(wakee, 2, 0, false) == 2);
}

TEST_CASE("the scan starts behind the target and wraps around its LLC", "[placement]") {
  PlacementBench bench{8, 4};
  bench.busy({5, 6, 7, 0});

  CHECK(bench.place(bench.wakee(), 6, 0) == 4);
}

TEST_CASE("the CPU used before the previous one comes before the scan, if it is idle, and is then forgotten",
          "[placement]") {
  PlacementBench bench{8};
  bench.busy({2});
  auto& wakee = bench.wakee();
  wakee.task.recent_used_cpu = CpuId{6};
  bench.busy({0});

  CHECK(bench.place(wakee, 2, 0) == 6);
  CHECK(wakee.task.recent_used_cpu == CpuId{2});
  CHECK(bench.place(wakee, 2, 0) == 3);
}

TEST_CASE("CPUs that the wakee may not use are passed over", "[placement]") {
  PlacementBench bench{4};
  bench.busy({0, 1});
  SchedConfig some;
  some.cpus = {1, 3};

  CHECK(bench.place(bench.wakee(some), 1, 0) == 3);
  CHECK(bench.place(bench.wakee(some), 1, 2) == 3);  // the waker's idle CPU is not allowed
}

TEST_CASE("a wakee that may not use the waker's CPU is not drawn there by sync", "[placement]") {
  PlacementBench bench{8, 4};
  bench.busy({0, 5});
  SchedConfig other_llc;
  other_llc.cpus = {5, 7};

  CHECK(bench.place(bench.wakee(other_llc), 5, 0, true) == 7);
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

TEST_CASE("with SMT a wholly idle core comes before an idle sibling of a busy one", "[placement]") {
  PlacementBench bench{8, 8, {}, 2};
  bench.busy({0, 2});  // cores 0 and 1 are half busy

  CHECK(bench.place(bench.wakee(), 0, 0) == 4);
}

TEST_CASE("with SMT and no idle core the first idle CPU behind the target is taken", "[placement]") {
  PlacementBench bench{4, 4, {}, 2};
  bench.busy({0, 2});

  CHECK(bench.place(bench.wakee(), 2, 2) == 3);
  CHECK(bench.place(bench.wakee(), 0, 0) == 1);
}

TEST_CASE("an RT wakee keeps its CPU unless an RT task of at least its priority runs there", "[placement]") {
  PlacementBench bench{4};
  bench.busy({0, 3});
  bench.busy({1, 2}, 1, fifo(50));

  CHECK(bench.place(bench.wakee(fifo(60)), 1, 0) == 1);
  CHECK(bench.place(bench.wakee(fifo(50)), 1, 0) == 0);  // a CPU that runs no RT task, busy or not
  CHECK(bench.place(bench.wakee(fifo(10)), 0, 1) == 0);  // fair tasks are no obstacle
}

TEST_CASE("with RT tasks everywhere an RT wakee waits at home", "[placement]") {
  PlacementBench bench{2};
  bench.busy({0, 1}, 1, fifo(50));

  CHECK(bench.place(bench.wakee(fifo(40)), 1, 0) == 1);
}

}  // namespace
}  // namespace models
