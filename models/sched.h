// The scheduler core: run queues, wakeups, and who runs next.
//
//   try_to_wake_up ─► select_task_rq ─► enqueue (here, remotely, or by wake list and IPI) ─► preempt?
//   Cpu::schedule  ─► pick_next_task (rt, fair, idle) ─► context switch
//
// Models:   kernel/sched/core.c of 6.12: try_to_wake_up, ttwu_runnable, ttwu_queue_wakelist,
//           sched_ttwu_pending, resched_curr, __schedule, sched_tick; the fair class in eevdf.h, the RT class
//           in sched_rt.h. Newly idle CPUs pull one waiting task that is not cache-hot (fair.c:
//           sched_balance_newidle, task_hot with sysctl_sched_migration_cost), if some CPU was overloaded and
//           a die says so: NI_RANDOM tries about as often as trying has helped lately.
// Left out: deadline, ext and stop classes, group scheduling, periodic and nohz balancing, newidle's cost
// limit.
#pragma once

#include <memory>
#include <vector>

#include "models/completion_pool.h"
#include "models/cost_sampler.h"
#include "models/cpu.h"
#include "models/eevdf.h"
#include "models/ipi.h"
#include "models/kernel_config.h"
#include "models/meter.h"
#include "models/sched_rt.h"
#include "models/task.h"
#include "models/tracepoints.h"
#include "sim/rng.h"

namespace models {

struct Wake {
  bool sync = false;                             // WF_SYNC
  CompletionId completion = CompletionId::none;  // what woke it
  WakeCause cause{};                             // the same, of whatever has no completion too
};

// One select_task_rq decision, as the policy sees it.
struct Placement {
  Task& task;
  CpuId prev;
  CpuId waker;
  bool sync;
};

class Sched {
 public:
  Sched(sim::Engine& engine, const TopologyConfig& topology, const KernelConfig& kernel, CostSampler& costs,
        const Tracepoints& tracepoints, CompletionPool& completions, Meter& meter,
        std::vector<std::unique_ptr<Cpu>>& cpus, const sim::Rng& rng = sim::Rng{1});
  Sched(const Sched&) = delete;
  Sched& operator=(const Sched&) = delete;

  sim::Port<CpuId(const Placement&)> select_task_rq;  // out: the policy

  Task& add_task(std::string name, Role role, const SchedConfig& config);
  Task& task(TaskId id) { return *tasks_[index(id)]; }
  std::size_t task_count() const { return tasks_.size(); }

  // in: kernel code on `waker` makes a task runnable. False: it was not asleep.
  bool try_to_wake_up(Task& task, CpuId waker, Wake wake);
  // in: the current task blocks; `on_wake` is what it continues with.
  void sleep(Task& task, const Work& on_wake);
  // in: the current task works. Its kernel work is preempted only under full preemption.
  template <auto Method, class T>
  void work_user(Task& task, sim::Nanos cost, T& program, std::uint64_t argument = 0) {
    Work work = make_work<Method>(cost, program, argument);
    work.user = true;
    cpu(task.cpu).set_work(Context::task, work);
  }
  // A system call's first work: NEED_RESCHED acts before it, as on any return to user.
  template <auto Method, class T>
  void work_syscall(Task& task, sim::Nanos cost, T& program, std::uint64_t argument = 0) {
    Work work = make_work<Method>(cost, program, argument);
    work.boundary = true;
    cpu(task.cpu).set_work(Context::task, work);
  }
  template <auto Method, class T>
  void work_kernel(Task& task, sim::Nanos cost, T& program, std::uint64_t argument = 0) {
    cpu(task.cpu).set_work(Context::task, make_work<Method>(cost, program, argument));
  }
  // in: a system call returns to its caller. A pending reschedule, and what tracepoints charged on the way
  // out, come before userspace (exit_to_user_mode_loop).
  void return_to_user(const Task& task, Work continuation) {
    Cpu& here = cpu(task.cpu);
    if (here.charged() || here.need_resched()) {
      continuation.boundary = true;
      here.set_work(Context::task, continuation);
    } else {
      continuation.call(continuation.object, continuation.argument);
    }
  }
  void schedule(CpuId id);      // in: from Cpu
  void ttwu_pending(CpuId id);  // in: the wake list's IPI, or the idle loop
  void tick(CpuId id);          // in: sched_tick

