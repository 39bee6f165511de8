// Load tracking in queues: what tasks bring, take along and leave behind, and what groups learn of it.
// A half life is 32 periods of 1024 * 1024 ns; the averages round down at each step.
#include <catch2/catch.hpp>

#include "tests/models/fair_bench.h"

namespace models {

using namespace std::chrono_literals;

namespace {

constexpr CpuId cpu0{0};
constexpr CpuId cpu1{1};
constexpr sim::Nanos half_life{32 * 1024 * 1024};

}  // namespace

TEST_CASE("KF10.1: a new task brings its weight as load and half the spare capacity as utilisation",
          "[fair][load]") {
  FairBench bench;
  SchedEntity& first = bench.task();
  bench.enqueue(first);

  CHECK(bench.fair.cpu_load(cpu0) == 1024);
  CHECK(bench.fair.cpu_util(cpu0) == 512);  // (1024 - 0) / 2
  CHECK(bench.fair.cpu_runnable(cpu0) == 512);
  CHECK(bench.fair.task_util(first) == 512);

  SchedEntity& second = bench.task(GroupId::root, 5);
  bench.enqueue(second);

  CHECK(bench.fair.cpu_load(cpu0) == 1024 + 335);
  CHECK(bench.fair.task_util(second) == 167);  // 512 * 335 / (1024 + 1) is below (1024 - 512) / 2
}

TEST_CASE("KF10.2: a task that runs on moves half the way to always in 32 periods", "[fair][load]") {
  FairBench bench;
  SchedEntity& hog = bench.task();
  bench.wake(hog);

  bench.spend(half_life);
  bench.fair.tick(cpu0, bench.clock);

  CHECK(bench.fair.task_util(hog) == 767);  // 1024 - 512/2, rounded down
  CHECK(bench.fair.cpu_util(cpu0) == 767);
  CHECK(bench.fair.cpu_load(cpu0) == 1023);
}

TEST_CASE("KF10.3: a sleeper goes on counting as load, which halves in 32 periods", "[fair][load]") {
  FairBench bench;
  bench.wake(bench.task());
  REQUIRE(bench.block());

  bench.spend(half_life);
  CHECK(bench.fair.cpu_load(cpu0) == 1024);  // nobody has looked
  bench.fair.update_blocked_averages(cpu0, bench.clock);
  CHECK(bench.fair.cpu_load(cpu0) == 511);
  CHECK(bench.fair.cpu_util(cpu0) == 255);

  bench.spend(half_life);
  bench.fair.update_blocked_averages(cpu0, bench.clock);
  CHECK(bench.fair.cpu_load(cpu0) == 255);
}

TEST_CASE("KF10.4: a sleeper that wakes elsewhere takes its load along; its old CPU notices later",
          "[fair][load]") {
  FairBench bench{KernelRelease::v6_18, 2};
  SchedEntity& stays = bench.task();
  SchedEntity& moves = bench.task();
  bench.wake(stays);
  bench.fair.enqueue_task(cpu0, moves, bench.clock, {.wakeup = true});
  bench.fair.dequeue_task(cpu0, moves, bench.clock, {.sleep = true, .special = true});

  bench.fair.migrate_task(moves, cpu0, cpu1, bench.clock);
  bench.fair.enqueue_task(cpu1, moves, bench.clock, {.wakeup = true, .migrated = true});

  CHECK(bench.fair.cpu_load(cpu1) == 1024);
  CHECK(bench.fair.cpu_load(cpu0) == 2048);
  bench.fair.tick(cpu0, bench.clock);
  CHECK(bench.fair.cpu_load(cpu0) == 1024);
  CHECK(bench.fair.cpu_util(cpu0) == 512);
}

TEST_CASE("a task that is moved while runnable takes its load off at once", "[fair][load]") {
  FairBench bench{KernelRelease::v6_18, 2};
  SchedEntity& stays = bench.task();
  SchedEntity& moves = bench.task();
  bench.wake(stays);
  bench.enqueue(moves);

  bench.fair.dequeue_task(cpu0, moves, bench.clock, {.migrating = true});
  CHECK(bench.fair.cpu_load(cpu0) == 1024);
  bench.fair.migrate_task(moves, cpu0, cpu1, bench.clock);
  bench.fair.enqueue_task(cpu1, moves, bench.clock, {.migrated = true});
  bench.fair.tick(cpu0, bench.clock);

  CHECK(bench.fair.cpu_load(cpu0) == 1024);
  CHECK(bench.fair.cpu_load(cpu1) == 1024);
}

TEST_CASE("a sleeper's load has decayed when it leaves an idle CPU, whose queue has not", "[fair][load]") {
  FairBench bench{KernelRelease::v6_18, 2};
  SchedEntity& se = bench.task();
  bench.wake(se);
  REQUIRE(bench.block());
  bench.spend(half_life);

  bench.fair.migrate_task(se, cpu0, cpu1, bench.clock);
  bench.fair.enqueue_task(cpu1, se, bench.clock, {.wakeup = true, .migrated = true});

  CHECK(bench.fair.cpu_load(cpu1) == 511);
}

TEST_CASE("a task brings the load of its group's weight to its CPU", "[fair][load][group]") {
  FairBench bench;
  const GroupId group = bench.group(2048);
  SchedEntity& first = bench.task(group);
  SchedEntity& second = bench.task(group);
  bench.enqueue(first);
  bench.enqueue(second);
  bench.run(400ms);  // more than 10 half lives: everything has settled

  CHECK(bench.fair.cpu_load(cpu0) >= 2044);  // of 2048
  CHECK(bench.fair.cpu_load(cpu0) <= 2048);
  CHECK(bench.fair.cpu_util(cpu0) >= 512);
  // Each has half of the group: 1024 * 2048 / 2048.
  CHECK(bench.fair.task_h_load(first) >= 1021);
  CHECK(bench.fair.task_h_load(first) <= 1024);
}

TEST_CASE("utilisation of a task in a group is seen at the root at once", "[fair][load][group]") {
  FairBench bench;
  const GroupId outer = bench.group();
  const GroupId inner = bench.group(1024, outer);

  bench.enqueue(bench.task(inner));

  CHECK(bench.queue(inner).avg().util_avg == 512);
  CHECK(bench.queue(outer).avg().util_avg == 512);
  CHECK(bench.fair.cpu_util(cpu0) == 512);
  CHECK(bench.fair.cpu_load(cpu0) == 1024);
}

TEST_CASE("a group hears of a queue's load when it changed by 1/64, and after 1 ms at the soonest",
          "[fair][load][group]") {
  FairBench bench;
  const GroupId group = bench.group();
  const TaskGroup& tg = bench.fair.group(group);
  bench.wake(bench.task(group));
  CHECK(tg.load_avg == 1024);

  bench.enqueue(bench.task(group));
  CHECK(tg.load_avg == 1024);  // within the same ms
  bench.spend(4ms);
  bench.fair.tick(cpu0, bench.clock);
  CHECK(tg.load_avg == bench.queue(group).avg().load_avg);
  CHECK(tg.load_avg > 2000);

  const std::int64_t before = tg.load_avg;
  bench.spend(4ms);
  bench.enqueue(bench.task(group, 19));  // 15 more: less than 2048/64 = 32
  bench.fair.tick(cpu0, bench.clock);
  CHECK(bench.queue(group).avg().load_avg >= before + 14);
  CHECK(tg.load_avg == before);

  bench.enqueue(bench.task(group, 9));  // 137 more
  bench.fair.tick(cpu0, bench.clock);
  CHECK(tg.load_avg >= before + 150);
}

TEST_CASE("what a sleeper takes along, its group has less of at the root too", "[fair][load][group]") {
  FairBench bench{KernelRelease::v6_18, 2};
  const GroupId group = bench.group();
  SchedEntity& se = bench.task(group);
  bench.wake(se);
  REQUIRE(bench.block());
  REQUIRE(bench.fair.cpu_load(cpu0) == 1024);

  bench.fair.migrate_task(se, cpu0, cpu1, bench.clock);
  bench.fair.update_blocked_averages(cpu0, bench.clock);

  CHECK(bench.queue(group).avg().load_avg == 0);
  CHECK(bench.fair.cpu_load(cpu0) == 0);
  CHECK(bench.fair.cpu_util(cpu0) == 0);
}

TEST_CASE("a nice change counts for the past too", "[fair][load]") {
  FairBench bench;
  SchedEntity& se = bench.task();
  bench.wake(se);

  bench.fair.set_user_nice(cpu0, se, 5, bench.clock);

  CHECK(bench.fair.cpu_load(cpu0) == 335);
  CHECK(se.avg.load_avg == 335);
}

TEST_CASE("delayed sleepers load the CPU but are not runnable", "[fair][load]") {
  FairBench bench;
  SchedEntity& sleeper = bench.task();
  SchedEntity& other = bench.task();
  bench.wake(sleeper);
  bench.enqueue(other);
  bench.spend(1ms);
  REQUIRE_FALSE(bench.block());
  const std::int64_t runnable = sleeper.avg.runnable_avg;

  bench.spend(2ms);
  bench.fair.dequeue_task(cpu0, sleeper, bench.clock, {.sleep = true, .delayed = true});

  CHECK(sleeper.avg.load_avg >= 1023);
  CHECK(sleeper.avg.runnable_avg < runnable);
}

TEST_CASE("a sleeping session's load decays in its group and at the root", "[fair][load][group]") {
  FairBench bench;
  const GroupId group = bench.group();
  bench.wake(bench.task(group));
  REQUIRE(bench.block());

  for (int i = 0; i < 10; ++i) {
    bench.spend(half_life);
    bench.fair.update_blocked_averages(cpu0, bench.clock);
  }

  CHECK(bench.fair.cpu_load(cpu0) <= 1);
  CHECK(bench.queue(group).avg().load_avg <= 1);
  CHECK(bench.fair.group(group).load_avg <= 1);
}

}  // namespace models
