// The machine and kernel a host models: topology, build options, sysctls. Defaults are Linux 6.12's.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "models/fair_server.h"
#include "models/kernel_release.h"
#include "models/placement_features.h"
#include "models/sched_features.h"
#include "sim/distribution.h"
#include "sim/time.h"

namespace models {

enum class Preemption : std::uint8_t { none, voluntary, full, lazy };  // kernel/Kconfig.preempt; lazy: 6.13

// One idle state. Exit costs are `idle_exit_<name>` in the profile.
enum class IdleState : std::uint8_t { poll, c1, c6, hlt };

// drivers/cpuidle/governors. Where there is one state only, it is used whatever the governor.
enum class IdleGovernorKind : std::uint8_t { menu, teo, haltpoll };

// A property of an idle state that a machine may have otherwise than states of that kind usually do.
enum class OfState : std::uint8_t { usual, no, yes };

template <class Visitor>
void enumerators(Preemption*, Visitor&& named) {
  named("none", Preemption::none);
  named("voluntary", Preemption::voluntary);
  named("full", Preemption::full);
  named("lazy", Preemption::lazy);
}
template <class Visitor>
void enumerators(IdleState*, Visitor&& named) {
  named("poll", IdleState::poll);
  named("c1", IdleState::c1);
  named("c6", IdleState::c6);
  named("hlt", IdleState::hlt);
}

template <class Visitor>
void enumerators(IdleGovernorKind*, Visitor&& named) {
  named("menu", IdleGovernorKind::menu);
  named("teo", IdleGovernorKind::teo);
  named("haltpoll", IdleGovernorKind::haltpoll);
}
template <class Visitor>
void enumerators(OfState*, Visitor&& named) {
  named("usual", OfState::usual);
  named("no", OfState::no);
  named("yes", OfState::yes);
}

struct IdleStateConfig {
  IdleState state = IdleState::c1;
  sim::Nanos target_residency{0};  // the governor picks the deepest state whose residency fits its prediction
  sim::Nanos exit_latency{0};  // the driver's table, for the governor; 0: unknown. Costs are the profile's
  bool disabled = false;       // sysfs cpuidle/stateN/disable
  OfState polling = OfState::usual;  // woken by a store to NEED_RESCHED: all but hlt
  OfState irq_inside =
      OfState::usual;  // handlers run before the state is left: hlt and poll (IRQ_ENABLE rows)

