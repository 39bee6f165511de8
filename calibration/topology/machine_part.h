// What of a machine a scenario can say today: the keys of its `host:` and its `devices:`.
//
// A key whose value is not known, or is none that a scenario accepts, is left out, and its comment says so:
// the scenario's default then holds. Left out: agents, background and policies, which are the workload's.
#pragma once

#include <string>
#include <vector>

#include "calibration/topology/topology.h"

namespace calibration {

struct ScenarioKey {
  std::string key;
  std::string value;    // YAML on one line; empty: a scenario cannot say it
  std::string comment;  // where it was read, or why there is no value
};

struct MachinePart {
  std::vector<ScenarioKey> host;     // keys of `host`, without `kernel`
  std::vector<ScenarioKey> kernel;   // keys of `host.kernel`
  std::vector<ScenarioKey> devices;  // `value` is one element of the list, `key` its name
  // Which CPU of the machine is CPU i of the scenario, whose SMT siblings and LLCs are runs of CPUs.
  std::vector<int> machine_cpus;
};

MachinePart machine_part(const Topology& topology);

}  // namespace calibration
