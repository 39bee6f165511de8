#include "calibration/topology/machine_part.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <tuple>

#include "calibration/topology/machine_part_keys.h"
#include "calibration/topology/parse.h"
#include "models/kernel_config.h"
#include "scenarios/quantity.h"
#include "scenarios/suggest.h"
#include "sim/time.h"

namespace calibration {
namespace {

using sim::Nanos;

// The CPUs that share the last cache level there is; every online CPU is in one of them.
std::vector<CpuSet> last_level_domains(const Topology& topology) {
  std::int64_t last = 0;
  for (const MachineCache& cache : topology.caches) {
    last = std::max(last, cache.level);
  }
  std::vector<CpuSet> domains;
  for (const MachineCache& cache : topology.caches) {
    CpuSet online = cache.cpus;
    std::erase_if(online, [&](int cpu) { return topology.online && !contains(*topology.online, cpu); });
    if (cache.level == last && cache.type != "Instruction" && !online.empty()) {
      domains.push_back(std::move(online));
    }
  }
  return domains;
}

// Package by package, LLC by LLC, core by core, so that siblings and LLCs are runs.
std::vector<int> ordered_cpus(const Topology& topology, const std::vector<CpuSet>& llcs) {
  std::map<int, std::tuple<std::int64_t, int, int>> rank;
  for (const MachineCpu& cpu : topology.cpus) {
    const auto llc =
        std::find_if(llcs.begin(), llcs.end(), [&](const CpuSet& cpus) { return contains(cpus, cpu.id); });
    rank[cpu.id] = {cpu.package.value.value_or(0), llc == llcs.end() ? cpu.id : llc->front(),
                    cpu.siblings && !cpu.siblings->empty() ? cpu.siblings->front() : cpu.id};
  }
  std::vector<int> cpus = topology.online.value.value_or(CpuSet{});
  std::stable_sort(cpus.begin(), cpus.end(), [&](int a, int b) { return rank[a] < rank[b]; });
  return cpus;
}

// All of one size that divides the CPUs: that size. Otherwise 0.
int even_size(const std::vector<CpuSet>& sets, std::size_t cpus) {
  const std::size_t size = sets.empty() ? 0 : sets.front().size();
  const bool even =
      size > 0 && cpus % size == 0 && sets.size() == cpus / size &&
      std::all_of(sets.begin(), sets.end(), [&](const CpuSet& set) { return set.size() == size; });
  return even ? static_cast<int>(size) : 0;
}

std::vector<CpuSet> online_cores(const Topology& topology) {
  std::vector<CpuSet> cores;
  for (const MachineCpu& cpu : topology.cpus) {
    CpuSet siblings = cpu.siblings ? *cpu.siblings : CpuSet{cpu.id};
    std::erase_if(siblings, [&](int id) { return topology.online && !contains(*topology.online, id); });
    if (std::find(cores.begin(), cores.end(), siblings) == cores.end()) {
      cores.push_back(std::move(siblings));
    }
  }
  return cores;
}

void add_cpus(const Topology& topology, MachinePart& part) {
  const std::size_t cpus = part.machine_cpus.size();
  if (cpus == 0 || cpus > 1024) {
    part.host.push_back({"cpus", "", cpus == 0 ? unknown(topology.online) : "a scenario has 1024 at most"});
    return;
  }
  part.host.push_back({"cpus", std::to_string(cpus), "online, " + origin(topology.online)});
  const int smt = even_size(online_cores(topology), cpus);
  const std::string threads = "hardware threads per core, cpuN/topology/thread_siblings_list";
  if (topology.cpus.empty()) {
    part.host.push_back({"smt", "", "not known: no /sys/devices/system/cpu"});
  } else if (smt == 0 || smt > 8) {
    part.host.push_back({"smt", "", "cores differ in their online threads, which a scenario cannot say"});
  } else {
    part.host.push_back({"smt", std::to_string(smt), threads});
  }
  const std::vector<CpuSet> llcs = last_level_domains(topology);
  const int llc = even_size(llcs, cpus);
  const bool whole_cores = llc > 0 && llc % std::max(smt, 1) == 0;
  if (llcs.empty()) {
    part.host.push_back({"llc_cpus", "", "not known: no cpuN/cache"});
  } else if (!whole_cores) {
    part.host.push_back({"llc_cpus", "", "last-level caches differ in size, which a scenario cannot say"});
  } else {
    part.host.push_back({"llc_cpus", std::to_string(llc),
                         fmt::format("share a last-level cache: {} of them, cpuN/cache", llcs.size())});
  }
}

// Names of cpuidle drivers → the state of a scenario that costs about as much to leave.
std::string modelled_state(const CpuidleState& state) {
  if (state.name == "POLL") {
    return "poll";
  }
  if (state.name.find("haltpoll") != std::string::npos || state.name == "HLT") {
    return "hlt";
  }
  const bool shallow = state.name.compare(0, 2, "C1") == 0;
  const bool deep = !shallow && state.name.size() > 1 && state.name[0] == 'C' && state.name[1] >= '2' &&
                    state.name[1] <= '9';
  return shallow ? "c1" : deep ? "c6" : "";
}

bool polls(const Topology& topology) {
  const Known<std::string>* limit = find_setting(topology.haltpoll, "guest_halt_poll_ns");
  const bool haltpoll = topology.cpuidle_governor && *topology.cpuidle_governor == "haltpoll";
  return !haltpoll || limit == nullptr || !*limit || **limit != "0";
}

ScenarioKey idle_key(const Topology& topology) {
  if (topology.idle.empty() || topology.idle.front().states.empty()) {
    if (topology.hypervisor && *topology.hypervisor && topology.cpuidle_driver &&
        *topology.cpuidle_driver == "none") {
      return {"idle", "[{state: hlt, target_residency: 0ns}]",
              "inferred: no cpuidle driver, a guest's default_idle() halts"};
    }
    return {"idle", "", "not known: no cpuN/cpuidle/stateN"};
  }
  const CpuIdleStates& idle = topology.idle.front();
  std::string states;
  std::string folded;
  std::vector<std::string> used;
  std::int64_t residency = 0;
  for (const CpuidleState& state : idle.states) {
    const std::string model = modelled_state(state);
    const bool repeated = std::find(used.begin(), used.end(), model) != used.end();
    const bool off = (state.disable && *state.disable != 0) || (model == "poll" && !polls(topology));
    if (model.empty() || repeated || off) {
      folded += fmt::format("{}{} {}", folded.empty() ? "" : ", ", shortened(state.name, 20),
                            off             ? "is off"
                            : model.empty() ? "has no model"
                                            : "counts as " + model);
      continue;
    }
    residency = std::clamp<std::int64_t>(state.residency_us.value.value_or(residency), residency, 1'000'000);
    used.push_back(model);
    const std::int64_t latency = std::clamp<std::int64_t>(state.latency_us.value.value_or(0), 0, 1'000'000);
    states +=
        fmt::format("{}{{state: {}, target_residency: {}{}}}", states.empty() ? "" : ", ", model,
                    scenarios::format_time(Nanos{residency * 1000}),
                    latency == 0 ? "" : ", exit_latency: " + scenarios::format_time(Nanos{latency * 1000}));
  }
  const std::string source = fmt::format("cpu{}/cpuidle{}", idle.cpu, folded.empty() ? "" : "; " + folded);
  return {"idle", states.empty() ? "" : "[" + states + "]",
          states.empty() ? "no state that is modelled: " + folded : source};
}

ScenarioKey governor_key(const Topology& topology) {
  std::vector<std::string> modelled;
  enumerators(static_cast<models::IdleGovernorKind*>(nullptr),
              [&](std::string_view name, models::IdleGovernorKind) { modelled.emplace_back(name); });
  const std::string governor = topology.cpuidle_governor.value.value_or("");
  return plain_key("governor", topology.cpuidle_governor,
                   std::find(modelled.begin(), modelled.end(), governor) != modelled.end(), governor,
                   scenarios::listed(modelled));
}

// The haltpoll governor's parameters, where it is the governor.
void add_haltpoll(const Topology& topology, MachinePart& part) {
  if (!topology.cpuidle_governor || *topology.cpuidle_governor != "haltpoll") {
    return;
  }
  std::string values;
  for (const auto& [name, is_time] :
       {std::pair{"guest_halt_poll_ns", true}, std::pair{"guest_halt_poll_grow", false},
        std::pair{"guest_halt_poll_grow_start", true}, std::pair{"guest_halt_poll_shrink", false}}) {
    const Known<std::string>* setting = find_setting(topology.haltpoll, name);
    const auto number = setting != nullptr && *setting ? scenarios::parse_integer(**setting) : std::nullopt;
    if (number && *number >= 0 && *number <= 1'000'000'000) {
      values += fmt::format("{}{}: {}", values.empty() ? "" : ", ", name,
                            is_time ? scenarios::format_time(Nanos{*number}) : std::to_string(*number));
    }
  }
  part.host.push_back(
      {"haltpoll", values.empty() ? "" : "{" + values + "}",
       values.empty() ? "not known: /sys/module/haltpoll" : "/sys/module/haltpoll/parameters"});
}

}  // namespace

MachinePart machine_part(const Topology& topology) {
  MachinePart part;
  part.machine_cpus = ordered_cpus(topology, last_level_domains(topology));
  add_cpus(topology, part);
  part.host.push_back(idle_key(topology));
  part.host.push_back(governor_key(topology));
  add_haltpoll(topology, part);
  add_kernel(topology, part);
  add_devices(topology, part);
  return part;
}

}  // namespace calibration
