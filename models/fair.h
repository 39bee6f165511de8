// The fair class of a machine: one EEVDF queue per CPU and task group, stacked.
//
//   task ─► its group's CfsRq of that CPU ─► ... ─► the root CfsRq of that CPU ─► picked
//
// Models:   kernel/sched/fair.c: the class hooks enqueue_task_fair, dequeue_task_fair, pick_task_fair,
//           set_next_task_fair, put_prev_task_fair, check_preempt_wakeup_fair, task_tick_fair,
//           yield_task_fair, migrate_task_rq_fair; update_blocked_averages, task_h_load.
// Left out: util_est; clock_pelt's scaling by capacity and frequency; task_h_load's caching for a jiffy.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "models/eevdf.h"
#include "models/ids.h"
#include "models/sched_entity.h"
#include "models/task_group.h"

namespace models {

// `clock` is the CPU's rq->clock_task in ns. A caller switches tasks in the order that eevdf.h says.
class FairClass {
 public:
  FairClass(const CfsConfig& config, int cpus);
  FairClass(const FairClass&) = delete;
  FairClass& operator=(const FairClass&) = delete;

  BandwidthPorts bandwidth;  // out: what cpu.max needs; to be connected if a group has a quota

  // Before tasks are queued. A parent is added before its children.
  GroupId add_group(const TaskGroupConfig& config);
  // A new task, not yet queued: its group. Its load starts with its first enqueue, as a task's that always
  // ran (init_entity_runnable_average).
  void attach(SchedEntity& se, GroupId group);

  // Outputs. `cpu_load` and `task_h_load` in units of weight, utilisations of 1024 (kernel/sched/pelt.c).
  bool need_resched(CpuId cpu) const { return root(cpu).need_resched(); }  // until clear_resched
  int h_nr_queued(CpuId cpu) const { return root(cpu).h_nr_queued(); }     // tasks, delayed sleepers included
  int h_nr_runnable(CpuId cpu) const { return root(cpu).nr_runnable(); }   // tasks, without them
  int h_nr_idle(CpuId cpu) const { return root(cpu).h_nr_idle(); }  // of them SCHED_IDLE or in idle groups
  SchedEntity* curr(CpuId cpu) const { return root(cpu).curr_task(); }
  std::int64_t cpu_load(CpuId cpu) const { return root(cpu).avg().load_avg; }
  std::int64_t cpu_util(CpuId cpu) const { return root(cpu).avg().util_avg; }
  std::int64_t cpu_runnable(CpuId cpu) const { return root(cpu).avg().runnable_avg; }
  // What the task adds to its CPU's load, its groups' weights counted.
  std::int64_t task_h_load(const SchedEntity& se) const;
  std::int64_t task_util(const SchedEntity& se) const { return se.avg.util_avg; }
  const TaskGroup& group(GroupId id) const { return *groups_[index(id) - 1]; }  // not of the root
  // task_is_ineligible_on_dst_cpu (6.18): queued without a right to run now, and its group has tasks
  // on `dst` already.
  bool ineligible_on_dst_cpu(const SchedEntity& se, CpuId dst) const;
  // 6.18's cpu.max: the task stops at its next return to user mode, by throttle_task().
  bool throttle_work(const SchedEntity& se) const { return se.throttle_work; }
  // With HRTICK: in how many ns of clock_task to call hrtick(); negative: not at all. Asked after each
  // switch, enqueue and dequeue.
  std::int64_t hrtick_delay(CpuId cpu) const { return root(cpu).hrtick_delay(); }

  // Inputs.
  void enqueue_task(CpuId cpu, SchedEntity& se, std::int64_t clock, EnqueueFlags flags);
  bool dequeue_task(CpuId cpu, SchedEntity& se, std::int64_t clock, DequeueFlags flags);
  SchedEntity* pick_task(CpuId cpu, std::int64_t clock);
  // The end of a switch to or from a fair task: put_prev_task and set_next_task in one, as
  // pick_next_task_fair has it, because a group that goes on running keeps its protection. nullptr: the next
  // task is of another class, or none.
  void switch_task(CpuId cpu, SchedEntity* next, std::int64_t clock);
  bool wakeup_preempt(CpuId cpu, SchedEntity& wakee, std::int64_t clock, bool fork = false);
  void update_curr(CpuId cpu, std::int64_t clock);  // charges the running task, not the groups it is in
  void tick(CpuId cpu, std::int64_t clock);
  void hrtick(CpuId cpu, std::int64_t clock);
  void yield(CpuId cpu, std::int64_t clock);
  // Off queue, before set_task_cpu. `clock_from` is the old CPU's, brought up to date if that is idle.
  void migrate_task(SchedEntity& se, CpuId from, CpuId to, std::int64_t clock_from);
  void update_blocked_averages(CpuId cpu, std::int64_t clock);
  // The current task returns to user mode with throttle_work. True: it is off queue now, though it does not
  // sleep; the caller schedules, and unthrottle() queues it again.
  bool throttle_task(CpuId cpu, std::int64_t clock);
  void bandwidth_timer(GroupId group, BandwidthTimer timer);  // one that `bandwidth` asked for has expired
  // What `bandwidth` asked for. The caller reschedules an idle CPU that has tasks afterwards.
  void unthrottle(CpuId cpu, std::int64_t clock);
  void resched_curr(CpuId cpu);
  void clear_resched(CpuId cpu);
  void set_user_nice(CpuId cpu, SchedEntity& se, int nice, std::int64_t clock);
  void set_slice(CpuId cpu, SchedEntity& se, sim::Nanos slice, std::int64_t clock);

 private:
  CfsRq& root(CpuId cpu) { return *roots_[index(cpu)]; }
  const CfsRq& root(CpuId cpu) const { return *roots_[index(cpu)]; }
  CfsRq& task_queue(CpuId cpu, const SchedEntity& se) const;

  CfsConfig config_;
  std::vector<std::unique_ptr<CfsRq>> roots_;
  std::vector<std::unique_ptr<TaskGroup>> groups_;  // without the root
};

}  // namespace models
