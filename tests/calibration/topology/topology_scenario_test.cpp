// The machine part: what a scenario accepts, with the machine's values.
#include <catch2/catch.hpp>
#include <functional>
#include <variant>

#include "calibration/topology/machine_part.h"
#include "calibration/topology/topology.h"
#include "scenarios/scenario.h"
#include "scenarios/yaml.h"
#include "tests/calibration/topology/saved_files.h"

using namespace calibration;
using namespace std::chrono_literals;

namespace {

// The description as a user takes it up: in a file of its own, which a scenario names.
scenarios::Scenario scenario_of(const Topology& topology) {
  const Scratch scratch;
  scratch.write("machine.yaml", topology_yaml(topology));
  return scenarios::load_scenario(
      scratch.write("s.yaml",
                    "schema: 1\nmachine: machine.yaml\nhost: {costs: defaults.yaml}\n"
                    "run: {seed: 1, warmup: 1ms, duration: 2ms}\n"
                    "agents: [{name: agent, think: 1ms, compute: 30us}]\n"),
      {});
}

const ScenarioKey& key_of(const std::vector<ScenarioKey>& keys, const std::string& name) {
  const auto found =
      std::find_if(keys.begin(), keys.end(), [&](const ScenarioKey& each) { return each.key == name; });
  REQUIRE(found != keys.end());
  return *found;
}

Topology server_with(const std::function<void(Files&)>& change) {
  Files files = server_files();
  change(files);
  return read_topology(SavedMachine{files}.root());
}

}  // namespace

TEST_CASE("a scenario takes the host and the devices of a guest", "[topology]") {
  const models::HostConfig host = scenario_of(read_topology(SavedMachine{guest_files()}.root())).base.host;

  CHECK(host.topology.cpus == 2);
  CHECK(host.topology.smt == 1);
  CHECK(host.topology.llc_cpus == 2);
  REQUIRE(host.topology.idle.size() == 1);  // haltpoll with guest_halt_poll_ns = 0 never polls
  CHECK(host.topology.idle[0].state == models::IdleState::hlt);
  CHECK(host.topology.idle[0].target_residency == 1us);
  CHECK(host.topology.idle[0].exit_latency == 1us);
  CHECK(host.topology.governor == models::IdleGovernorKind::haltpoll);
  CHECK(host.topology.haltpoll.guest_halt_poll_ns == 0ns);
  CHECK(host.kernel.sched_autogroup_enabled);
  CHECK(host.kernel.release == models::KernelRelease::v6_18);
  CHECK(host.kernel.hz == 250);
  CHECK_FALSE(host.kernel.irq_time_accounting);
  CHECK(host.kernel.netdev_budget_usecs == 8ms);
  REQUIRE(host.devices.size() == 2);
  CHECK(std::get<models::VirtioBlkConfig>(host.devices[0]).queue_size == 128);
  CHECK(std::get<models::NicConfig>(host.devices[1]).irq_cpus == std::vector<int>{1});
}

TEST_CASE("a scenario takes the host and the devices of a server", "[topology]") {
  const models::HostConfig host = scenario_of(read_topology(SavedMachine{server_files()}.root())).base.host;

  CHECK(host.topology.cpus == 16);
  CHECK(host.topology.smt == 2);
  CHECK(host.topology.llc_cpus == 8);
  REQUIRE(host.topology.idle.size() == 3);  // C1E counts as C1
  CHECK(host.topology.idle[2].state == models::IdleState::c6);
  CHECK(host.topology.idle[2].target_residency == 600us);
  CHECK(host.kernel.hz == 1000);
  CHECK(host.kernel.preemption == models::Preemption::full);
  CHECK(host.kernel.base_slice == 700us);  // 2.8 ms is scaled by 4 for 8 CPUs and more
  CHECK(host.kernel.rq_affinity == 2);
  REQUIRE(host.devices.size() == 2);
  CHECK(std::get<models::NvmeConfig>(host.devices[0]).queues == 16);
  CHECK(std::get<models::NvmeConfig>(host.devices[0]).queue_depth == 1023);
}

