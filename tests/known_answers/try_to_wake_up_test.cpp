// The first steps of a wakeup, before a CPU is selected: kernel/sched/core.c:try_to_wake_up.
#include <catch2/catch.hpp>

#include "tests/support/sched_bench.h"

namespace models {
namespace {

KernelSetup two_cpus() {
  KernelSetup setup;
  setup.cpus = 2;
  setup.costs = {{Cost::context_switch, 4us}};
  return setup;
}

TEST_CASE("KF8.1: a task that runs where it is woken goes on, without a trace or a look at other CPUs",
          "[known_answer][wakeup]") {
  SchedBench bench{two_cpus()};
  auto& task = bench.worker("task", 1, 500us);
  bench.sched->try_to_wake_up(task.task, CpuId{1}, {});
  bench.sched->cpu(CpuId{1}).settle();
  bench.run_until(50us);
  bench.hits.clear();
  bool woken = true;
  bench.interrupt_at(100us, 1, 10us, [&] { woken = bench.sched->try_to_wake_up(task.task, CpuId{1}, {}); });

  bench.run_until(300us);

  CHECK_FALSE(woken);
  CHECK(bench.times_of(Tracepoint::sched_waking).empty());
  CHECK(bench.times_of(Tracepoint::sched_switch).empty());
}

TEST_CASE(
    "KF8.2: only a sleeper is woken, and sched_waking is traced on the waker's CPU before a CPU is chosen",
    "[known_answer][wakeup]") {
  SchedBench bench{two_cpus()};
  bench.hog("hog", 1);
  auto& task = bench.worker("task", 1, 100us);
  std::vector<bool> woken;
  bench.interrupt_at(100us, 0, 10us, [&] {
    woken.push_back(bench.sched->try_to_wake_up(task.task, CpuId{0}, {}));
    woken.push_back(bench.sched->try_to_wake_up(task.task, CpuId{0}, {}));
  });

  bench.run_until(200us);

  CHECK(woken == std::vector<bool>{true, false});
  CHECK(bench.traced(Tracepoint::sched_waking).back().what == "0: task");
  // CPU 0, which idles, takes it from CPU 1, where the hog runs.
  REQUIRE(bench.hits_of(Tracepoint::sched_migrate_task).size() == 1);
  const auto order = [&](Tracepoint point) {
    return std::find_if(bench.hits.rbegin(), bench.hits.rend(),
                        [&](const Hit& hit) { return hit.point == point && bench.name(hit.a) == "task"; }) -
           bench.hits.rend();
  };
  CHECK(order(Tracepoint::sched_waking) > order(Tracepoint::sched_migrate_task));
  CHECK(order(Tracepoint::sched_migrate_task) > order(Tracepoint::sched_wakeup));
}

TEST_CASE("KF8.3: a task that was preempted is still queued, and is not woken", "[known_answer][wakeup]") {
  SchedBench bench{two_cpus()};
  SchedConfig fifo;
  fifo.sched = SchedClass::fifo;
  fifo.cpus = {1};
  auto& task = bench.worker("task", 1, 500us);
  auto& rt = bench.worker("rt", 1, 500us, fifo);
  bench.sched->try_to_wake_up(task.task, CpuId{1}, {});
  bench.sched->cpu(CpuId{1}).settle();
  bench.interrupt_at(100us, 1, 0us, bench.wake(rt, 1));
  bool woken = true;
  bench.interrupt_at(200us, 0, 0us, [&] { woken = bench.sched->try_to_wake_up(task.task, CpuId{0}, {}); });

  bench.run_until(300us);

  CHECK(bench.sched->curr(CpuId{1}) == &rt.task);
  CHECK_FALSE(woken);
  CHECK(task.task.cpu == CpuId{1});
}

// The task ends its work at 104 us and its CPU switches to idle until 108 us.
TEST_CASE(
    "KF8.4: a task that is still switching out is left to its CPU, without selection, if the wake list may "
    "be used",
    "[known_answer][wakeup]") {
  SchedBench bench{two_cpus()};
  auto& task = bench.worker("task", 1, 100us);
  bench.sched->try_to_wake_up(task.task, CpuId{1}, {});
  bench.sched->cpu(CpuId{1}).settle();
  const sim::Nanos wake_at = GENERATE(106us, 110us);
  bench.interrupt_at(wake_at, 0, 0us, bench.wake(task, 0));

  bench.run_until(400us);

  // Switching out: on the wake list of CPU 1, which nothing else wants. Afterwards: selected, and CPU 1 is
  // idle too.
  CHECK(task.rounds == 2);
  CHECK(task.task.cpu == CpuId{1});
  const auto wakeups = bench.hits_of(Tracepoint::sched_wakeup);
  REQUIRE(wakeups.size() == 2);
  CHECK(wakeups[1].cpu == 1);
  CHECK(wakeups[1].at >= 108us);
}

TEST_CASE(
    "KF8.4: if the wake list may not be used, the waker spins until the task has switched out, then selects",
    "[known_answer][wakeup]") {
  SchedBench bench{two_cpus()};
  auto& task = bench.worker("task", 1, 100us);
  SchedConfig pinned;
  pinned.cpus = {1};
  auto& other = bench.worker("other", 1, 500us, pinned);
  bench.sched->try_to_wake_up(task.task, CpuId{1}, {});
  bench.sched->cpu(CpuId{1}).settle();
  other.task.se.vlag = -1'000'000;  // it waits, and the task is owed service: its dequeue is not delayed
  bench.interrupt_at(50us, 1, 0us, bench.wake(other, 1));
  bench.interrupt_at(106us, 0, 0us, bench.wake(task, 0));  // CPU 1 switches to the other one until 108 us

  bench.run_until(400us);

  CHECK(task.task.cpu == CpuId{0});  // the idle one
  CHECK(task.rounds == 2);
  const auto wakeups = bench.hits_of(Tracepoint::sched_wakeup);
  CHECK(wakeups.back().cpu == 0);
}

}  // namespace
}  // namespace models
