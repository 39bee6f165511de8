// Idle states and frequencies.
#include "calibration/topology/parse.h"
#include "calibration/topology/readers.h"

namespace calibration {
namespace {

const std::string cpu_root = "/sys/devices/system/cpu";

CpuidleState read_state(FileTree& tree, const std::string& base) {
  const auto name = tree.line(base + "/name");
  return {.name = name ? shortened(*name, 60) : "unknown",
          .desc = tree.line(base + "/desc"),
          .latency_us = tree.number(base + "/latency"),
          .residency_us = tree.number(base + "/residency"),
          .disable = tree.number(base + "/disable"),
          .usage = tree.number(base + "/usage"),
          .time_us = tree.number(base + "/time"),
          .source = base};
}

}  // namespace

void read_idle(FileTree& tree, Topology& topology) {
  topology.cpuidle_driver = tree.line(cpu_root + "/cpuidle/current_driver");
  topology.cpuidle_governor = tree.line(cpu_root + "/cpuidle/current_governor_ro");
  for (const MachineCpu& cpu : topology.cpus) {
    const std::string base = cpu_root + "/cpu" + std::to_string(cpu.id) + "/cpuidle";
    CpuIdleStates idle{.cpu = cpu.id, .states = {}};
    for (const int state : tree.numbered(base, "state")) {
      idle.states.push_back(read_state(tree, base + "/state" + std::to_string(state)));
    }
    topology.idle.push_back(std::move(idle));
  }
  const std::string haltpoll = "/sys/module/haltpoll/parameters";
  if (tree.has(haltpoll)) {
    topology.haltpoll =
        read_settings(tree, haltpoll,
                      {"guest_halt_poll_ns", "guest_halt_poll_grow", "guest_halt_poll_grow_start",
                       "guest_halt_poll_shrink", "guest_halt_poll_allow_shrink"});
  }
  const std::string cpufreq = cpu_root + "/cpufreq";
  for (const int policy : tree.numbered(cpufreq, "policy")) {
    const std::string name = "policy" + std::to_string(policy);
    const std::string base = cpufreq + "/" + name;
    topology.frequency.push_back({.name = name,
                                  .cpus = tree.cpus(base + "/affected_cpus"),
                                  .driver = tree.line(base + "/scaling_driver"),
                                  .governor = tree.line(base + "/scaling_governor"),
                                  .min_khz = tree.number(base + "/scaling_min_freq"),
                                  .max_khz = tree.number(base + "/scaling_max_freq"),
                                  .hardware_max_khz = tree.number(base + "/cpuinfo_max_freq")});
  }
  if (topology.frequency.empty() && tree.has(cpufreq)) {
    tree.miss(cpufreq + "/policy0", "no frequency policies: usual in a virtual machine");
  }
}

}  // namespace calibration