TEST_CASE("CPUs are renumbered so that siblings and LLCs are runs, and vectors follow", "[topology]") {
  const Topology server = read_topology(SavedMachine{server_files()}.root());

  CHECK(machine_part(server).machine_cpus ==
        std::vector<int>{0, 8, 1, 9, 2, 10, 3, 11, 4, 12, 5, 13, 6, 14, 7, 15});
  const models::HostConfig host = scenario_of(server).base.host;
  CHECK(std::get<models::NicConfig>(host.devices[1]).irq_cpus ==
        std::vector<int>{1, 3, 5, 7});  // of CPUs 8 to 11
}

TEST_CASE("what a scenario cannot say is left out with the reason", "[topology]") {
  const MachinePart part = machine_part(server_with([](Files& files) {
    files["kernel-config"] = "CONFIG_HZ=512\n";
    files["sys/kernel/debug/sched/preempt"] = "none voluntary full (lazier)\n";
    files["sys/devices/system/cpu/online"] = "0-14\n";
    files["sys/kernel/debug/sched/base_slice_ns"] = "100\n";
  }));

  for (const auto& [keys, name, reason] : {std::tuple{part.kernel, "hz", "100, 250, 300 or 1000"},
                                           {part.kernel, "preemption", "lazier"},
                                           {part.kernel, "base_slice", "100us to 100ms"},
                                           {part.host, "smt", "differ"},
                                           {part.host, "llc_cpus", "differ"}}) {
    INFO(name);
    CHECK(key_of(keys, name).value.empty());
    CHECK(key_of(keys, name).comment.find(reason) != std::string::npos);
  }
}

TEST_CASE("the nearest modelled release stands for others, but none for CFS", "[topology]") {
  const auto release = [](const std::string& running) {
    return key_of(machine_part(server_with([&](Files& files) {
                    files["proc/sys/kernel/osrelease"] = running + "\n";
                    files.erase("sys/kernel/debug/sched/features");
                  })).kernel,
                  "release");
  };

  CHECK(release("6.14.3").value == "6.12");
  CHECK(release("6.14.3").comment.find("nearest") != std::string::npos);
  CHECK(release("6.18.1").value == "6.18");
  CHECK(release("7.2.0").value == "6.18");
  CHECK(release("6.1.9").value.empty());
  CHECK(release("6.1.9").comment.find("CFS") != std::string::npos);
}

TEST_CASE("a state that is switched off is not offered", "[topology]") {
  const MachinePart part = machine_part(
      server_with([](Files& files) { files["sys/devices/system/cpu/cpu0/cpuidle/state3/disable"] = "1\n"; }));

  CHECK(key_of(part.host, "idle").value ==
        "[{state: poll, target_residency: 0ns}, {state: c1, target_residency: 1us, exit_latency: 1us}]");
}

TEST_CASE("a device without a model, or with a name that scenarios refuse, is a comment", "[topology]") {
  const Topology server = server_with([](Files& files) {
    files["sys/block/sda/device/driver"] = "sd\n";
    files["sys/class/net/br:0/device/driver"] = "e1000e\n";
  });

  const MachinePart part = machine_part(server);

  CHECK(key_of(part.devices, "sda").value.empty());
  CHECK(key_of(part.devices, "br:0").value.empty());
  CHECK_NOTHROW(scenario_of(server));
}

TEST_CASE("with nothing known the host is empty but for comments, and still YAML", "[topology]") {
  const SavedMachine machine{{{"unrelated", "x\n"}}};

  const std::string text = topology_yaml(read_topology(machine.root()));
  const scenarios::Yaml yaml = scenarios::parse_yaml(text, "nothing", "a topology");

  REQUIRE(yaml.find("host") != nullptr);
  CHECK(yaml.find("host")->entries.empty());
  CHECK(yaml.find("devices") == nullptr);
}
