// cpu.max: groups that pay for their time, stop when they cannot, and go on in the next period.
#include <catch2/catch.hpp>

#include "tests/models/quota_bench.h"

namespace models {

using namespace std::chrono_literals;

namespace {

constexpr CpuId cpu0{0};
constexpr CpuId cpu1{1};

}  // namespace

// From a tick on: 5 ms are drawn at 0; 4 ms are charged at each tick and another 5 ms drawn as soon as none
// is left: at 8 ms (3 ms owed: 8 drawn, 7 left in the pool), at 16 ms (3 owed, 7 drawn); at 20 ms both are
// empty.
TEST_CASE("a hog with 20 ms of each 100 ms runs exactly that", "[bandwidth]") {
  QuotaBench bench{KernelRelease::v6_12};
  SchedEntity& hog = bench.task(bench.limited(20ms));
  bench.wake(hog);

  for (int period = 1; period <= 10; ++period) {
    bench.run_quota(100ms);
    CHECK(hog.sum_exec_runtime == period * 20'000'000);
  }
}

// It starts 1 ms after a tick, so the tick at 24 ms finds that it has run 23 ms. The 3 ms are owed.
TEST_CASE("what a tick notices too late is taken off the next period", "[bandwidth]") {
  QuotaBench bench{KernelRelease::v6_12};
  SchedEntity& hog = bench.task(bench.limited(20ms));
  bench.clock = 1'000'000;
  bench.wake(hog);

  bench.run_quota(99ms);
  CHECK(hog.sum_exec_runtime == 23'000'000);
  bench.run_quota(100ms);
  CHECK(hog.sum_exec_runtime == 43'000'000);  // 17 ms and again a part of a tick: at 120 ms, 20 ms in
  bench.run_quota(800ms);
  CHECK(hog.sum_exec_runtime >= 200'000'000);
  CHECK(hog.sum_exec_runtime <= 204'000'000);
}

// 6.18 starts each queue with 1 ns of its own. At 20 ms that one is left, and the tick at 24 ms finds 4 ms
// owed; then 16 ms (up to a tick) make it even.
TEST_CASE("the average of 6.18 is the same", "[bandwidth]") {
  QuotaBench bench{KernelRelease::v6_18};
  const GroupId group = bench.limited(20ms);
  SchedEntity& hog = bench.task(group);
  bench.wake(hog);

  bench.run_quota(100ms);
  CHECK(hog.sum_exec_runtime == 24'000'000);
  bench.run_quota(900ms);
  CHECK(hog.sum_exec_runtime >= 200'000'000);
  CHECK(hog.sum_exec_runtime <= 204'000'000);
  CHECK(bench.fair.group(group).bandwidth.nr_periods() == 10);
}

TEST_CASE("all CPUs draw on one quota", "[bandwidth]") {
  const auto release = GENERATE(KernelRelease::v6_12, KernelRelease::v6_18);
  QuotaBench bench{release, 2};
  const GroupId group = bench.limited(20ms);
  SchedEntity& here = bench.task(group);
  SchedEntity& there = bench.task(group);
  bench.wake(here);
  bench.wake(there, cpu1);

  bench.run_quota(1s);

  const std::int64_t sum = here.sum_exec_runtime + there.sum_exec_runtime;
  CHECK(sum >= 200'000'000);
  CHECK(sum <= 208'000'000);  // at most a tick on each CPU
  CHECK(here.sum_exec_runtime >= 60'000'000);
  CHECK(there.sum_exec_runtime >= 60'000'000);
}

TEST_CASE("others run while a group is throttled, and the quota does not limit them", "[bandwidth]") {
  const auto release = GENERATE(KernelRelease::v6_12, KernelRelease::v6_18);
  QuotaBench bench{release};
  SchedEntity& limited = bench.task(bench.limited(20ms));
  SchedEntity& other = bench.task();
  bench.wake(limited);
  bench.wake(other);

  bench.run_quota(1s);

  CHECK(limited.sum_exec_runtime >= 196'000'000);
  CHECK(limited.sum_exec_runtime <= 204'000'000);
  CHECK(limited.sum_exec_runtime + other.sum_exec_runtime == bench.clock);
}

TEST_CASE("a throttled group leaves the queue in 6.12; what wakes in it waits with it", "[bandwidth]") {
  QuotaBench bench{KernelRelease::v6_12};
  const GroupId group = bench.limited(20ms);
  SchedEntity& hog = bench.task(group);
  SchedEntity& wakee = bench.task(group);
  bench.wake(hog);
  bench.run_quota(30ms);

  CHECK(bench.running() == nullptr);
  CHECK(hog.on_rq);
  CHECK(bench.queue(group).throttled());
  CHECK(bench.fair.h_nr_queued(cpu0) == 0);
  bench.enqueue(wakee);
  CHECK(bench.fair.h_nr_queued(cpu0) == 0);
  CHECK(bench.queue(group).h_nr_queued() == 2);
  CHECK(bench.fair.pick_task(cpu0, bench.clock) == nullptr);

  bench.run_quota(80ms);
  CHECK(bench.fair.h_nr_queued(cpu0) == 2);
  CHECK(bench.running() != nullptr);
}

TEST_CASE("6.18 lets a throttled group's tasks work in the kernel, and stops them on the way out",
          "[bandwidth]") {
  QuotaBench bench{KernelRelease::v6_18};
  bench.in_kernel = true;
  const GroupId group = bench.limited(20ms);
  SchedEntity& worker = bench.task(group);
  bench.wake(worker);

  bench.run_quota(40ms);
  CHECK(bench.running() == &worker);
  CHECK(bench.fair.throttle_work(worker));
  CHECK(worker.sum_exec_runtime == 40'000'000);

  CHECK(bench.fair.throttle_task(cpu0, bench.clock));
  bench.schedule();
  CHECK(bench.running() == nullptr);
  CHECK(worker.throttled);
  CHECK_FALSE(worker.on_rq);
  CHECK(bench.fair.h_nr_queued(cpu0) == 0);

  SchedEntity& wakee = bench.task(group);
  CHECK(bench.wake(wakee));  // it may do what it woke for in the kernel
  CHECK(bench.fair.throttle_work(wakee));

  bench.in_kernel = false;
  bench.reschedule(cpu0);  // it returns to user mode
  CHECK(wakee.throttled);
  bench.run_quota(300ms);  // 20 ms were owed
  CHECK(worker.sum_exec_runtime > 40'000'000);
}

TEST_CASE("a throttled task can be moved to another CPU, and waits there if it must", "[bandwidth]") {
  QuotaBench bench{KernelRelease::v6_18, 2};
  const GroupId group = bench.limited(20ms);
  SchedEntity& task = bench.task(group);
  bench.wake(task);
  bench.run_quota(50ms);
  REQUIRE(task.throttled);

  CHECK(bench.fair.dequeue_task(cpu0, task, bench.clock, {.migrating = true}));
  bench.fair.migrate_task(task, cpu0, cpu1, bench.clock);
  bench.fair.enqueue_task(cpu1, task, bench.clock, {.migrated = true});

  CHECK_FALSE(task.throttled);  // the queue of cpu1 is not throttled, yet
  CHECK(task.on_rq);
  CHECK(task.cfs_rq == &bench.queue(group, cpu1));
}

// The hog draws 5 ms at 0 and 8 at 8 ms, so 11 of the 24 are left when the other two wake and draw 5 each. At
// 16 ms it owes 3 and gets 1: it stops. The other two have 4.5 ms each, keep 1 and return 3.5.
TEST_CASE("what sleepers do not need is given to a throttled queue, 5 ms later", "[bandwidth]") {
  QuotaBench bench{KernelRelease::v6_12, 3};
  const GroupId group = bench.limited(24ms);
  const CfsBandwidth& pool = bench.fair.group(group).bandwidth;
  constexpr CpuId cpu2{2};
  SchedEntity& hog = bench.task(group);
  SchedEntity& first = bench.task(group);
  SchedEntity& second = bench.task(group);
  bench.wake(hog);
  bench.run_quota(15'500us);
  bench.wake(first, cpu1);
  bench.wake(second, cpu2);
  CHECK(pool.runtime() == 1'000'000);
  bench.run_quota(500us);
  REQUIRE(bench.queue(group).throttled());

  for (const CpuId cpu : {cpu1, cpu2}) {
    bench.fair.dequeue_task(cpu, *bench.running(cpu), bench.clock, {.sleep = true, .special = true});
    bench.schedule(cpu);
    CHECK(bench.queue(group, cpu).runtime_remaining() == 1'000'000);
  }
  CHECK(pool.runtime() == 7'000'000);

  bench.run_quota(5ms - 1ns);
  CHECK(bench.running() == nullptr);
  bench.run_quota(1ns);
  CHECK(bench.running() == &hog);
  CHECK(hog.sum_exec_runtime == 16'000'000);
}

TEST_CASE("a new period lets every queue go on, as long as debts leave something", "[bandwidth]") {
  QuotaBench bench{KernelRelease::v6_12, 2};
  const GroupId group = bench.limited(20ms);
  bench.wake(bench.task(group));
  bench.wake(bench.task(group), cpu1);
  bench.run_quota(99ms);
  REQUIRE(bench.running() == nullptr);
  REQUIRE(bench.running(cpu1) == nullptr);

  bench.run_quota(1ms);

  CHECK(bench.running() != nullptr);
  CHECK(bench.running(cpu1) != nullptr);
}

TEST_CASE("an idle group's period stops, and starts again with a full quota", "[bandwidth]") {
  QuotaBench bench{KernelRelease::v6_12};
  const GroupId group = bench.limited(20ms);
  SchedEntity& se = bench.task(group);
  bench.wake(se);
  bench.run_quota(4ms);
  bench.fair.dequeue_task(cpu0, se, bench.clock, {.sleep = true, .special = true});
  bench.schedule();
  bench.run_quota(400ms);

  CHECK(bench.timers.empty());
  CHECK(bench.fair.group(group).bandwidth.nr_periods() == 2);  // the second found it idle
  CHECK(bench.fair.group(group).bandwidth.nr_throttled() == 0);

  bench.wake(se);
  bench.run_quota(19ms);
  CHECK(bench.running() == &se);
}

TEST_CASE("a limit above holds the groups below", "[bandwidth]") {
  const auto release = GENERATE(KernelRelease::v6_12, KernelRelease::v6_18);
  QuotaBench bench{release};
  const GroupId parent = bench.limited(20ms);
  const GroupId child = bench.group(1024, parent);
  SchedEntity& hog = bench.task(child);
  bench.wake(hog);

  bench.run_quota(50ms);
  CHECK(bench.running() == nullptr);
  CHECK(bench.queue(child).throttled_hierarchy());
  CHECK_FALSE(bench.queue(child).throttled());
  bench.run_quota(950ms);

  CHECK(hog.sum_exec_runtime >= 200'000'000);
  CHECK(hog.sum_exec_runtime <= 204'000'000);
}

}  // namespace models
