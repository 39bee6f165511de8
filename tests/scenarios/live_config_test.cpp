#include "scenarios/live_config.h"

#include <catch2/catch.hpp>

#include "scenarios/scenario.h"
#include "tests/scenarios/scratch.h"

using scenarios::LiveConfig;

namespace {

LiveConfig read(const std::string& text) {
  return scenarios::read_live_config(scenarios::parse_yaml(text, "s.yaml", "a live section"));
}

}  // namespace

TEST_CASE("a live section names a file, interrupts, schedulers and sysctls", "[live_config]") {
  const LiveConfig live = read(
      "file: /var/tmp/x\n"
      "irq_affinity: {virtio3-rx: [0, 2-3]}\n"
      "io_scheduler: {vda: none}\n"
      "sysctls: {net/core/busy_poll: 50, vm.swappiness: 1}\n");

  CHECK(live.file == "/var/tmp/x");
  REQUIRE(live.irq_affinity.size() == 1);
  CHECK(live.irq_affinity[0].cpus == std::vector<int>{0, 2, 3});
  CHECK(scenarios::live_settings(live) ==
        std::vector<std::string>{"irq_affinity virtio3-rx = 0,2,3", "io_scheduler vda = none",
                                 "net.core.busy_poll = 50", "vm.swappiness = 1"});
}

TEST_CASE("a sysctl that the models know belongs into host.kernel", "[live_config]") {
  CHECK_THROWS_WITH(
      read("sysctls: {net.core.netdev_budget: 8}"),
      Catch::Contains("s.yaml:1:11") && Catch::Contains("host.kernel.netdev_budget is this one"));
  CHECK_THROWS_WITH(read("sysctls: {net/core/netdev_budget: 8}"), Catch::Contains("is this one"));
}

TEST_CASE("a live section refuses what is no name, no value, no CPU, no key", "[live_config]") {
  CHECK_THROWS_WITH(read("sysctls: {../../etc/passwd: 1}"), Catch::Contains("the name"));
  CHECK_THROWS_WITH(read("io_scheduler: {vda/../x: none}"), Catch::Contains("the name"));
  CHECK_THROWS_WITH(read("sysctls: {net.core.busy_poll: [1]}"), Catch::Contains("a list"));
  CHECK_THROWS_WITH(read("irq_affinity: {eth0: []}"), Catch::Contains("no CPU"));
  CHECK_THROWS_WITH(read("sysctl: {}"), Catch::Contains("unknown key 'sysctl'"));
}

TEST_CASE("a variant changes the live section, and a scenario knows which keys it names", "[live_config]") {
  const Scratch scratch;
  const std::string path = scratch.write(
      "s.yaml",
      with_line(small_scenario(), 26, "      devices.eth0.irq_cpus: [3]\n      live.io_scheduler.vda: none"));

  const scenarios::Scenario scenario = scenarios::load_scenario(path, {"live.file=/tmp/y"});

  CHECK(scenario.base.live.io_scheduler.empty());
  CHECK(scenario.base.live.file == "/tmp/y");
  REQUIRE(scenario.variants[1].live.io_scheduler.size() == 1);
  CHECK(scenario.variants[1].live.io_scheduler[0].place.line == 27);
  const auto named = [&](const std::string& address) {
    return scenarios::nearest(scenario.base.written, address).address == address;
  };
  CHECK(named("host.cpus"));
  CHECK_FALSE(named("host.kernel.hz"));
  CHECK(scenarios::nearest(scenario.base.written, "agents.reader.sched.nice").place.line == 17);
}
