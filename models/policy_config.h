// Which policies are on. Each is one file in models/policies; models/policies/policies.h lists them.
#pragma once

#include <string>
#include <vector>

#include "sim/time.h"

namespace models {

// The union of the policies' parameters is small; each policy documents the ones it reads.
struct PolicyConfig {
  std::string name = "kernel_default";
  // agent_wakeup_placement (patches 1, 2, 8)
  double irq_hot_percent = 10.0;      // share of recent time in hardirq from which a CPU is IRQ-hot
  double softirq_hot_percent = 10.0;  // the same for softirq
  // latency_bounded_napi (patch 5)
  int packet_budget = 16;           // AGENT_NAPI_PACKET_BUDGET
  sim::Nanos time_budget{100'000};  // AGENT_NAPI_USEC_BUDGET
  // pack_on_running: a vendor's placement, as measured
  int limit = 1;                   // a CPU with at most this many runnable tasks passes as idle
  double utilisation_gate = 0.68;  // share of a CPU that fair tasks, with the wakee, may use there
};

template <class Visitor>
void fields(PolicyConfig& config, Visitor&& field) {
  field("name", config.name);
  field("irq_hot_percent", config.irq_hot_percent);
  field("softirq_hot_percent", config.softirq_hot_percent);
  field("packet_budget", config.packet_budget);
  field("time_budget", config.time_budget);
  field("limit", config.limit);
  field("utilisation_gate", config.utilisation_gate);
}

}  // namespace models
