// How the parts of plan_live() speak: what the scenario names, what the machine has, and what comes of it.
#pragma once

#include <algorithm>
#include <optional>
#include <string>
#include <vector>

#include "scenarios/yaml_reader.h"
#include "tools/live/requirements.h"

namespace tools::live {

class Planner {
 public:
  Planner(const scenarios::Variant& planned, const LiveMachine& of, const LiveNeeds& wanted)
      : variant{planned}, machine{of}, needs{wanted} {}

  bool named(const std::string& address) const {
    return scenarios::nearest(variant.written, address).address == address;
  }
  // Where `address` stands, or the nearest above it.
  scenarios::Place place(const std::string& address) const;

  void refuse(const std::string& address, std::string found, std::string asked, std::string remedy = "",
              bool acceptable = true);
  void note(std::string text) { plan.notes.push_back(std::move(text)); }

  // `path` is to hold `wanted`: nothing when it does, else a setting, or a refusal when it cannot be written.
  void want(const std::string& address, const std::string& path, const std::string& wanted,
            const std::string& remedy = "");

  const scenarios::Variant& variant;
  const LiveMachine& machine;
  const LiveNeeds& needs;
  LivePlan plan;
};

// A key of the machine part of this machine, nullptr where it has none.
const calibration::ScenarioKey* find_key(const std::vector<calibration::ScenarioKey>& keys,
                                         const std::string& name);

// Its value, as a scenario would read it. Nothing: the machine does not tell.
template <class T>
std::optional<T> machine_value(const std::vector<calibration::ScenarioKey>& keys, const std::string& name) {
  const calibration::ScenarioKey* key = find_key(keys, name);
  if (key == nullptr || key->value.empty()) {
    return std::nullopt;
  }
  T value{};
  scenarios::read_value(scenarios::parse_yaml(key->value, "this machine", "a value"), value);
  return value;
}

void plan_machine(Planner& planner);   // root, capture, scheduler; host without kernel
void plan_kernel(Planner& planner);    // host.kernel
void plan_debugfs(Planner& planner);   // those of its keys that are files below debugfs sched/
void plan_cgroups(Planner& planner);   // host.cgroups
void plan_devices(Planner& planner);   // devices, data file
void plan_workload(Planner& planner);  // agents, background, policies, tracer
void plan_live_section(Planner& planner);

}  // namespace tools::live
