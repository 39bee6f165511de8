// CPUs that run nothing but fair tasks in groups: the clock moves by hand, ticks come every 4 ms on all of
// them, and a reschedule request is honoured at once.
#pragma once

#include <cstdint>
#include <deque>

#include "models/fair.h"
#include "tests/models/fair_cpu.h"

namespace models {

struct FairBench {
  explicit FairBench(KernelRelease release = KernelRelease::v6_18, int count = 1)
      : FairBench{fair_config(release), count} {}
  explicit FairBench(const CfsConfig& config, int count = 1)
      : fair{config, count}, cpus{count}, tick{config.tick.count()} {}

  SchedEntity& task(GroupId group = GroupId::root, int nice = 0) {
    SchedEntity& se = tasks.emplace_back();
    se.task = static_cast<TaskId>(tasks.size());
    fair.attach(se, group);
    fair.set_user_nice(CpuId{0}, se, nice, 0);
    return se;
  }
  GroupId group(std::int64_t shares = 1024, GroupId parent = GroupId::root) {
    TaskGroupConfig config;
    config.parent = parent;
    config.shares = shares;
    return fair.add_group(config);
  }
  SchedEntity& group_entity(GroupId id, CpuId cpu = CpuId{0}) {
    return const_cast<SchedEntity&>(fair.group(id).se[index(cpu)]);
  }
  CfsRq& queue(GroupId id, CpuId cpu = CpuId{0}) { return *fair.group(id).cfs_rq[index(cpu)]; }

  // try_to_wake_up; true: it preempts, and the switch has happened.
  bool wake(SchedEntity& se, CpuId cpu = CpuId{0}) {
    fair.enqueue_task(cpu, se, clock, {.wakeup = true});
    const bool preempts = running(cpu) == nullptr || fair.wakeup_preempt(cpu, se, clock);
    if (preempts || fair.need_resched(cpu)) {
      schedule(cpu);
    }
    return preempts;
  }
  void enqueue(SchedEntity& se, CpuId cpu = CpuId{0}) { fair.enqueue_task(cpu, se, clock, {.wakeup = true}); }

  void schedule(CpuId cpu = CpuId{0}) {
    SchedEntity* next = fair.pick_task(cpu, clock);
    if (next != running(cpu)) {
      fair.switch_task(cpu, next, clock);
      ++switches;
    }
    fair.clear_resched(cpu);
  }
  // The running task blocks; false: delayed.
  bool block(CpuId cpu = CpuId{0}) {
    const bool left = fair.dequeue_task(cpu, *running(cpu), clock, {.sleep = true});
    schedule(cpu);
    return left;
  }
  void spend(sim::Nanos span) { clock += span.count(); }
  void run(sim::Nanos span) {
    const std::int64_t end = clock + span.count();
    for (std::int64_t edge = (clock / tick + 1) * tick; edge <= end; edge += tick) {
      clock = edge;
      for (int i = 0; i < cpus; ++i) {
        const auto cpu = static_cast<CpuId>(i);
        fair.tick(cpu, clock);
        if (fair.need_resched(cpu)) {
          schedule(cpu);
        }
      }
    }
    clock = end;
  }
  SchedEntity* running(CpuId cpu = CpuId{0}) const { return fair.curr(cpu); }

  FairClass fair;
  int cpus;
  std::int64_t tick;
  std::deque<SchedEntity> tasks;  // a deque: tasks are queued by address
  std::int64_t clock = 0;
  int switches = 0;
};

}  // namespace models
