// The section `live:` of a scenario: what `chainsim live` is told about a real machine and the models do not
// know. The simulator ignores it.
//
//   live:
//     file: /var/tmp/agents.data
//     irq_affinity: {virtio3-rx: [0], virtio3-tx: [1]}
//     io_scheduler: {vda: mq-deadline}
//     sysctls: {net.core.busy_poll: 50}
//     tcp_congestion_control: cubic
#pragma once

#include <string>
#include <vector>

#include "scenarios/yaml.h"

namespace scenarios {

// The interrupt called `name` in /proc/interrupts, or of that number, is to be handled on `cpus`.
struct LiveIrqAffinity {
  std::string name;
  std::vector<int> cpus;  // not empty
  Place place;
};

// A key and its value as written: a disk and its I/O scheduler, a sysctl and what it is to be.
struct LiveText {
  std::string name;
  std::string value;
  Place place;
};

struct LiveConfig {
  std::string file;  // that agents read and writers write; empty: one made for the run
  std::vector<LiveIrqAffinity> irq_affinity;
  std::vector<LiveText> io_scheduler;
  std::vector<LiveText> sysctls;       // with dots: net.core.busy_poll
  std::string tcp_congestion_control;  // of the workload's connections; empty: the machine's default
};

// Throws InputError. Sysctls that are keys of host.kernel are refused here: the models know those.
LiveConfig read_live_config(const Yaml& node);

// "irq_affinity virtio3-rx = 0", "net.core.busy_poll = 50"; without `file`.
std::vector<std::string> live_settings(const LiveConfig& config);

}  // namespace scenarios
