// The measured rule of a vendor's kernel, row by row, on two CPUs.
#include <catch2/catch.hpp>

#include "tests/support/sched_placement_bench.h"

namespace models {
namespace {

struct PackRow {
  bool prev_is_waker;
  int on_waker;  // runnable tasks on the waker's CPU
  int on_other;
  bool sync;
  bool gate_open;  // mean utilisation below the gate
  bool to_waker;   // where the wakee goes
};

TEST_CASE("pack_on_running decides by the runnable tasks of the two CPUs, sync and the gate", "[placement]") {
  const PackRow row = GENERATE(values<PackRow>({
      // An interrupt over idle takes its wakee, wherever it slept.
      {true, 0, 0, false, true, true},
      {true, 0, 2, false, false, true},
      {false, 0, 0, true, true, true},
      {false, 0, 2, false, false, true},
      // One runnable task passes as idle.
      {true, 1, 0, false, true, true},
      {true, 1, 0, false, false, true},
      {true, 1, 2, true, true, true},
      {false, 1, 0, false, true, true},
      {false, 1, 0, true, true, true},
      {false, 1, 1, true, true, true},
      {false, 1, 1, false, true, false},
      {false, 1, 0, true, false, false},
      {false, 1, 1, true, false, false},
      // A full CPU sends wakees to the other, if that is not full; wakees of the other stay there.
      {true, 2, 0, false, true, false},
      {true, 2, 1, true, true, false},
      {true, 2, 2, true, true, true},
      {true, 2, 0, false, false, true},
      {true, 3, 1, false, false, true},
      {false, 2, 0, true, true, false},
      {false, 2, 2, false, true, false},
  }));
  PolicyConfig pack = policy_named("pack_on_running");
  pack.utilisation_gate = row.gate_open ? 2.0 : 0.0;
  PlacementBench bench{2, 0, pack};
  bench.busy({0}, row.on_waker);
  bench.busy({1}, row.on_other);
  CAPTURE(row.prev_is_waker, row.on_waker, row.on_other, row.sync, row.gate_open);

  CHECK(bench.place(bench.wakee(), row.prev_is_waker ? 0 : 1, 0, row.sync) == (row.to_waker ? 0 : 1));
}

TEST_CASE("pack_on_running sends nobody to a CPU that a wakeup is on its way to", "[placement]") {
  PolicyConfig pack = policy_named("pack_on_running");
  pack.utilisation_gate = 2.0;
  KernelSetup slow_exit = PlacementBench::machine(2, 0);
  slow_exit.costs = {{Cost::idle_exit_hlt, 100us}};
  SchedBench bench{slow_exit, pack};
  SchedConfig bound;
  bound.cpus = {1};
  auto& first = bench.worker("first", 1, 1ms, bound);
  bench.hog("waker", 0);
  bench.hog("second", 0);
  bench.interrupt_at(200us, 0, 0us, bench.wake(first, 0));
  auto& wakee = bench.worker("wakee", 0, 1ms);
  const auto place = [&] {
    return bench.sched->select_task_rq(Placement{wakee.task, CpuId{0}, CpuId{0}, false});
  };

  bench.run_until(150us);
  CHECK(place() == CpuId{1});
  bench.run_until(250us);
  CHECK(place() == CpuId{0});
  bench.run_until(350us);
  CHECK(place() == CpuId{1});  // it runs there now, alone
}

TEST_CASE("pack_on_running counts runnable tasks, not delayed sleepers", "[placement]") {
  PolicyConfig pack = policy_named("pack_on_running");
  pack.utilisation_gate = 2.0;
  PlacementBench bench{2, 0, pack};
  bench.hog("runs", 0);
  SchedConfig bound;
  bound.cpus = {0};
  auto& sleeper = bench.worker("sleeper", 0, 3'900us, bound);
  bench.interrupt_at(3ms, 0, 0us, bench.wake(sleeper, 0));
  bench.run_until(7'950us);
  REQUIRE(sleeper.task.se.sched_delayed);

  CHECK(bench.place(bench.wakee(), 0, 0) == 0);
}

TEST_CASE("pack_on_running's gate is the mean share of time that the CPUs were busy", "[placement]") {
  const auto [gate, to_other] = GENERATE(std::pair{0.45, false}, std::pair{0.55, true});
  PolicyConfig pack = policy_named("pack_on_running");
  pack.utilisation_gate = gate;
  PlacementBench bench{2, 0, pack};
  bench.hog("first", 0);
  bench.hog("second", 0);
  bench.run_until(400ms);  // CPU 0 wholly busy, CPU 1 idle

  CHECK(bench.place(bench.wakee(), 0, 0) == (to_other ? 1 : 0));
}

TEST_CASE(
    "pack_on_running leaves wakees of a full CPU where they slept, and sends its own to the next CPU that is "
    "not full",
    "[placement]") {
  PolicyConfig pack = policy_named("pack_on_running");
  pack.utilisation_gate = 2.0;
  PlacementBench bench{4, 0, pack};
  bench.busy({0, 1, 3}, 2);

  CHECK(bench.place(bench.wakee(), 3, 0) == 3);
  CHECK(bench.place(bench.wakee(), 0, 0) == 2);
}

TEST_CASE("pack_on_running places RT wakees as the kernel does", "[placement]") {
  PlacementBench bench{2, 0, policy_named("pack_on_running")};

  CHECK(bench.place(bench.wakee(fifo(10)), 1, 0) == 1);
}

}  // namespace
}  // namespace models
