// The run queues of a machine without a scheduler in time: a test says who sleeps, waits and runs where, lets
// time pass, and asks where a wakeup goes or what balancing moves.
#pragma once

#include <string>
#include <utility>

#include "models/policies/kernel_default.h"
#include "models/run_queues.h"

namespace models {

using namespace std::chrono_literals;

inline SchedConfig on_cpus(std::vector<int> cpus) {
  SchedConfig config;
  config.cpus = std::move(cpus);
  return config;
}

struct RunQueuesBench {
  explicit RunQueuesBench(const TopologyConfig& machine, const KernelConfig& options = {})
      : topology{machine}, kernel{options} {
    for (int i = 0; i < topology.cpus; ++i) {
      if (LlcShared* llc = rqs.domains().llc(static_cast<CpuId>(i))) {
        llc->nr_idle_scan = llc->span.weight;  // as after a periodic balance of an idle machine
      }
    }
  }

  // A task that has slept on `cpu`.
  Task& sleeper(int cpu, const SchedConfig& config = {}, Role role = Role::background) {
    Task& task = rqs.add_task("task " + std::to_string(rqs.task_count()), role, config);
    task.cpu = static_cast<CpuId>(cpu);
    task.recent_used_cpu = task.cpu;
    return task;
  }
  // One that waits there, or runs if the CPU idled.
  Task& busy(int cpu, const SchedConfig& config = {}, Role role = Role::background) {
    Task& task = sleeper(cpu, config, role);
    activate(task);
    return task;
  }
  void activate(Task& task) {
    clock(task.cpu);
    task.state = TaskState::running;
    rqs.activate_task(task, task.cpu, {.wakeup = true});
    if (rqs.wakeup_preempt(task, task.cpu)) {
      schedule(task.cpu);
    }
  }
  void block(Task& task) {
    clock(task.cpu);
    task.state = TaskState::interruptible;
    rqs.deactivate_task(task, {.sleep = true});
    schedule(task.cpu);
  }
  void schedule(CpuId id) {
    clock(id);
    Task* next = rqs.pick_next_task(id);
    rqs.clear_resched(id);
    if (next != rqs.curr(id)) {
      rqs.switch_to(id, next);
    }
  }
  void clock(CpuId id) { rqs.update_rq_clock(id, sim::SimTime{now}, stolen); }
  // In ticks; every CPU's loads are up to date afterwards.
  void pass(sim::Nanos span) {
    const sim::Nanos end = now + span;
    const sim::Nanos tick{1'000'000'000 / kernel.hz};
    while (now < end) {
      now = std::min(end, now + tick);
      for (int i = 0; i < topology.cpus; ++i) {
        const auto id = static_cast<CpuId>(i);
        clock(id);
        if (rqs.tick(id)) {
          schedule(id);
        }
        rqs.fair().update_blocked_averages(id, rqs.rq(id).clock_task);
      }
    }
  }

  struct Wakeup {
    int prev;
    int waker;
    bool sync = false;
    bool in_task = false;
  };
  template <class Policy>
  int place_by(Policy& chosen, Task& wakee, Wakeup wakeup) {
    wakee.cpu = static_cast<CpuId>(wakeup.prev);
    return static_cast<int>(chosen.select_task_rq(Placement{wakee, static_cast<CpuId>(wakeup.prev),
                                                            static_cast<CpuId>(wakeup.waker), wakeup.sync,
                                                            wakeup.in_task, sim::SimTime{now}}));
  }
  int place(Task& wakee, Wakeup wakeup) { return place_by(policy, wakee, wakeup); }
  LlcShared& llc(int cpu) { return *rqs.domains().llc(static_cast<CpuId>(cpu)); }

  TopologyConfig topology;
  KernelConfig kernel;
  RunQueues rqs{topology, kernel};
  KernelDefault policy{rqs, {}};
  sim::Nanos now{1'000'000};
  sim::Nanos stolen{0};  // time not charged to tasks, of each CPU
};

}  // namespace models
