// What the parts of machine_part() share: how a key's comment reads.
#pragma once

#include <string>

#include "calibration/topology/machine_part.h"

namespace calibration {

void add_kernel(const Topology& topology,
                MachinePart& part);  // host.kernel; after the CPUs, which scale the slice
void add_devices(const Topology& topology, MachinePart& part);  // after the CPUs, whose numbers vectors use

// Where a value is from, as its comment says it.
template <class T>
std::string origin(const Known<T>& known) {
  return known.source + (known.source.empty() || known.note.empty() ? "" : ", ") + known.note;
}

template <class T>
std::string unknown(const Known<T>& known) {
  return "not known: " + (known.source.empty() ? "" : known.source + ": ") + known.note;
}

template <class T>
ScenarioKey plain_key(const std::string& key, const Known<T>& known, bool accepted, const std::string& text,
                      const std::string& refusal) {
  if (!known) {
    return {key, "", unknown(known)};
  }
  return accepted
             ? ScenarioKey{key, text, origin(known)}
             : ScenarioKey{key, "", text + " (" + known.source + ") is none that a scenario has: " + refusal};
}

}  // namespace calibration
