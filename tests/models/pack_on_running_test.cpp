// The measured rule of a vendor's kernel, row by row, on two CPUs.
#include <catch2/catch.hpp>

#include "models/policies/pack_on_running.h"
#include "tests/support/run_queues_bench.h"
#include "tests/support/sched_placement_bench.h"

namespace models {
namespace {

PolicyConfig pack(double gate = 0.62) {
  PolicyConfig config = policy_named("pack_on_running");
  config.utilisation_gate = gate;
  return config;
}

struct PackBench : RunQueuesBench {
  explicit PackBench(int cpus = 2, double gate = 0.62)
      : RunQueuesBench{{.cpus = cpus}}, packing{rqs, pack(gate)} {}
  int place(Task& wakee, Wakeup wakeup) { return place_by(packing, wakee, wakeup); }
  PackOnRunning packing;
};

struct PackRow {
  bool prev_is_waker;
  int on_waker;  // runnable tasks on the waker's CPU
  int on_other;
  bool sync;
  bool fits;      // the running CPUs have room
  bool to_waker;  // where the wakee goes
};

TEST_CASE("KF18.1a: packing decides by the runnable tasks of the two CPUs, room on them, and sync",
          "[placement]") {
  const PackRow row = GENERATE(values<PackRow>({
      // An interrupt over idle takes its wakee, wherever it slept.
      {true, 0, 0, false, true, true},
      {true, 0, 2, false, false, true},
      {false, 0, 0, true, true, true},
      {false, 0, 2, false, false, true},
      // One runnable task passes as idle, while there is room beside it.
      {true, 1, 0, false, true, true},
      {true, 1, 2, true, true, true},
      {true, 1, 2, true, false, true},
      {true, 1, 0, false, false, false},
      {false, 1, 0, false, true, true},
      {false, 1, 0, true, true, true},
      {false, 1, 1, true, true, true},
      {false, 1, 1, false, true, false},
      {false, 1, 0, true, false, false},
      {false, 1, 1, true, false, false},
      // A full CPU sends its wakees to the other: idle, or running with room; wakees of the other stay there.
      {true, 2, 0, false, true, false},
      {true, 2, 0, false, false, false},
      {true, 2, 1, true, true, false},
      {true, 2, 1, false, false, true},
      {true, 2, 2, true, true, true},
      {true, 3, 1, false, false, true},
      {false, 2, 0, true, true, false},
      {false, 2, 2, false, true, false},
  }));
  PackBench bench{2, row.fits ? 2.0 : 0.0};
  for (int i = 0; i < row.on_waker; ++i) {
    bench.busy(0);
  }
  for (int i = 0; i < row.on_other; ++i) {
    bench.busy(1);
  }
  CAPTURE(row.prev_is_waker, row.on_waker, row.on_other, row.sync, row.fits);

  const int prev = row.prev_is_waker ? 0 : 1;
  CHECK(bench.place(bench.sleeper(prev), {.prev = prev, .waker = 0, .sync = row.sync}) ==
        (row.to_waker ? 0 : 1));
}

TEST_CASE("KF18.1a: an idle CPU is looked for only within the kernel's budget", "[placement]") {
  PackBench bench;
  bench.busy(0);
  bench.busy(0);
  Task& wakee = bench.sleeper(0);

  CHECK(bench.place(wakee, {.prev = 0, .waker = 0}) == 1);
  bench.llc(0).nr_idle_scan = 0;
  CHECK(bench.place(wakee, {.prev = 0, .waker = 0}) == 0);
}

TEST_CASE("KF18.1a: room is what the CPU's fair tasks and the wakee leave of the gate", "[placement]") {
  const auto [wakee_util, drawn] = GENERATE(std::pair{80, true}, std::pair{120, false});
  PackBench bench;
  Task& waker = bench.busy(0);
  for (int i = 0; i < 200; ++i) {  // half the time busy, and just now
    bench.pass(4ms);
    bench.block(waker);
    bench.pass(4ms);
    bench.activate(waker);
  }
  bench.pass(2ms);
  REQUIRE(bench.rqs.cpu_util_cfs(CpuId{0}) == Approx(540).margin(10));
  Task& wakee = bench.sleeper(1);
  wakee.se.avg.util_avg = wakee_util;

  CHECK(bench.place(wakee, {.prev = 1, .waker = 0}) == (drawn ? 0 : 1));
}

TEST_CASE("pack_on_running sends nobody to a CPU that a wakeup is on its way to", "[placement]") {
  PackBench bench;
  bench.busy(0);
  bench.busy(0);
  Task& wakee = bench.sleeper(0);
  bench.rqs.add_to_wake_list(CpuId{1}, bench.sleeper(1));
  CHECK(bench.place(wakee, {.prev = 0, .waker = 0}) == 0);

  bench.rqs.clear_wake_list(CpuId{1});
  CHECK(bench.place(wakee, {.prev = 0, .waker = 0}) == 1);
}

TEST_CASE("pack_on_running counts runnable tasks, not delayed sleepers", "[placement]") {
  PlacementBench bench{2, 0, pack(2.0)};
  bench.hog("runs", 0);
  SchedConfig bound;
  bound.cpus = {0};
  auto& sleeper = bench.worker("sleeper", 0, 3'900us, bound);
  bench.interrupt_at(3ms, 0, 0us, bench.wake(sleeper, 0));
  bench.run_until(7'950us);
  REQUIRE(sleeper.task.se.sched_delayed);

  CHECK(bench.place(bench.wakee(), 0, 0) == 0);
}

TEST_CASE(
    "pack_on_running leaves wakees of a full CPU where they slept, and sends its own to the next CPU that "
    "is not full",
    "[placement]") {
  PackBench bench{4, 2.0};
  for (const int cpu : {0, 0, 1, 1, 3, 3}) {
    bench.busy(cpu);
  }

  CHECK(bench.place(bench.sleeper(3), {.prev = 3, .waker = 0}) == 3);
  CHECK(bench.place(bench.sleeper(0), {.prev = 0, .waker = 0}) == 2);
}

TEST_CASE("pack_on_running places RT wakees as the kernel does", "[placement]") {
  PackBench bench;

  CHECK(bench.place(bench.sleeper(1, fifo(10)), {.prev = 1, .waker = 0}) == 1);
}

}  // namespace
}  // namespace models
