// The CPUs' part of the YAML.
#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "calibration/topology/yaml_values.h"

namespace calibration {

namespace {

void put_packages_and_nodes(Sheet& sheet, const Topology& topology) {
  std::map<std::int64_t, CpuSet> packages;
  for (const MachineCpu& cpu : topology.cpus) {
    packages[std::max<std::int64_t>(cpu.package.value.value_or(-1), -1)].push_back(cpu.id);
  }
  for (const auto& [package, cpus] : packages) {
    sheet.line(
        2, fmt::format("package_{}: {}", package < 0 ? "unknown" : std::to_string(package), text_of(cpus)),
        "cpuN/topology/physical_package_id");
  }
  for (const NumaNode& node : topology.nodes) {
    put(sheet, 2, fmt::format("node_{}", node.id), node.cpus);
  }
}

void put_numbers(Sheet& sheet, const MachinePart& part) {
  const std::vector<int>& cpus = part.machine_cpus;
  if (std::is_sorted(cpus.begin(), cpus.end())) {
    return;
  }
  sheet.comment(
      2, "CPU i of the scenario is this CPU of the machine: a scenario numbers siblings and LLCs in runs");
  sheet.line(2, fmt::format("scenario_cpus: [{}]", fmt::join(cpus, ", ")));
}

void put_siblings(Sheet& sheet, const Topology& topology) {
  std::string cores;
  for (const MachineCpu& cpu : topology.cpus) {
    if (cpu.siblings && cpu.siblings->size() > 1 && cpu.siblings->front() == cpu.id) {
      cores += (cores.empty() ? "" : ", ") + text_of(*cpu.siblings);
    }
  }
  sheet.line(1, "siblings: [" + cores + "]",
             "hardware threads of one core, cpuN/topology/thread_siblings_list");
}

// Caches that differ only in their CPUs share a line.
void put_caches(Sheet& sheet, const Topology& topology) {
  std::vector<std::pair<std::string, std::string>> caches;
  for (const MachineCache& cache : topology.caches) {
    const std::string kind =
        fmt::format("level: {}, type: {}, bytes: {}", cache.level, scalar(cache.type), value_of(cache.bytes));
    if (caches.empty() || caches.back().first != kind) {
      caches.emplace_back(kind, "");
    }
    std::string& shared = caches.back().second;
    shared += (shared.empty() ? "" : ", ") + text_of(cache.cpus);
  }
  sheet.line(
      1, caches.empty() ? "caches: []" : "caches:", "shared_by: one entry for each cache, cpuN/cache/indexN");
  for (const auto& [kind, shared] : caches) {
    sheet.line(2, fmt::format("- {{{}, shared_by: [{}]}}", kind, shared));
  }
}

void put_frequency(Sheet& sheet, const Topology& topology) {
  sheet.line(2, topology.haltpoll.empty() ? "haltpoll: {}" : "haltpoll:");
  put(sheet, 3, topology.haltpoll);
  sheet.line(2, topology.frequency.empty() ? "frequency: []" : "frequency:");
  for (const FrequencyPolicy& policy : topology.frequency) {
    sheet.line(3,
               fmt::format(
                   "- {{cpus: {}, driver: {}, governor: {}, min_khz: {}, max_khz: {}, hardware_max_khz: {}}}",
                   value_of(policy.cpus), value_of(policy.driver), value_of(policy.governor),
                   value_of(policy.min_khz), value_of(policy.max_khz), value_of(policy.hardware_max_khz)),
               "cpufreq/" + policy.name);
  }
}

}  // namespace

void put_cpus(Sheet& sheet, const Topology& topology, const MachinePart& part) {
  sheet.line(1, "cpus:");
  put(sheet, 2, "model", topology.cpu_model);
  put(sheet, 2, "hypervisor", topology.hypervisor);
  put(sheet, 2, "hypervisor_kind", topology.hypervisor_kind);
  put(sheet, 2, "vendor", topology.vendor);
  put(sheet, 2, "online", topology.online);
  put(sheet, 2, "possible", topology.possible);
  put(sheet, 2, "isolated", topology.isolated);
  put(sheet, 2, "nohz_full", topology.nohz_full);
  put(sheet, 2, "smt", topology.smt);
  put_packages_and_nodes(sheet, topology);
  put_numbers(sheet, part);
  sheet.blank();
  put_siblings(sheet, topology);
  put_caches(sheet, topology);
  sheet.blank();
}

void put_idle(Sheet& sheet, const Topology& topology) {
  sheet.line(1, "idle:");
  put(sheet, 2, "driver", topology.cpuidle_driver);
  put(sheet, 2, "governor", topology.cpuidle_governor);
  std::vector<std::pair<std::vector<std::string>, std::vector<const CpuIdleStates*>>> kinds;
  for (const CpuIdleStates& idle : topology.idle) {
    std::vector<std::string> kind;
    for (const CpuidleState& state : idle.states) {
      kind.push_back(fmt::format("name: {}, latency_us: {}, residency_us: {}, disable: {}",
                                 scalar(state.name), value_of(state.latency_us), value_of(state.residency_us),
                                 value_of(state.disable)));
    }
    const auto same =
        std::find_if(kinds.begin(), kinds.end(), [&](const auto& each) { return each.first == kind; });
    auto& group = same == kinds.end() ? kinds.emplace_back(kind, std::vector<const CpuIdleStates*>{}) : *same;
    group.second.push_back(&idle);
  }
  sheet.line(
      2, kinds.empty() ? "states: []" : "states:", "cpuN/cpuidle/stateN; usage since boot, over these CPUs");
  for (const auto& [kind, cpus] : kinds) {
    CpuSet ids;
    for (const CpuIdleStates* idle : cpus) {
      ids.push_back(idle->cpu);
    }
    sheet.line(3, fmt::format("- cpus: {}", text_of(ids)));
    sheet.line(3, kind.empty() ? "  list: []" : "  list:");
    for (std::size_t i = 0; i < kind.size(); ++i) {
      std::uint64_t usage = 0;
      for (const CpuIdleStates* idle : cpus) {
        usage +=
            static_cast<std::uint64_t>(std::max<std::int64_t>(idle->states[i].usage.value.value_or(0), 0));
      }
      const Known<std::string>& desc = cpus.front()->states[i].desc;
      sheet.line(5, fmt::format("- {{{}, usage: {}}}", kind[i], usage), desc ? shortened(*desc, 60) : "");
    }
  }
  put_frequency(sheet, topology);
  sheet.blank();
}

}  // namespace calibration