  bool polls() const { return polling == OfState::usual ? state != IdleState::hlt : polling == OfState::yes; }
  bool takes_irqs() const {
    return irq_inside == OfState::usual ? state == IdleState::hlt || state == IdleState::poll
                                        : irq_inside == OfState::yes;
  }
};

template <class Visitor>
void fields(IdleStateConfig& config, Visitor&& field) {
  field("state", config.state);
  field("target_residency", config.target_residency);
  field("exit_latency", config.exit_latency);
  field("disabled", config.disabled);
  field("polling", config.polling);
  field("irq_inside", config.irq_inside);
}

// Module parameters of the haltpoll governor. A limit of 0 never polls: always HLT, and the tick always
// stops.
struct HaltpollConfig {
  sim::Nanos guest_halt_poll_ns{200'000};         // longest poll
  int guest_halt_poll_grow = 2;                   // factor after a halt that a poll would have covered
  sim::Nanos guest_halt_poll_grow_start{50'000};  // first poll
  int guest_halt_poll_shrink = 2;                 // divisor after a longer halt; 0: back to no polling
  bool guest_halt_poll_allow_shrink = true;
};

template <class Visitor>
void fields(HaltpollConfig& config, Visitor&& field) {
  field("guest_halt_poll_ns", config.guest_halt_poll_ns);
  field("guest_halt_poll_grow", config.guest_halt_poll_grow);
  field("guest_halt_poll_grow_start", config.guest_halt_poll_grow_start);
  field("guest_halt_poll_shrink", config.guest_halt_poll_shrink);
  field("guest_halt_poll_allow_shrink", config.guest_halt_poll_allow_shrink);
}

// Time that the hypervisor gives to others, per CPU: every `interval`, counted from the end of the one
// before, the physical CPU is away for `length`. A length of constant 0 (the default) is no steal.
struct StealConfig {
  sim::Distribution interval = sim::Distribution::exponential(sim::Nanos{100'000'000});
  sim::Distribution length = sim::Distribution::constant(sim::Nanos{0});
};

template <class Visitor>
void fields(StealConfig& config, Visitor&& field) {
  field("interval", config.interval);
  field("length", config.length);
}

inline constexpr int full_speed = 1024;  // of the CPU that the profile was measured on: SCHED_CAPACITY_SCALE

// CPUs are numbered so that SMT siblings are adjacent and an LLC is a run of CPUs.
struct TopologyConfig {
  int cpus = 2;      // 1..1024
  int smt = 1;       // hardware threads per core
  int llc_cpus = 0;  // CPUs that share a last-level cache; 0: all
  std::vector<IdleStateConfig> idle{{IdleState::c1, sim::Nanos{1000}}};  // shallowest first
  IdleGovernorKind governor = IdleGovernorKind::menu;
  HaltpollConfig haltpoll{};
  sim::Nanos cpu_dma_latency{
      2'000'000'000'000};      // /dev/cpu_dma_latency: states of a longer exit are not used
  std::vector<int> cpu_speed;  // by CPU, in 1/1024 of the profile's; CPUs not listed: 1024
  int smt_speed = full_speed;  // of a CPU whose SMT sibling is busy, in 1/1024 of its speed alone
  StealConfig steal{};
};

template <class Visitor>
void fields(TopologyConfig& config, Visitor&& field) {
  field("cpus", config.cpus);
  field("smt", config.smt);
  field("llc_cpus", config.llc_cpus);
  field("idle", config.idle);
  field("governor", config.governor);
  field("haltpoll", config.haltpoll);
  field("cpu_dma_latency", config.cpu_dma_latency);
  field("cpu_speed", config.cpu_speed);
  field("smt_speed", config.smt_speed);
  field("steal", config.steal);
}

// net.ipv4.tcp_congestion_control, as far as it decides when a sender's skbs leave: bbr paces them.
enum class CongestionControl : std::uint8_t { cubic, bbr };

template <class Visitor>
void enumerators(CongestionControl*, Visitor&& named) {
  named("cubic", CongestionControl::cubic);
  named("bbr", CongestionControl::bbr);
}

struct KernelConfig {
  KernelRelease release = KernelRelease::v6_12;
  int hz = 250;
  Preemption preemption = Preemption::none;
  bool irq_time_accounting = true;       // CONFIG_IRQ_TIME_ACCOUNTING: IRQ time is not the task's
  bool paravirt_time_accounting = true;  // CONFIG_PARAVIRT_TIME_ACCOUNTING: nor is stolen time
  bool timer_migration = true;           // kernel.timer_migration: idle CPUs arm timers on busy ones
  bool skew_tick = false;                // skew_tick=1: CPUs' ticks are spread over half a period
  sim::Nanos base_slice{700'000};        // sysctl_sched_base_slice before scaling by CPUs
  int netdev_budget = 300;               // net.core.netdev_budget
  sim::Nanos netdev_budget_usecs{0};     // net.core.netdev_budget_usecs; 0: the default, 2 jiffies
  int dev_weight = 64;                   // net.core.dev_weight: packets per NAPI poll
  int gro_normal_batch = 8;              // net.core.gro_normal_batch
  int netdev_max_backlog = 1000;         // net.core.netdev_max_backlog
  CongestionControl tcp_congestion_control = CongestionControl::cubic;  // of the sockets of bulk senders
  int rq_affinity = 1;                                                  // /sys/block/D/queue/rq_affinity
  sim::Nanos timer_slack{50'000};                 // PR_SET_TIMERSLACK of the workload's tasks
  sim::Nanos timer_softirq_interval{20'000'000};  // mean time between expiring timer-wheel timers, per CPU
  sim::Nanos rcu_softirq_interval{50'000'000};    // mean time between RCU callback batches, per CPU
  bool sched_autogroup_enabled = false;           // kernel.sched_autogroup_enabled: a group per session
  FairServerConfig fair_server{};                 // debugfs sched/fair_server/cpuN
  SchedFeatures features{};                       // sched/features of the fair queue; only the flags count
  PlacementFeatures placement{};                  // sched/features of CPU selection and load balancing
};

template <class Visitor>
void fields(KernelConfig& config, Visitor&& field) {
  field("release", config.release);
  field("hz", config.hz);
  field("preemption", config.preemption);
  field("irq_time_accounting", config.irq_time_accounting);
  field("paravirt_time_accounting", config.paravirt_time_accounting);
  field("timer_migration", config.timer_migration);
  field("skew_tick", config.skew_tick);
  field("base_slice", config.base_slice);
  field("netdev_budget", config.netdev_budget);
  field("netdev_budget_usecs", config.netdev_budget_usecs);
  field("dev_weight", config.dev_weight);
  field("gro_normal_batch", config.gro_normal_batch);
  field("netdev_max_backlog", config.netdev_max_backlog);
  field("tcp_congestion_control", config.tcp_congestion_control);
  field("rq_affinity", config.rq_affinity);
  field("timer_slack", config.timer_slack);
  field("timer_softirq_interval", config.timer_softirq_interval);
  field("rcu_softirq_interval", config.rcu_softirq_interval);
  field("sched_autogroup_enabled", config.sched_autogroup_enabled);
  field("fair_server", config.fair_server);
  field("features", config.features);
  field("placement", config.placement);
}

}  // namespace models
