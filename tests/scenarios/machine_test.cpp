#include "scenarios/machine.h"

#include <catch2/catch.hpp>
#include <variant>

#include "scenarios/input_error.h"
#include "scenarios/scenario.h"
#include "tests/scenarios/scratch.h"

using namespace scenarios;
using namespace std::chrono_literals;

namespace {

const std::string machine =
    "schema: 1\n"
    "host:\n"
    "  cpus: 8\n"
    "  smt: 2\n"
    "  kernel: {release: 6.18, hz: 1000}\n"
    "devices:\n"
    "  - {name: nvme0, model: nvme, queues: 8}\n"
    "  - {name: eth0, model: nic, queues: 2}\n"
    "topology: {cpus: {model: some}}\n";

const std::string scenario =
    "schema: 1\n"
    "machine: machine.yaml\n"
    "run: {seed: 1, warmup: 1ms, duration: 2ms}\n"
    "host: {costs: defaults.yaml, smt: 1, kernel: {hz: 250}}\n"
    "devices: [{name: eth0, model: nic, queues: 4}]\n"
    "agents: [{name: agent, think: 1ms, compute: 30us}]\n";

Scenario load(const Scratch& scratch, const std::string& text, const std::string& machine_text) {
  scratch.write("machine.yaml", machine_text);
  return load_scenario(scratch.write("s.yaml", text), {});
}

std::string trouble(const std::string& text, const std::string& machine_text,
                    const std::vector<std::string>& sets = {}) {
  const Scratch scratch;
  scratch.write("machine.yaml", machine_text);
  try {
    load_scenario(scratch.write("s.yaml", text), sets);
  } catch (const InputError& error) {
    return error.what();
  }
  return "";
}

}  // namespace

TEST_CASE("a scenario takes from a machine's file what it does not say itself", "[machine]") {
  const Scratch scratch;
  const models::HostConfig host = load(scratch, scenario, machine).base.host;

  CHECK(host.topology.cpus == 8);
  CHECK(host.topology.smt == 1);
  CHECK(host.kernel.release == models::KernelRelease::v6_18);
  CHECK(host.kernel.hz == 250);
  REQUIRE(host.devices.size() == 2);
  CHECK(std::get<models::NicConfig>(host.devices[0]).queues == 4);
  CHECK(std::get<models::NvmeConfig>(host.devices[1]).queues == 8);
}

TEST_CASE("a machine's file may be missing or be something else, and an error in it points into it",
          "[machine]") {
  CHECK_THAT(trouble("schema: 1\nmachine: other.yaml\n", machine),
             Catch::Contains("s.yaml:2:10") && Catch::Contains("no file"));
  CHECK_THAT(trouble("schema: 1\nmachine: [a]\n", machine), Catch::Contains("a list for machine"));
  CHECK_THAT(trouble(scenario, "schema: 1\n"), Catch::Contains("no key 'host'"));
  CHECK_THAT(trouble(scenario, with_line(machine, 3, "  cpus: 0")), Catch::Contains("machine.yaml:3:9"));
  CHECK_THAT(trouble(scenario, machine, {"machine=x.yaml"}), Catch::Contains("cannot change"));
}

TEST_CASE("a task names a cgroup that the host has", "[machine]") {
  const std::string cgroups =
      "host: {costs: defaults.yaml, cgroups: [{name: db, weight: 200}, {name: sub, parent: db, cpu_max: "
      "20ms}]}";
  const std::string text = with_line(scenario, 4, cgroups);
  const std::string in_db = "agents: [{name: agent, think: 1ms, compute: 30us, sched: {cgroup: sub}}]";
  CHECK(trouble(with_line(text, 6, in_db), machine).empty());
  const std::string in_bd = "agents: [{name: agent, think: 1ms, compute: 30us, sched: {cgroup: bd}}]";
  CHECK_THAT(trouble(with_line(text, 6, in_bd), machine),
             Catch::Contains("'bd'") && Catch::Contains("did you mean 'db'?"));
  CHECK_THAT(
      trouble(with_line(scenario, 4, "host: {costs: defaults.yaml, cgroups: [{name: sub, parent: db}]}"),
              machine),
      Catch::Contains("a cgroup listed before"));
}
