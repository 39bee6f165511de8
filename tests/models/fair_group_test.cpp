// Task groups: who competes with whom, for which weight, and what survives of the rules at each level.
// The bench's slice is 3 ms, its tick 4 ms.
#include <catch2/catch.hpp>

#include "tests/models/fair_bench.h"

namespace models {

using namespace std::chrono_literals;

namespace {

constexpr CpuId cpu1{1};

std::int64_t percent(const SchedEntity& se, std::int64_t of) {
  return (100 * se.sum_exec_runtime + of / 2) / of;
}

}  // namespace

TEST_CASE("KF18.2a: a session is one entity on its CPU, beside kernel threads at the root", "[fair][group]") {
  const auto release = GENERATE(KernelRelease::v6_12, KernelRelease::v6_18);
  FairBench bench{release};
  const GroupId session = bench.fair.add_group(autogroup());
  SchedEntity& kernel_thread = bench.task();
  SchedEntity& first = bench.task(session);
  SchedEntity& second = bench.task(session);
  SchedEntity& third = bench.task(session);
  for (SchedEntity* se : {&kernel_thread, &first, &second, &third}) {
    bench.wake(*se);
  }

  bench.run(12s);

  CHECK(bench.fair.h_nr_queued(CpuId{0}) == 4);
  CHECK(percent(kernel_thread, bench.clock) == 50);  // four equals would have 25 each
  CHECK(percent(first, bench.clock) == 17);
  CHECK(percent(second, bench.clock) == 17);
  CHECK(percent(third, bench.clock) == 17);
}

TEST_CASE("KF18.2a: a session's weight is split over the CPUs it is busy on", "[fair][group]") {
  const auto release = GENERATE(KernelRelease::v6_12, KernelRelease::v6_18);
  FairBench bench{release, 2};
  const GroupId session = bench.fair.add_group(autogroup());
  SchedEntity& kernel_thread = bench.task();
  SchedEntity& here = bench.task(session);
  SchedEntity& there = bench.task(session);
  bench.wake(kernel_thread);
  bench.wake(here);
  bench.wake(there, cpu1);
  // Each task joins with a load of 1024, so the group has 2048; 1024 * 1024/2048.
  CHECK(bench.group_entity(session, cpu1).load.weight == 512);

  bench.run(12s);

  CHECK(bench.group_entity(session).load.weight == 512);
  CHECK(percent(kernel_thread, bench.clock) == 67);
  CHECK(percent(here, bench.clock) == 33);
  CHECK(percent(there, bench.clock) == 100);
}

TEST_CASE("a session's nice value is the weight of all its tasks together", "[fair][group]") {
  FairBench bench;
  const GroupId nice5 = bench.fair.add_group(autogroup(5));
  SchedEntity& first = bench.task(nice5);
  SchedEntity& second = bench.task(nice5);
  SchedEntity& other = bench.task();
  for (SchedEntity* se : {&first, &second, &other}) {
    bench.wake(*se);
  }

  bench.run(12s);

  CHECK(percent(other, bench.clock) == 75);  // 1024 / (1024 + 335)
  CHECK(percent(first, bench.clock) == 12);
  CHECK(percent(second, bench.clock) == 12);
}

TEST_CASE("groups nest: a child competes for its parent's share", "[fair][group]") {
  FairBench bench;
  const GroupId parent = bench.group(2048);
  const GroupId child = bench.group(512, parent);
  SchedEntity& outside = bench.task();
  SchedEntity& in_parent = bench.task(parent);
  SchedEntity& in_child = bench.task(child);
  for (SchedEntity* se : {&outside, &in_parent, &in_child}) {
    bench.wake(*se);
  }

  bench.run(12s);

  CHECK(percent(outside, bench.clock) == 33);    // 1024 : 2048
  CHECK(percent(in_parent, bench.clock) == 44);  // of the other 2/3, 1024 : 512
  CHECK(percent(in_child, bench.clock) == 22);
}

TEST_CASE("a group's share on a CPU is at least 2, and never more than the group's", "[fair][group]") {
  FairBench bench{KernelRelease::v6_18, 2};
  const GroupId group = bench.group(2);
  for (int i = 0; i < 12; ++i) {
    bench.wake(bench.task(group, -20), cpu1);  // 12 * 88761 = 1 065 132
  }
  CHECK(bench.group_entity(group, cpu1).load.stored == 2 * 1024);
  bench.run(4ms);  // the group hears of them at a tick: at first it was told of one, and then not for 1 ms

  bench.wake(bench.task(group));

  // 2 * 1024 * 1024 / (1065132 + 1024) = 1.97, as weights are stored; 2 after scaling as well.
  CHECK(bench.group_entity(group).load.stored == 2);
  CHECK(bench.group_entity(group).load.weight == 2);
}

TEST_CASE("weights of groups keep fractions: 1 part in 2^20 is a change", "[fair][group]") {
  FairBench bench{KernelRelease::v6_18, 2};
  const GroupId group = bench.group();
  bench.wake(bench.task(group, 5), cpu1);

  bench.wake(bench.task(group));

  // 2^20 * 1024 / (1024 + 335) = 790097.0, and 790097 / 1024 = 771.6.
  CHECK(bench.group_entity(group).load.stored == 790'097);
  CHECK(bench.group_entity(group).load.weight == 771);
}

// Each CPU told the group of 1024. The second task here is not known to it yet (1 ms), but here.
TEST_CASE("a CPU's part counts its own load as it is and the others' as they were told", "[fair][group]") {
  FairBench bench{KernelRelease::v6_18, 2};
  const GroupId group = bench.group();
  bench.wake(bench.task(group), cpu1);
  bench.wake(bench.task(group));

  bench.enqueue(bench.task(group));

  CHECK(bench.fair.group(group).load_avg == 2048);
  CHECK(bench.group_entity(group).load.stored == 699'050);  // 2^20 * 2048 / (2048 - 1024 + 2048)
}

TEST_CASE("a sleeper's load still counts for its group's part of the CPU", "[fair][group]") {
  FairBench bench{KernelRelease::v6_18, 2};
  const GroupId group = bench.group();
  bench.wake(bench.task(group), cpu1);
  SchedEntity& sleeper = bench.task(group);
  bench.wake(sleeper);
  bench.enqueue(bench.task(group));
  bench.run(4ms);

  bench.fair.dequeue_task(CpuId{0}, sleeper, bench.clock, {.sleep = true, .special = true});

  CHECK(bench.group_entity(group).load.weight >= 680);  // 2/3 of 1024, and not the half
}

TEST_CASE("a group that has emptied keeps its weight", "[fair][group]") {
  FairBench bench{KernelRelease::v6_18, 2};
  const GroupId group = bench.group();
  bench.wake(bench.task(group));
  bench.enqueue(bench.task());
  bench.wake(bench.task(group), cpu1);  // now half would be due here
  bench.spend(1ms);

  bench.block();

  CHECK(bench.group_entity(group).sched_delayed);
  CHECK(bench.group_entity(group).load.weight == 1024);
}

TEST_CASE("KF18.2b: a reweighted group that runs is not protected any more", "[fair][group]") {
  const auto release = GENERATE(KernelRelease::v6_12, KernelRelease::v6_18);
  FairBench bench{release, 2};
  const GroupId session = bench.fair.add_group(autogroup());
  SchedEntity& here = bench.task(session);
  SchedEntity& there = bench.task(session);
  SchedEntity& kernel_thread = bench.task();
  bench.wake(here);
  CfsRq& root = *bench.group_entity(session).cfs_rq;
  REQUIRE(root.protected_slice(bench.group_entity(session)));
  REQUIRE(bench.queue(session).protected_slice(here));

  bench.wake(there, cpu1);  // halves the group's part of this CPU, as of its next update
  bench.spend(200us);
  CHECK_FALSE(bench.wake(kernel_thread));
  CHECK(root.protected_slice(bench.group_entity(session)));
  bench.spend(200us);
  bench.fair.tick(CpuId{0}, bench.clock);

  CHECK(bench.group_entity(session).load.weight == 512);
  CHECK_FALSE(root.protected_slice(bench.group_entity(session)));
  CHECK(bench.queue(session).protected_slice(here));  // a level below nothing was reweighted
}

TEST_CASE("a group that goes on running keeps its protection when its tasks take turns", "[fair][group]") {
  const auto release = GENERATE(KernelRelease::v6_12, KernelRelease::v6_18);
  FairBench bench{release};
  const GroupId group = bench.group();
  SchedEntity& first = bench.task(group);
  SchedEntity& second = bench.task(group);
  bench.wake(first);
  bench.wake(second);
  SchedEntity& entity = bench.group_entity(group);
  const std::int64_t exec_start = entity.exec_start;
  const std::int64_t vlag = entity.vlag - 1'000'000;
  entity.vlag = vlag;  // protected for 2 ms, or in 6.12 not at all
  bench.spend(1ms);

  CHECK(bench.fair.dequeue_task(CpuId{0}, first, bench.clock, {.sleep = true, .special = true}));
  bench.schedule();

  REQUIRE(bench.running() == &second);
  CHECK(entity.vlag == vlag);                          // not switched to: no new protection
  CHECK(entity.exec_start == exec_start + 1'000'000);  // but charged
  CHECK(bench.queue(group).curr() == &second);
}

TEST_CASE("a switch to another group changes hands at every level that differs", "[fair][group]") {
  FairBench bench;
  const GroupId outer = bench.group();
  const GroupId inner = bench.group(1024, outer);
  const GroupId other = bench.group();
  SchedEntity& deep = bench.task(inner);
  SchedEntity& shallow = bench.task(other);
  bench.wake(deep);
  bench.enqueue(shallow);
  REQUIRE(bench.queue(inner).curr() == &deep);
  REQUIRE(bench.queue(outer).curr() == &bench.group_entity(inner));

  bench.fair.switch_task(CpuId{0}, &shallow, bench.clock);

  CHECK(bench.running() == &shallow);
  CHECK(bench.queue(inner).curr() == nullptr);
  CHECK(bench.queue(outer).curr() == nullptr);
  CHECK(bench.queue(other).curr() == &shallow);
  bench.fair.switch_task(CpuId{0}, nullptr, bench.clock);
  CHECK(bench.running() == nullptr);
  CHECK(bench.fair.h_nr_queued(CpuId{0}) == 2);
}

TEST_CASE("a group asks for the shortest slice that is queued in it", "[fair][group]") {
  FairBench bench;
  const GroupId outer = bench.group();
  const GroupId inner = bench.group(1024, outer);
  SchedEntity& slow = bench.task(inner);
  SchedEntity& brief = bench.task(inner);
  bench.fair.set_slice(CpuId{0}, brief, 500us, 0);
  bench.wake(brief);
  CHECK(bench.group_entity(outer).slice == 500'000);
  CHECK(bench.group_entity(outer).deadline == bench.group_entity(outer).vruntime + 500'000);
  bench.block();
  bench.wake(slow);
  CHECK(bench.group_entity(outer).slice == 3'000'000);

  bench.enqueue(brief);

  CHECK(bench.group_entity(inner).slice == 500'000);
  CHECK(bench.group_entity(outer).slice == 500'000);
  bench.fair.dequeue_task(CpuId{0}, brief, bench.clock, {});
  CHECK(bench.group_entity(inner).slice == 3'000'000);
  CHECK(bench.group_entity(outer).slice == 3'000'000);
}

TEST_CASE("preemption is decided where the ways of wakee and current task meet", "[fair][group]") {
  const auto release = GENERATE(KernelRelease::v6_12, KernelRelease::v6_18);
  FairBench bench{release};
  const GroupId group = bench.group();
  SchedEntity& outside = bench.task();
  SchedEntity& hog = bench.task(group);
  SchedEntity& wakee = bench.task(group);
  bench.wake(hog);
  bench.spend(1ms);

  outside.vlag = 1'000'000;  // owed service at the root
  CHECK(bench.wake(outside));
  REQUIRE(bench.running() == &outside);

  // In its group the wakee would be owed service too; but the group as a whole is not.
  wakee.vlag = 1'000'000;
  CHECK_FALSE(bench.wake(wakee));
  CHECK(wakee.vruntime < bench.queue(group).avg_vruntime());
}

TEST_CASE("KF7.5: a group that overran its share stays queued when its last task sleeps", "[fair][group]") {
  const auto release = GENERATE(KernelRelease::v6_12, KernelRelease::v6_18);
  FairBench bench{release};
  const GroupId group = bench.group();
  SchedEntity& sleeper = bench.task(group);
  SchedEntity& other = bench.task();
  bench.wake(sleeper);
  bench.enqueue(other);
  bench.spend(1ms);

  CHECK(bench.block());  // alone in its group it is never behind: it leaves. Its group does not.

  const SchedEntity& entity = bench.group_entity(group);
  CHECK_FALSE(sleeper.on_rq);
  CHECK(entity.on_rq);
  CHECK(entity.sched_delayed);
  CHECK(bench.running() == &other);
  CHECK(bench.fair.h_nr_queued(CpuId{0}) == 1);
  CHECK(bench.fair.h_nr_runnable(CpuId{0}) == 1);
  CHECK(entity.cfs_rq->nr_queued() == 2);

  SECTION("and a wakeup in it finds it where it was") {
    const std::int64_t vruntime = entity.vruntime;
    bench.spend(200us);
    CHECK_FALSE(bench.wake(sleeper));
    CHECK_FALSE(entity.sched_delayed);
    CHECK(entity.vruntime == vruntime);
    CHECK(bench.fair.h_nr_runnable(CpuId{0}) == 2);
  }
  SECTION("until a pick finds it eligible") {
    bench.run(8ms);
    CHECK_FALSE(entity.on_rq);
    CHECK_FALSE(entity.sched_delayed);
    CHECK(entity.vlag == 0);
    CHECK(entity.cfs_rq->nr_queued() == 1);
    CHECK(entity.cfs_rq->load() == 1024);
  }
}

TEST_CASE("a delayed task is not runnable at any level, and its group stays queued", "[fair][group]") {
  FairBench bench;
  const GroupId group = bench.group();
  SchedEntity& sleeper = bench.task(group);
  SchedEntity& other = bench.task(group);
  bench.wake(sleeper);
  bench.enqueue(other);
  bench.spend(1ms);

  CHECK_FALSE(bench.block());

  CHECK(sleeper.sched_delayed);
  CHECK(bench.running() == &other);
  CHECK(bench.fair.h_nr_queued(CpuId{0}) == 2);
  CHECK(bench.fair.h_nr_runnable(CpuId{0}) == 1);
  bench.wake(sleeper);
  CHECK(bench.fair.h_nr_runnable(CpuId{0}) == 2);
}

TEST_CASE("a group whose task sleeps is the buddy and goes on, if it is eligible", "[fair][group]") {
  const auto release = GENERATE(KernelRelease::v6_12, KernelRelease::v6_18);
  const bool pick_buddy = GENERATE(true, false);
  CfsConfig config = fair_config(release);
  config.features.pick_buddy = pick_buddy;
  FairBench bench{config};
  const GroupId group = bench.group();
  SchedEntity& sleeper = bench.task(group);
  SchedEntity& stays = bench.task(group);
  SchedEntity& waiting = bench.task();
  bench.fair.set_slice(CpuId{0}, waiting, 1ms, 0);
  bench.wake(sleeper);
  bench.enqueue(stays);
  bench.spend(1ms);
  bench.enqueue(waiting);  // as old as V, with a deadline of 2 ms against the group's 3
  SchedEntity& entity = bench.group_entity(group);
  entity.vlag = entity.vruntime;  // as after a reweight: unprotected

  REQUIRE(bench.fair.dequeue_task(CpuId{0}, sleeper, bench.clock, {.sleep = true, .special = true}));

  CHECK(bench.fair.pick_task(CpuId{0}, bench.clock) == (pick_buddy ? &stays : &waiting));
  bench.spend(1us);  // now the group is ahead of V, and what it was owed is void
  CHECK(bench.fair.pick_task(CpuId{0}, bench.clock) == &waiting);
}

TEST_CASE("whatever is not idle preempts a cpu.idle group at once, and never the reverse", "[fair][group]") {
  const auto release = GENERATE(KernelRelease::v6_12, KernelRelease::v6_18);
  FairBench bench{release};
  TaskGroupConfig config;
  config.idle = true;
  const GroupId idle_group = bench.fair.add_group(config);
  SchedEntity& in_idle = bench.task(idle_group);
  SchedEntity& normal = bench.task();
  bench.wake(in_idle);
  CHECK(bench.group_entity(idle_group).load.weight == 3);
  CHECK(bench.fair.h_nr_idle(CpuId{0}) == 1);
  bench.spend(10us);

  CHECK(bench.wake(normal));

  CHECK(bench.running() == &normal);
  SchedEntity& late = bench.task(idle_group);
  late.vlag = 1'000'000;
  CHECK_FALSE(bench.wake(late));
  CHECK(bench.fair.h_nr_queued(CpuId{0}) == 3);
  CHECK(bench.fair.h_nr_idle(CpuId{0}) == 2);
}

}  // namespace models
