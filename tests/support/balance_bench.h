// Load balancing between run queues, at instants that a test names; notes what was moved and asked for.
#pragma once

#include <utility>
#include <vector>

#include "models/load_balance.h"
#include "tests/support/run_queues_bench.h"

namespace models {

struct BalanceBench : RunQueuesBench {
  explicit BalanceBench(const TopologyConfig& machine, const KernelConfig& options = {})
      : RunQueuesBench{machine, options} {
    balance.update_rq_clock.connect<&BalanceBench::clock>(*this);
    balance.detach_task.connect<&BalanceBench::detach>(*this);
    balance.attach_task.connect<&BalanceBench::attach>(*this);
    balance.search_cost.connect<&BalanceBench::search_cost>(*this);
    balance.kick.connect<&BalanceBench::kicked>(*this);
    balance.active_balance.connect<&BalanceBench::asked_to_push>(*this);
  }

  void clock(CpuId id) { RunQueuesBench::clock(id); }
  void detach(Task& task, CpuId from, CpuId to) {
    moves.emplace_back(static_cast<int>(from), static_cast<int>(to));
    moved.push_back(&task);
    rqs.deactivate_task(task, {});
    rqs.set_task_cpu(task, to);
  }
  void attach(Task& task, CpuId to) {
    rqs.activate_task(task, to, {.migrated = true});
    if (rqs.wakeup_preempt(task, to) && rqs.curr(to) != nullptr) {
      schedule(to);
    }
  }
  sim::Nanos search_cost(CpuId) {
    ++searches;
    return cost;
  }
  void kicked(CpuId from, CpuId to) { kicks.emplace_back(static_cast<int>(from), static_cast<int>(to)); }
  void asked_to_push(CpuId busiest, CpuId to) {
    pushes.emplace_back(static_cast<int>(busiest), static_cast<int>(to));
  }

  // The CPU, which idles, runs out of work again.
  bool newidle(int cpu) {
    const auto id = static_cast<CpuId>(cpu);
    clock(id);
    const bool pulled = balance.newidle(id, sim::SimTime{now});
    if (pulled) {
      schedule(id);
    }
    return pulled;
  }
  // Time passes; each CPU with work ticks, and so does one that idles if `idle_ticks`.
  void run(sim::Nanos span, bool idle_ticks = false) {
    const sim::Nanos end = now + span;
    const sim::Nanos tick{1'000'000'000 / kernel.hz};
    while (now < end) {
      pass(tick);
      for (int i = 0; i < topology.cpus; ++i) {
        const auto id = static_cast<CpuId>(i);
        if ((!rqs.idle_cpu(id) || idle_ticks) && balance.trigger(id, sim::SimTime{now})) {
          softirq(i);
        }
      }
    }
  }
  void softirq(int cpu) {
    ++softirqs;
    balance.run_rebalance_domains(static_cast<CpuId>(cpu), sim::SimTime{now});
    for (int i = 0; i < topology.cpus; ++i) {
      if (rqs.curr(static_cast<CpuId>(i)) == nullptr) {
        schedule(static_cast<CpuId>(i));
      }
    }
  }
  Task& waits(int cpu, const SchedConfig& config = {}) {  // not cache-hot
    Task& task = busy(cpu, config);
    task.se.exec_start = 0;
    return task;
  }
  SchedDomain& domain(int cpu, std::size_t level = 0) {
    return rqs.domains().of(static_cast<CpuId>(cpu))[level];
  }

  LoadBalance balance{rqs, sim::Rng{1}};
  sim::Nanos cost{1000};
  int searches = 0;
  int softirqs = 0;
  std::vector<std::pair<int, int>> moves;
  std::vector<Task*> moved;
  std::vector<std::pair<int, int>> kicks;
  std::vector<std::pair<int, int>> pushes;
};

using Moves = std::vector<std::pair<int, int>>;

inline KernelConfig without_dice() {
  KernelConfig kernel;
  kernel.placement.ni_random = false;
  return kernel;
}

}  // namespace models
