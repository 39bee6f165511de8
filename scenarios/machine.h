// `machine: FILE` of a scenario: the machine part that `chainsim topology` wrote, for what the scenario
// leaves unsaid.
//
//   machine.yaml {host, devices, topology} ─┐
//   scenario.yaml {machine, host, ...} ─────┴─► the scenario as if it had been written in one file
//
// The scenario's own keys win: a key of host or host.kernel that it gives, a device of the same name. What
// comes from the machine's file keeps its place there, so that an error points into that file.
#pragma once

#include <string>

#include "scenarios/yaml.h"

namespace scenarios {

// Takes the key `machine` out of `root`, a scenario's map, and merges that file into it. A relative path is
// relative to `scenario_path`. Throws InputError: no such file, or one without host.
void merge_machine(Yaml& root, const std::string& scenario_path);

}  // namespace scenarios
