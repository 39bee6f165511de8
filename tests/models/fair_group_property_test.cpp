// Random histories of tasks in nested and limited groups on two CPUs, checked against definitions after each
// step.
#include <array>
#include <catch2/catch.hpp>
#include <random>
#include <vector>

#include "tests/models/quota_bench.h"

namespace models {
namespace {

using namespace std::chrono_literals;

class GroupHistory {
 public:
  GroupHistory(KernelRelease release, unsigned seed, bool quotas) : random_{seed}, bench_{release, 2} {
    const GroupId outer = quotas ? bench_.limited(30ms, 50ms) : bench_.group(512);
    const GroupId inner = bench_.group(2048, outer);
    TaskGroupConfig idle;
    idle.idle = true;
    groups_ = {GroupId::root, outer, inner,
               quotas ? bench_.limited(10ms, 20ms, inner) : bench_.group(77, inner),
               bench_.fair.add_group(idle)};
    for (int i = 0; i < 12; ++i) {
      SchedEntity& se = bench_.task(groups_[static_cast<std::size_t>(below(5))], below(12) - 6);
      if (below(3) == 0) {
        bench_.fair.set_slice(CpuId{0}, se, sim::Nanos{100'000 + below(8'000'000)}, 0);
      }
      tasks_.push_back({&se, CpuId{0}});
    }
  }

  void step() {
    const bool busy[2] = {bench_.running(CpuId{0}) != nullptr, bench_.running(CpuId{1}) != nullptr};
    const std::int64_t before = total_run();
    const sim::Nanos span{below(3'000'000)};
    const bool undisturbed = bench_.timers.empty();
    bench_.run_quota(span);
    bench_.fair.update_curr(CpuId{0}, bench_.clock);
    bench_.fair.update_curr(CpuId{1}, bench_.clock);
    if (undisturbed) {
      CHECK(total_run() - before == span.count() * (busy[0] + busy[1]));
    }
    act(tasks_[static_cast<std::size_t>(below(static_cast<int>(tasks_.size())))]);
    for (int i = 0; i < 2; ++i) {
      const auto cpu = static_cast<CpuId>(i);
      if (bench_.fair.need_resched(cpu)) {
        bench_.reschedule(cpu);
      }
      check_cpu(cpu);
    }
  }

  SchedEntity& task(std::size_t i) { return *tasks_[i].se; }

 private:
  struct Placed {
    SchedEntity* se;
    CpuId cpu;
  };

  int below(int bound) { return static_cast<int>(random_() % static_cast<unsigned>(bound)); }

  std::int64_t total_run() const {
    std::int64_t sum = 0;
    for (const Placed& task : tasks_) {
      sum += task.se->sum_exec_runtime;
    }
    return sum;
  }

  void act(Placed& task) {
    SchedEntity& se = *task.se;
    FairClass& fair = bench_.fair;
    if (se.throttled) {
      move(task);
    } else if (!se.on_rq || se.sched_delayed) {
      if (!se.on_rq && below(2) == 0) {
        const auto other = static_cast<CpuId>(1 - static_cast<int>(task.cpu));
        fair.migrate_task(se, task.cpu, other, bench_.clock);
        task.cpu = other;
      }
      fair.enqueue_task(task.cpu, se, bench_.clock, {.wakeup = true});
      const bool preempts =
          bench_.running(task.cpu) == nullptr || fair.wakeup_preempt(task.cpu, se, bench_.clock);
      if (preempts || fair.need_resched(task.cpu)) {
        bench_.reschedule(task.cpu);
      }
    } else if (bench_.running(task.cpu) == &se) {
      if (below(4) == 0) {
        fair.yield(task.cpu, bench_.clock);
      } else {
        fair.dequeue_task(task.cpu, se, bench_.clock, {.sleep = true, .special = below(8) == 0});
      }
      bench_.reschedule(task.cpu);
    } else {
      move(task);
    }
    if (below(10) == 0) {
      fair.set_user_nice(task.cpu, *task.se, below(12) - 6, bench_.clock);
    }
    if (below(20) == 0) {
      fair.update_blocked_averages(task.cpu, bench_.clock);
    }
  }

  void move(Placed& task) {
    const auto other = static_cast<CpuId>(1 - static_cast<int>(task.cpu));
    bench_.fair.dequeue_task(task.cpu, *task.se, bench_.clock, {.migrating = true});
    bench_.fair.migrate_task(*task.se, task.cpu, other, bench_.clock);
    bench_.fair.enqueue_task(other, *task.se, bench_.clock, {.migrated = true});
    task.cpu = other;
    if (bench_.running(other) == nullptr) {
      bench_.reschedule(other);
    }
  }

  // Tasks of a group and of those below it that are queued in its queue of this CPU.
  int queued_in(GroupId id, CpuId cpu, bool runnable) const {
    int count = 0;
    for (const Placed& task : tasks_) {
      bool inside = task.cpu == cpu && task.se->on_rq && (!runnable || !task.se->sched_delayed);
      bool below_group = id == GroupId::root;
      const TaskGroup* group = task.se->group == GroupId::root ? nullptr : &bench_.fair.group(task.se->group);
      for (; inside && group != nullptr; group = group->parent) {
        const CfsRq& queue = *group->cfs_rq[index(cpu)];
        below_group |= id != GroupId::root && group == &bench_.fair.group(id);
        const bool stops_here = group == (id == GroupId::root ? nullptr : &bench_.fair.group(id));
        inside = stops_here || !queue.throttled() || throttles_tasks_;
        if (stops_here) {
          break;
        }
      }
      count += inside && below_group ? 1 : 0;
    }
    return count;
  }

  void check_cpu(CpuId cpu) {
    CHECK(bench_.fair.h_nr_queued(cpu) == queued_in(GroupId::root, cpu, false));
    CHECK(bench_.fair.h_nr_runnable(cpu) == queued_in(GroupId::root, cpu, true));
    CHECK((bench_.running(cpu) != nullptr) == (bench_.fair.h_nr_runnable(cpu) > 0));
    CHECK(bench_.fair.cpu_load(cpu) >= 0);
    for (const GroupId id : groups_) {
      if (id == GroupId::root) {
        continue;
      }
      const CfsRq& queue = bench_.queue(id, cpu);
      const SchedEntity& entity = bench_.group_entity(id, cpu);
      CHECK(queue.h_nr_queued() == queued_in(id, cpu, false));
      CHECK(queue.nr_runnable() == queued_in(id, cpu, true));
      const bool is_off = queue.throttled() && !throttles_tasks_;
      CHECK((entity.on_rq && !entity.sched_delayed) == (queue.nr_queued() > 0 && !is_off));
      CHECK(entity.load.stored >= 2);
      CHECK(entity.load.stored <= bench_.fair.group(id).shares);
      CHECK(queue.avg().util_avg >= 0);
      CHECK(queue.avg().load_avg >= 0);
      CHECK(bench_.fair.group(id).load_avg >= 0);
    }
  }

  std::mt19937 random_;
  QuotaBench bench_;
  std::array<GroupId, 5> groups_{};
  std::vector<Placed> tasks_;

 public:
  bool throttles_tasks_ = false;
};

}  // namespace

TEST_CASE("queues of all levels count and charge the same tasks in any history", "[fair][group][property]") {
  const auto release = GENERATE(KernelRelease::v6_12, KernelRelease::v6_18);
  const bool quotas = GENERATE(false, true);
  for (unsigned seed = 1; seed <= 12; ++seed) {
    CAPTURE(seed, quotas, release == KernelRelease::v6_18);
    GroupHistory history{release, seed, quotas};
    history.throttles_tasks_ = release == KernelRelease::v6_18;
    for (int i = 0; i < 800; ++i) {
      CAPTURE(i);
      history.step();
    }
  }
}

}  // namespace models
