// Hosts for tests: every cost is a constant, no two are the same, and what happens can be read as a list of
// tracepoints. A sum of costs that comes out right was made of the right costs.
#pragma once

#include <algorithm>
#include <cstdint>
#include <initializer_list>
#include <vector>

#include "models/host.h"

namespace models {

using namespace std::chrono_literals;

// 1 us apart, in the order of `Cost`, with squares below that keep sums of different costs apart.
constexpr sim::Nanos cost_of(Cost cost) {
  const auto i = static_cast<std::int64_t>(cost);
  return sim::Nanos{1000 + 1000 * i + i * i % 997};
}
template <class... More>
constexpr sim::Nanos cost_of(Cost cost, More... more) {
  return cost_of(cost) + cost_of(more...);
}

inline Costs distinct_costs() {
  Costs costs;
  for (std::size_t i = 0; i < cost_count; ++i) {
    costs.models[i].value = sim::Distribution::constant(cost_of(static_cast<Cost>(i)));
  }
  return costs;
}

// A machine of `cpus` CPUs that sleep in HLT, without ticks, timers' slack or housekeeping in its way: HZ=1.
inline HostConfig quiet_host(int cpus) {
  HostConfig config;
  config.topology.cpus = cpus;
  config.topology.idle = {{IdleState::hlt, sim::Nanos{0}}};
  config.kernel.hz = 1;
  config.kernel.timer_slack = sim::Nanos{0};
  config.kernel.timer_softirq_interval = sim::Nanos{1'000'000'000'000'000};
  config.kernel.rcu_softirq_interval = sim::Nanos{1'000'000'000'000'000};
  config.costs = distinct_costs();
  config.costs[Cost::idle_exit_hlt_deep].value = sim::Distribution::constant(sim::Nanos{0});
  config.costs[Cost::virtio_blk_notify_deep].value = sim::Distribution::constant(sim::Nanos{0});
  config.costs[Cost::tick_stop].value = sim::Distribution::constant(sim::Nanos{0});
  config.costs[Cost::tick_restart].value = sim::Distribution::constant(sim::Nanos{0});
  return config;
}

// Metrics are plain numbers.
constexpr std::int64_t ns(sim::Nanos span) { return span.count(); }

inline sim::Distribution constant(sim::Nanos value) { return sim::Distribution::constant(value); }

// An agent on one CPU that thinks for 50 ms; tool, reads and compute are the test's.
inline AgentConfig quiet_agent(int cpu) {
  AgentConfig agent;
  agent.sched.cpus = {cpu};
  agent.think = constant(50ms);
  return agent;
}

// A host that ran, and what its tracepoints showed.
class TracedRun {
 public:
  explicit TracedRun(const HostConfig& config, sim::Nanos duration = 200ms, sim::Nanos warmup = 0ns)
      : trace{1'000'000}, host{config, 1, &trace} {
    host.run(warmup, duration);
  }
  const Metrics& metrics() const { return host.metrics(); }
  const std::vector<TraceRecord>& records() const { return trace.records(); }
  std::vector<TraceRecord> all(Tracepoint point) const {
    std::vector<TraceRecord> found;
    std::copy_if(records().begin(), records().end(), std::back_inserter(found),
                 [&](const TraceRecord& r) { return r.point == point; });
    return found;
  }

  TraceRecorder trace;
  Host host;
};

}  // namespace models
