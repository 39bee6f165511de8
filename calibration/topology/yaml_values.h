// How values are written in the YAML, and the parts that topology_yaml() puts together.
#pragma once

#include <string>
#include <vector>

#include "calibration/topology/machine_part.h"
#include "calibration/topology/parse.h"
#include "calibration/topology/sheet.h"
#include "calibration/topology/topology.h"

namespace calibration {

void put_cpus(Sheet& sheet, const Topology& topology, const MachinePart& part);  // with siblings and caches
void put_idle(Sheet& sheet, const Topology& topology);
void put_interrupts(Sheet& sheet, const Topology& topology);
void put_devices(Sheet& sheet, const Topology& topology);  // block, net
void put_rest(Sheet& sheet, const Topology& topology);     // sysctls, mitigations, what could not be read

inline std::string text_of(const std::string& value) { return scalar(value); }
inline std::string text_of(std::int64_t value) { return std::to_string(value); }
inline std::string text_of(bool value) { return value ? "true" : "false"; }
inline std::string text_of(const CpuSet& cpus) { return cpus.empty() ? "[]" : scalar(format_cpus(cpus)); }

template <class T>
std::string value_of(const Known<T>& known) {
  return known ? text_of(*known) : "unknown";
}

// "key: value  # file, note"
template <class T>
void put(Sheet& sheet, std::size_t depth, const std::string& key, const Known<T>& known) {
  const std::string join = known.source.empty() || known.note.empty() ? "" : known ? ", " : ": ";
  sheet.line(depth, key + ": " + value_of(known), known.source + join + known.note);
}

inline void put(Sheet& sheet, std::size_t depth, const std::vector<Setting>& settings) {
  for (const Setting& setting : settings) {
    put(sheet, depth, scalar(setting.name), setting.value);
  }
}

}  // namespace calibration