  // What policies and models may ask.
  Cpu& cpu(CpuId id) { return *cpus_[index(id)]; }
  const Cpu& cpu(CpuId id) const { return *cpus_[index(id)]; }
  int cpu_count() const { return static_cast<int>(cpus_.size()); }
  Task* curr(CpuId id) const { return rqs_[index(id)]->curr; }
  // Whoever runs there wakes a task, itself or in an interrupt on top of it.
  WakeCause woken_on(CpuId id) const {
    const Task* waker = curr(id);
    return {.source = WakeSource::task,
            .cookie = waker == nullptr ? -1 : static_cast<std::int64_t>(waker->id)};
  }
  int nr_running(CpuId id) const;   // rq->nr_running: with delayed sleepers
  int nr_runnable(CpuId id) const;  // without them: rq->nr_running - cfs.h_nr_delayed
  bool idle_cpu(CpuId id) const;    // available_idle_cpu: softirqs on top of idle count as idle
  bool wakeup_in_flight(CpuId id) const { return !rqs_[index(id)]->wake_list.empty(); }
  bool share_llc(CpuId a, CpuId b) const;
  int llc_first(CpuId id) const;  // CPUs of an LLC are a run
  int llc_size() const { return llc_cpus_; }
  int smt() const { return topology_.smt; }
  bool allowed(const Task& task, CpuId id) const { return task.allowed.test(index(id)); }
  double utilisation() const;  // mean share of recent time that CPUs were not idle

 private:
  // sd->newidle_call, newidle_success and newidle_ratio, include/linux/sched/topology.h
  struct Newidle {
    int calls = 512;
    int successes = 256;
    int ratio = 512;   // of 1024 calls, how many helped
    sim::Stream dice;  // sched_rng()
    void update(int success);
  };
  struct Rq {
    Rq(const CfsConfig& cfs_config, sim::Nanos tick) : cfs{cfs_config}, rt{tick} {}
    CfsRq cfs;
    RtRq rt;
    Task* curr = nullptr;  // null: idle
    Task* switch_from = nullptr;
    bool switch_from_sleeps = false;
    std::int64_t clock_task = 0;
    std::vector<Task*> wake_list;  // rq->ttwu_pending
    Newidle newidle;
  };

  std::int64_t clock_task(CpuId id);
  void activate(Task& task, CpuId id, CpuId waker, bool migrated);
  void wakeup_preempt(Task& task, CpuId id, CpuId waker);
  void note_wakeup(Task& task, CpuId here);
  void explain_wakeup(const Task& task, CpuId waker, const Wake& wake);
  void resched_curr(CpuId id, CpuId from);
  void take_resched_request(CpuId id, CpuId from);
  bool wake_list_allowed(const Task& task, CpuId id, CpuId waker) const;
  void queue_on_wake_list(Task& task, CpuId id, CpuId waker);
  void put_prev(Rq& rq, Task* prev, CpuId id);
  Task* pick_next_task(Rq& rq, CpuId id);
  Task* newidle_balance(CpuId id);
  Task* newidle_pull(CpuId id);
  void start_switch(Rq& rq, CpuId id, Task* prev, Task* next);
  void finish_switch(std::uint64_t cpu_number);
  void measure_wakeup(Task& task);
  void set_owner(Cpu& cpu, const Task* next);

  sim::Engine& engine_;
  const TopologyConfig& topology_;
  const KernelConfig& kernel_;
  CostSampler& costs_;
  const Tracepoints& tracepoints_;
  CompletionPool& completions_;
  Meter& meter_;
  std::vector<std::unique_ptr<Cpu>>& cpus_;
  int llc_cpus_;
  sim::Nanos tick_;
  bool overloaded_ = false;  // rd->overloaded: some CPU had two tasks since a newly idle one last looked
  std::vector<std::unique_ptr<Rq>> rqs_;
  std::vector<std::unique_ptr<IpiReceiver>> ipis_;
  std::vector<std::unique_ptr<Task>> tasks_;
};

}  // namespace models
