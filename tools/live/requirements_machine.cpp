// The machine as a whole: who runs it, its scheduler, CPUs and idle states.
#include <fmt/format.h>

#include "calibration/topology/parse.h"
#include "models/kernel_config.h"
#include "scenarios/quantity.h"
#include "scenarios/suggest.h"
#include "tools/live/requirements_planner.h"

namespace tools::live {
namespace {

using calibration::CpuidleState;
using models::IdleState;

template <class T>
void compare(Planner& planner, const std::vector<calibration::ScenarioKey>& keys, const std::string& section,
             const std::string& key, const T& asked, const std::string& remedy) {
  const std::string address = section + "." + key;
  if (!planner.named(address)) {
    return;
  }
  const auto found = machine_value<T>(keys, key);
  if (!found) {
    const calibration::ScenarioKey* unknown = find_key(keys, key);
    planner.refuse(address, unknown == nullptr ? "this machine does not tell" : unknown->comment,
                   fmt::format("{}", asked), remedy);
  } else if (*found != asked) {
    planner.refuse(address, fmt::format("this machine has {}", *found), fmt::format("{}", asked), remedy);
  }
}

void plan_cpus(Planner& planner) {
  const models::TopologyConfig& asked = planner.variant.host.topology;
  const auto& keys = planner.machine.part.host;
  if (const auto online = machine_value<int>(keys, "cpus"); !online || *online != asked.cpus) {
    planner.refuse("host.cpus",
                   online ? fmt::format("this machine has {} CPUs online", *online) : "CPUs are not known",
                   std::to_string(asked.cpus), "--set host.cpus=N, or CPUs off line");
  }
  compare(planner, keys, "host", "smt", asked.smt, "another machine");
  if (asked.llc_cpus != 0) {
    compare(planner, keys, "host", "llc_cpus", asked.llc_cpus, "another machine");
  }
  if (!asked.cpu_speed.empty()) {
    planner.refuse("host.cpu_speed", "the speed of a real CPU cannot be asked for", "another speed");
  }
  if (planner.named("host.smt_speed") && asked.smt > 1) {
    planner.refuse("host.smt_speed", "the speed of a real CPU cannot be asked for", "another speed");
  }
  if (planner.named("host.steal")) {
    planner.refuse("host.steal", "what the hypervisor takes cannot be asked for", "steal of a given kind",
                   "leave it to the profile");
  }
}

// The state of a scenario that a state of the machine is, by its name.
std::optional<IdleState> state_of(const CpuidleState& state) {
  if (state.name == "POLL") {
    return IdleState::poll;
  }
  if (state.name.find("haltpoll") != std::string::npos || state.name == "HLT") {
    return IdleState::hlt;
  }
  if (state.name.starts_with("C1")) {
    return IdleState::c1;
  }
  const bool deep =
      state.name.size() > 1 && state.name[0] == 'C' && state.name[1] >= '2' && state.name[1] <= '9';
  return deep ? std::optional{IdleState::c6} : std::nullopt;
}

const models::IdleStateConfig* find_state(const std::vector<models::IdleStateConfig>& states,
                                          std::optional<IdleState> state) {
  const auto found = std::find_if(states.begin(), states.end(),
                                  [&](const models::IdleStateConfig& each) { return each.state == state; });
  return found == states.end() ? nullptr : &*found;
}

// Each state that the scenario lists must be there; one that it does not list, or disables, is switched off.
void plan_idle(Planner& planner) {
  const std::vector<models::IdleStateConfig>& asked = planner.variant.host.topology.idle;
  if (!planner.named("host.idle")) {
    return;
  }
  const auto in_use = machine_value<std::vector<models::IdleStateConfig>>(planner.machine.part.host, "idle");
  const std::vector<calibration::CpuIdleStates>& cpus = planner.machine.topology.idle;
  bool all_there = true;
  for (const models::IdleStateConfig& state : asked) {
    const std::string name = scenarios::enumerator_name(state.state);
    const bool known =
        (in_use && find_state(*in_use, state.state) != nullptr) ||
        std::any_of(cpus.begin(), cpus.end(), [&](const calibration::CpuIdleStates& cpu) {
          return std::any_of(cpu.states.begin(), cpu.states.end(),
                             [&](const CpuidleState& each) { return state_of(each) == state.state; });
        });
    if (!known && !state.disabled) {
      all_there = false;
      planner.refuse("host.idle", "this machine has no idle state " + name, "it",
                     "chainsim topology lists them");
    }
  }
  if (!all_there) {
    return;  // accepted: the machine idles as it does
  }
  for (const calibration::CpuIdleStates& cpu : cpus) {
    for (std::size_t i = 0; i < cpu.states.size(); ++i) {
      const auto state = state_of(cpu.states[i]);
      const models::IdleStateConfig* wanted = find_state(asked, state);
      // A guest that does not poll never enters POLL, which cannot be switched off everywhere.
      const bool unused = in_use && state && find_state(*in_use, state) == nullptr;
      const bool off = wanted == nullptr || wanted->disabled;
      if (off && unused) {
        continue;
      }
      planner.want("host.idle",
                   fmt::format("/sys/devices/system/cpu/cpu{}/cpuidle/state{}/disable", cpu.cpu, i),
                   off ? "1" : "0");
    }
  }
}

void plan_governor(Planner& planner) {
  const models::TopologyConfig& asked = planner.variant.host.topology;
  if (planner.named("host.governor") && asked.idle.size() > 1) {
    planner.want("host.governor", "/sys/devices/system/cpu/cpuidle/current_governor",
                 scenarios::enumerator_name(asked.governor), "boot with cpuidle.governor=");
  }
  const auto parameter = [&](const std::string& key, const std::string& value) {
    if (planner.named("host.haltpoll." + key)) {
      planner.want("host.haltpoll." + key, "/sys/module/haltpoll/parameters/" + key, value);
    }
  };
  const models::HaltpollConfig& poll = asked.haltpoll;
  parameter("guest_halt_poll_ns", std::to_string(poll.guest_halt_poll_ns.count()));
  parameter("guest_halt_poll_grow", std::to_string(poll.guest_halt_poll_grow));
  parameter("guest_halt_poll_grow_start", std::to_string(poll.guest_halt_poll_grow_start.count()));
  parameter("guest_halt_poll_shrink", std::to_string(poll.guest_halt_poll_shrink));
  parameter("guest_halt_poll_allow_shrink", poll.guest_halt_poll_allow_shrink ? "Y" : "N");
  if (planner.named("host.cpu_dma_latency")) {
    planner.plan.cpu_dma_latency = asked.cpu_dma_latency;
    if (!std::filesystem::exists(planner.machine.file("/dev/cpu_dma_latency"))) {
      planner.refuse("host.cpu_dma_latency", "no /dev/cpu_dma_latency",
                     scenarios::format_time(asked.cpu_dma_latency));
    }
  }
}

}  // namespace

void plan_machine(Planner& planner) {
  const calibration::KernelTopology& kernel = planner.machine.topology.kernel;
  if (!planner.machine.superuser) {
    planner.refuse("live", "not run as root", "root: namespaces, scheduling classes, sysctls", "sudo", false);
  }
  for (const std::string& reason : planner.machine.no_capture) {
    planner.refuse("--capture", reason, "a capture", "--captures 0 runs without", false);
  }
  if (kernel.scheduler && *kernel.scheduler == "CFS") {
    planner.refuse("host.kernel.release",
                   *kernel.release + " schedules by CFS: no slices of a task's own, other wakeup preemption",
                   "EEVDF, which the models are of", "Linux 6.6 or later");
  } else if (planner.named("host.kernel.release")) {
    const std::string asked = scenarios::enumerator_name(planner.variant.host.kernel.release);
    const auto found = kernel.release ? calibration::parse_release(*kernel.release) : std::nullopt;
    if (!found || found != calibration::parse_release(asked)) {
      planner.refuse("host.kernel.release", "this machine runs " + kernel.release.value.value_or("?"), asked,
                     "boot Linux " + asked);
    }
  }
  plan_cpus(planner);
  plan_idle(planner);
  plan_governor(planner);
}

}  // namespace tools::live
