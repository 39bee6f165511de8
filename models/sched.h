// The scheduler core: run queues, wakeups, and who runs next.
//
//   try_to_wake_up ─► select_task_rq ─► enqueue (here, remotely, or by wake list and IPI) ─► preempt?
//   Cpu::schedule  ─► pick_next_task (rt, fair, idle) ─► context switch
//
// Models:   kernel/sched/core.c of 6.12: try_to_wake_up, ttwu_runnable, ttwu_queue_wakelist,
//           sched_ttwu_pending, resched_curr and resched_curr_lazy, __schedule, sched_tick, over the queues
//           of run_queues.h; load_balance.h moves tasks that wait; stop_machine.c's stopper of each CPU,
//           which active balancing uses, as a task before all others.
// Left out: deadline and ext classes.
#pragma once

#include <memory>
#include <vector>

#include "models/completion_pool.h"
#include "models/cost_sampler.h"
#include "models/cpu.h"
#include "models/hrtick.h"
#include "models/ipi.h"
#include "models/load_balance.h"
#include "models/meter.h"
#include "models/run_queues.h"
#include "models/tracepoints.h"
#include "sim/rng.h"

namespace models {

struct Wake {
  bool sync = false;                             // WF_SYNC
  CompletionId completion = CompletionId::none;  // what woke it
  WakeCause cause{};                             // the same, of whatever has no completion too
};

class Sched : public RunQueues {
 public:
  Sched(sim::Engine& engine, const TopologyConfig& topology, const KernelConfig& kernel, CostSampler& costs,
        const Tracepoints& tracepoints, CompletionPool& completions, Meter& meter,
        std::vector<std::unique_ptr<Cpu>>& cpus, const sim::Rng& rng = sim::Rng{1});
  Sched(const Sched&) = delete;
  Sched& operator=(const Sched&) = delete;

  // The stoppers of all CPUs, as the last tasks: before whoever lists tasks looks. Without it one is made
  // when balancing first needs it.
  void add_stoppers();

  sim::Port<CpuId(const Placement&)> select_task_rq;  // out: the policy
  sim::Port<void(CpuId)> raise_sched_softirq;         // out: SCHED softirq, whose work is rebalance_domains()

  // in: kernel code on `waker` makes a task runnable. False: it was not asleep.
  bool try_to_wake_up(Task& task, CpuId waker, Wake wake);
  // in: the current task blocks; `on_wake` is what it continues with.
  void sleep(Task& task, const Work& on_wake);
  // in: the current task works. Its kernel work is preempted only under full preemption.
  template <auto Method, class T>
  void work_user(Task& task, sim::Nanos cost, T& program, std::uint64_t argument = 0) {
    cpu(task.cpu).run<Method>(Context::task, cost, program, argument).user = true;
  }
  // A system call's first work: NEED_RESCHED acts before it, as on any return to user.
  template <auto Method, class T>
  void work_syscall(Task& task, sim::Nanos cost, T& program, std::uint64_t argument = 0) {
    cpu(task.cpu).run<Method>(Context::task, cost, program, argument).boundary = true;
  }
  template <auto Method, class T>
  void work_kernel(Task& task, sim::Nanos cost, T& program, std::uint64_t argument = 0) {
    cpu(task.cpu).run<Method>(Context::task, cost, program, argument);
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
  void schedule(CpuId id);           // in: from Cpu
  void ttwu_pending(CpuId id);       // in: the wake list's IPI, or the idle loop
  void tick(CpuId id);               // in: sched_tick
  void rebalance_domains(CpuId id);  // in: SCHED softirq
  void tick_stopped(CpuId id);       // in: from the idle loop

  // What policies and models may ask.
  Cpu& cpu(CpuId id) { return *cpus_[index(id)]; }
  const Cpu& cpu(CpuId id) const { return *cpus_[index(id)]; }
  // Whoever runs there wakes a task, itself or in an interrupt on top of it.
  WakeCause woken_on(CpuId id) const {
    const Task* waker = curr(id);
    return {.source = WakeSource::task,
            .cookie = waker == nullptr ? -1 : static_cast<std::int64_t>(waker->id)};
  }
  double utilisation() const;  // mean share of recent time that CPUs were not idle

 private:
  // What Sched knows of a CPU beyond its run queue.
  struct Local {
    Task* switch_from = nullptr;
    bool switch_from_sleeps = false;
    sim::SimTime switched_at{};  // the end of the switch under way
    Task* stopper = nullptr;     // migration/N
  };

  void update_clock(CpuId id);
  sim::Nanos not_task_time(CpuId id);
  void activate(Task& task, CpuId id, CpuId waker, bool migrated);
  void note_wakeup(Task& task, CpuId here);
  void explain_wakeup(const Task& task, CpuId waker, const Wake& wake);
  void resched_curr(CpuId id, CpuId from);
  void resched_curr_lazy(CpuId id, CpuId from);
  void take_fair_request(CpuId id, CpuId from);
  void queue_on_wake_list(Task& task, CpuId id, CpuId waker);
  void update_hrtick(CpuId id);
  void hrtick(CpuId id);
  void connect_bandwidth();
  std::int64_t bandwidth_now() { return sim::count(engine_.now()); }
  void start_bandwidth_timer(GroupId group, BandwidthTimer timer, std::int64_t at);
  void bandwidth_expired(std::uint64_t argument);
  void unthrottle(CpuId id);
  void arm_fair_server(CpuId id);
  void fair_server_expired(std::uint64_t cpu_number);
  void connect_balancing();
  bool newidle(CpuId id);
  void detach_task(Task& task, CpuId from, CpuId to);
  void attach_task(Task& task, CpuId to);
  sim::Nanos search_domain(CpuId id);
  void kick_balancer(CpuId from, CpuId to);
  void balancer_kicked(CpuId id);
  Task& stopper(CpuId id);
  void wake_stopper(CpuId busiest, CpuId from);
  void stopper_runs(std::uint64_t cpu_number);
  void start_switch(CpuId id, Task* prev, Task* next);
  void finish_switch(std::uint64_t cpu_number);
  void measure_wakeup(Task& task);
  void set_owner(Cpu& cpu, const Task* next);

  sim::Engine& engine_;
  CostSampler& costs_;
  const Tracepoints& tracepoints_;
  CompletionPool& completions_;
  Meter& meter_;
  std::vector<std::unique_ptr<Cpu>>& cpus_;
  std::vector<Local> locals_;
  std::vector<std::unique_ptr<IpiReceiver>> ipis_;
  std::vector<std::unique_ptr<IpiReceiver>> balance_ipis_;
  std::vector<std::unique_ptr<Hrtick>> hrticks_;  // none unless the feature is on
  std::vector<sim::Timer> fair_servers_;
  LoadBalance balance_;
  CpuId balances_{0};  // the CPU that executes the balancing under way
};

}  // namespace models
