// Asks a placement policy for one decision, with the CPUs in a given state.
#pragma once

#include <initializer_list>
#include <string>
#include <utility>

#include "tests/support/sched_bench.h"

namespace models {

struct PlacementBench : SchedBench {
  explicit PlacementBench(int machine_cpus, int llc_cpus = 0, PolicyConfig policy_config = {})
      : SchedBench{machine(machine_cpus, llc_cpus), policy_config} {
    for (int i = 0; i < machine_cpus; ++i) {
      if (LlcShared* llc = sched->domains().llc(static_cast<CpuId>(i))) {
        llc->nr_idle_scan = llc->span.weight;  // as after a periodic balance of an idle machine
      }
    }
  }
  static KernelSetup machine(int machine_cpus, int llc_cpus) {
    KernelSetup chosen;
    chosen.cpus = machine_cpus;
    chosen.llc_cpus = llc_cpus;
    return chosen;
  }

  // That many runnable tasks on each of the CPUs, one of them running.
  void busy(std::initializer_list<int> which, int runnable = 1, const SchedConfig& sched_config = {}) {
    for (const int cpu : which) {
      for (int i = 0; i < runnable; ++i) {
        hog("hog", cpu, sched_config);
      }
    }
    run_until(now() + 1us);
  }
  // Where a task that slept on `prev` goes when it is woken on `waker`.
  int place(Worker& wakee, int prev, int waker, bool sync = false) {
    wakee.task.cpu = static_cast<CpuId>(prev);
    return static_cast<int>(sched->select_task_rq(Placement{
        wakee.task, static_cast<CpuId>(prev), static_cast<CpuId>(waker), sync, false, engine.now()}));
  }
  Worker& wakee(const SchedConfig& sched_config = {}) { return worker("wakee", 0, 1ms, sched_config); }
};

inline PolicyConfig policy_named(std::string name) {
  PolicyConfig config;
  config.name = std::move(name);
  return config;
}

inline SchedConfig fifo(int priority) {
  SchedConfig config;
  config.sched = SchedClass::fifo;
  config.rt_priority = priority;
  return config;
}

}  // namespace models
