// The machine and kernel a host models: topology, build options, sysctls. Defaults are Linux 6.12's.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "sim/time.h"

namespace models {

enum class KernelRelease : std::uint8_t { v6_12, v6_18 };
enum class Preemption : std::uint8_t { none, voluntary, full };  // kernel/Kconfig.preempt

// One idle state. Exit costs are `idle_exit_<name>` in the profile; polling states need no IPI to wake.
enum class IdleState : std::uint8_t { poll, c1, c6, hlt };

template <class Visitor>
void enumerators(KernelRelease*, Visitor&& named) {
  named("6.12", KernelRelease::v6_12);
  named("6.18", KernelRelease::v6_18);
}
template <class Visitor>
void enumerators(Preemption*, Visitor&& named) {
  named("none", Preemption::none);
  named("voluntary", Preemption::voluntary);
  named("full", Preemption::full);
}
template <class Visitor>
void enumerators(IdleState*, Visitor&& named) {
  named("poll", IdleState::poll);
  named("c1", IdleState::c1);
  named("c6", IdleState::c6);
  named("hlt", IdleState::hlt);
}

struct IdleStateConfig {
  IdleState state = IdleState::c1;
  sim::Nanos target_residency{0};  // the governor picks the deepest state whose residency fits its prediction
};

template <class Visitor>
void fields(IdleStateConfig& config, Visitor&& field) {
  field("state", config.state);
  field("target_residency", config.target_residency);
}

// CPUs are numbered so that SMT siblings are adjacent and an LLC is a run of CPUs.
struct TopologyConfig {
  int cpus = 2;      // 1..1024
  int smt = 1;       // hardware threads per core
  int llc_cpus = 0;  // CPUs that share a last-level cache; 0: all
  std::vector<IdleStateConfig> idle{{IdleState::c1, sim::Nanos{1000}}};  // shallowest first
};

template <class Visitor>
void fields(TopologyConfig& config, Visitor&& field) {
  field("cpus", config.cpus);
  field("smt", config.smt);
  field("llc_cpus", config.llc_cpus);
  field("idle", config.idle);
}

struct KernelConfig {
  KernelRelease release = KernelRelease::v6_12;
  int hz = 250;
  Preemption preemption = Preemption::none;
  bool irq_time_accounting = true;                // CONFIG_IRQ_TIME_ACCOUNTING: IRQ time is not the task's
  sim::Nanos base_slice{700'000};                 // sysctl_sched_base_slice before scaling by CPUs
  int netdev_budget = 300;                        // net.core.netdev_budget
  sim::Nanos netdev_budget_usecs{0};              // net.core.netdev_budget_usecs; 0: the default, 2 jiffies
  int dev_weight = 64;                            // net.core.dev_weight: packets per NAPI poll
  int gro_normal_batch = 8;                       // net.core.gro_normal_batch
  int netdev_max_backlog = 1000;                  // net.core.netdev_max_backlog
  int rq_affinity = 1;                            // /sys/block/D/queue/rq_affinity
  sim::Nanos timer_slack{50'000};                 // PR_SET_TIMERSLACK of the workload's tasks
  sim::Nanos timer_softirq_interval{20'000'000};  // mean time between expiring timer-wheel timers, per CPU
  sim::Nanos rcu_softirq_interval{50'000'000};    // mean time between RCU callback batches, per CPU
};

template <class Visitor>
void fields(KernelConfig& config, Visitor&& field) {
  field("release", config.release);
  field("hz", config.hz);
  field("preemption", config.preemption);
  field("irq_time_accounting", config.irq_time_accounting);
  field("base_slice", config.base_slice);
  field("netdev_budget", config.netdev_budget);
  field("netdev_budget_usecs", config.netdev_budget_usecs);
  field("dev_weight", config.dev_weight);
  field("gro_normal_batch", config.gro_normal_batch);
  field("netdev_max_backlog", config.netdev_max_backlog);
  field("rq_affinity", config.rq_affinity);
  field("timer_slack", config.timer_slack);
  field("timer_softirq_interval", config.timer_softirq_interval);
  field("rcu_softirq_interval", config.rcu_softirq_interval);
}

}  // namespace models
