// The run queues of a machine: who runs, who waits and where, at instants that a caller names. No time
// passes in here and nothing is charged, so a replay of a capture can drive it as well as the simulated
// scheduler (sched.h), which is these queues and the time that their steps take.
//
//   update_rq_clock ─► activate_task ─► wakeup_preempt          a wakeup, after a policy chose the CPU
//   update_rq_clock ─► deactivate_task ─► pick_next_task ─► switch_to          __schedule
//
// Models:   kernel/sched/core.c of 6.12: struct rq, update_rq_clock, activate_task, deactivate_task,
//           wakeup_preempt, pick_next_task (rt, fair, idle), set_task_cpu, ttwu_queue_cond,
//           available_idle_cpu; rq->avg_idle (ttwu_do_activate); fair.c: record_wakee.
// Left out: deadline and ext classes, core scheduling.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "models/cpu.h"
#include "models/eevdf.h"
#include "models/fair.h"
#include "models/fair_server.h"
#include "models/kernel_config.h"
#include "models/pelt.h"
#include "models/sched_domains.h"
#include "models/sched_rt.h"
#include "models/task.h"
#include "models/workload_config.h"

namespace models {

// One select_task_rq decision, as a policy sees it.
struct Placement {
  Task& task;
  CpuId prev;   // p->wake_cpu: where it last ran or waited
  CpuId waker;  // smp_processor_id() of try_to_wake_up
  bool sync;    // WF_SYNC
  // Whether the waker runs in a task's own context: not in an interrupt or softirq on top of it.
  bool in_task = false;
  sim::SimTime now{};
};

// TIF_NEED_RESCHED and, of the lazy preemption model, TIF_NEED_RESCHED_LAZY.
enum class Resched : std::uint8_t { none, lazy, now };

// struct rq, as far as decisions look at it. Policies and balancing read it; only RunQueues and its users of
// the scheduler core write.
struct Rq {
  Rq(sim::Nanos tick, const FairServerConfig& server) : rt{tick}, fair_server{server} {}

  RtRq rt;
  Task* curr = nullptr;          // null: idle
  std::vector<Task*> wake_list;  // not empty: rq->ttwu_pending
  Resched resched = Resched::none;
  std::int64_t clock = 0;  // rq->clock, ns
  // RQCF_REQ_SKIP: the next __schedule() leaves the clocks as they are, so that whoever it picks pays for the
  // time since the wakeup that asked for it.
  bool skip_update = false;
  std::int64_t clock_task = 0;  // without interrupt and steal time, where those are accounted; monotonic

  std::int64_t idle_stamp = 0;             // clock when it became idle; 0: it is not
  std::int64_t avg_idle = 0;               // ns, how long it stays idle lately
  std::int64_t max_idle_balance_cost = 0;  // ns

  FairServer fair_server;
  std::int64_t served_until = 0;  // clock_task up to which the fair server knows who ran

  std::int64_t util_est = 0;                         // sum of the estimates of its fair tasks that are awake
  SchedAvg avg_rt;                                   // time that rt tasks ran
  SchedAvg avg_irq;                                  // time that tasks were not charged for
  std::int64_t cpu_capacity = sched_capacity_scale;  // left for fair tasks, as of the last balance
  // cfs_tasks: its fair tasks, those that ran or came last in front. May hold some that have left since.
  Task* cfs_head = nullptr;
  Task* cfs_tail = nullptr;

  WakeeFlips swapper;  // the idle task's, whom an interrupt on an idle CPU counts as the waker
};

class RunQueues {
 public:
  RunQueues(const TopologyConfig& topology, const KernelConfig& kernel);
  RunQueues(const RunQueues&) = delete;
  RunQueues& operator=(const RunQueues&) = delete;

  Task& add_task(std::string name, Role role, const SchedConfig& config, GroupId group = GroupId::root);

  // Outputs.
  Task& task(TaskId id) { return *tasks_[index(id)]; }
  const Task& task(TaskId id) const { return *tasks_[index(id)]; }
  std::size_t task_count() const { return tasks_.size(); }
  int cpu_count() const { return static_cast<int>(rqs_.size()); }
  const Rq& rq(CpuId id) const { return *rqs_[index(id)]; }
  Rq& rq(CpuId id) { return *rqs_[index(id)]; }
  FairClass& fair() { return fair_; }
  const FairClass& fair() const { return fair_; }
  const TopologyConfig& topology() const { return topology_; }
  const KernelConfig& kernel() const { return kernel_; }
  SchedDomains& domains() { return domains_; }
  const SchedDomains& domains() const { return domains_; }
  Task* curr(CpuId id) const { return rqs_[index(id)]->curr; }
  int nr_running(CpuId id) const;             // rq->nr_running: with delayed sleepers
  int nr_runnable(CpuId id) const;            // without them: rq->nr_running - cfs_h_nr_delayed(rq)
  bool idle_cpu(CpuId id) const;              // available_idle_cpu: softirqs on top of idle count as idle
  std::int64_t cpu_util_cfs(CpuId id) const;  // by fair tasks, or what those awake are likely to use; 0..1024
  bool sched_idle_cpu(CpuId id) const;        // it has tasks, all of them SCHED_IDLE
  bool wakeup_in_flight(CpuId id) const { return !rqs_[index(id)]->wake_list.empty(); }
  bool share_llc(CpuId a, CpuId b) const { return domains_.share_llc(a, b); }
  int llc_first(CpuId id) const {
    return static_cast<int>(id) / llc_cpus_ * llc_cpus_;
  }  // an LLC is a run of CPUs
  int llc_size() const { return llc_cpus_; }
  int smt() const { return topology_.smt; }
  bool allowed(const Task& task, CpuId id) const { return task.allowed.test(index(id)); }
  // ttwu_queue_cond: across LLCs, or to a remote CPU that has nothing to run.
  bool wake_list_allowed(CpuId id, CpuId waker) const;
  bool has_rt_tasks() const { return has_rt_tasks_; }
  bool overloaded() const {
    return overloaded_;
  }  // rd->overloaded: some CPU had two tasks since last cleared
  void set_overloaded(bool overloaded) { overloaded_ = overloaded; }

  // Inputs, by the kernel's names. update_rq_clock comes before each: `not_task` is the time of interrupts
  // and of a hypervisor so far that tasks are not charged for.
  void update_rq_clock(CpuId id, sim::SimTime now, sim::Nanos not_task);
  // In __schedule: not if rq_clock_skip_update has been called since the last one.
  void update_rq_clock_of_schedule(CpuId id, sim::SimTime now, sim::Nanos not_task);
  // The end of core.c:wakeup_preempt, of a CPU whose current task or idle task has NEED_RESCHED now.
  void rq_clock_skip_update(CpuId id) { rqs_[index(id)]->skip_update = true; }
  void activate_task(Task& task, CpuId id, EnqueueFlags flags);
  // False: it sleeps but stays queued, delayed.
  bool deactivate_task(Task& task, DequeueFlags flags);
  // Whether the CPU is to be rescheduled for the wakee, which has just been activated there.
  bool wakeup_preempt(Task& task, CpuId id, bool fork = false);
  // Who should run now: the stopper, fair tasks whose server has been activated, rt, fair; null: nobody. No
  // balancing.
  Task* pick_next_task(CpuId id);
  // The fair server's timer, which is at rq(id).fair_server.timer_at(). True: reschedule.
  bool fair_server_timer(CpuId id);
  // 6.18's cpu.max: the current task, which returns to user mode, stops if its group has used up its time.
  bool throttle_current(CpuId id);
  void switch_to(CpuId id, Task* next);
  void set_task_cpu(Task& task, CpuId id);  // off queue: queues of the old CPU forget its load
  void set_resched(CpuId id, Resched resched) { rqs_[index(id)]->resched = resched; }
  void clear_resched(CpuId id);  // __schedule has picked
  // The task tick. True: the current task is to be rescheduled.
  bool tick(CpuId id);
  void yield(CpuId id);
  void add_to_wake_list(CpuId id, Task& task) { rqs_[index(id)]->wake_list.push_back(&task); }
  void clear_wake_list(CpuId id) { rqs_[index(id)]->wake_list.clear(); }
  // record_wakee: the task that an interrupt interrupted counts as the waker.
  void record_wakee(CpuId waker, const Task& wakee, sim::SimTime now);
  // The least recent of the CPU's fair tasks, whether delayed or running; null: none. Balancing looks at them
  // in this order, and moves those that it passes over to the front.
  Task* cfs_tasks_tail(CpuId id);
  void move_to_front(Task& task);

 private:
  void update_idle_core(CpuId id);
  void charge_fair_server(CpuId id);
  void tell_fair_server(CpuId id, int queued_before);
  void unlink_cfs_task(Task& task);

  const TopologyConfig& topology_;
  const KernelConfig& kernel_;
  sim::Nanos tick_;
  int llc_cpus_;
  SchedDomains domains_;
  FairClass fair_;
  std::vector<std::unique_ptr<Rq>> rqs_;
  std::vector<std::unique_ptr<Task>> tasks_;
  bool overloaded_ = false;
  bool has_rt_tasks_ = false;  // else the fair server has nobody to be protected from, and is left alone
};

}  // namespace models
