#include "tools/live/workload_plan.h"

#include <algorithm>
#include <catch2/catch.hpp>

#include "scenarios/input_error.h"

using namespace tools::live;

namespace {

models::HostConfig host_with(int agents) {
  models::HostConfig host;
  host.devices = {models::VethConfig{.name = "veth0"}, models::VirtioBlkConfig{.name = "disk"}};
  models::AgentConfig agent;
  agent.count = agents;
  agent.tool.device = "veth0";
  host.agents = {agent};
  return host;
}

std::vector<std::string> names(const WorkloadPlan& plan) {
  std::vector<std::string> names;
  for (const PlannedTask& task : plan.tasks) {
    names.push_back(task.name);
  }
  return names;
}

}  // namespace

TEST_CASE("tasks have names that the kernel can show and the analysis knows", "[live]") {
  models::HostConfig host = host_with(2);
  host.background = {{.name = "bulk", .kind = models::BackgroundKind::bulk, .device = "veth0"},
                     {.name = "a_very_long_name", .kind = models::BackgroundKind::hog}};

  const WorkloadPlan plan = plan_workload(host);

  CHECK(names(plan) == std::vector<std::string>{"agent-0", "server-0", "agent-1", "server-1", "bulk-rx-0",
                                                "bulk-tx-0", "a_very_long_nam"});
}

TEST_CASE("agents count through all entries, and their servers with them", "[live]") {
  models::HostConfig host = host_with(2);
  host.agents.push_back(host.agents.front());
  host.agents.back().name = "late";

  const WorkloadPlan plan = plan_workload(host);

  CHECK(plan.agents == 4);
  CHECK(plan.tasks[4].name == "late-0");
  CHECK(plan.tasks[4].agent_id == 2);
  CHECK(plan.tasks[5].name == "server-2");
  CHECK(plan.tasks[5].stream == "late-0");
}

TEST_CASE("a program's tasks share a process unless session or cgroup part them", "[live]") {
  models::HostConfig host = host_with(3);
  host.background = {{.name = "burst", .kind = models::BackgroundKind::burst, .count = 2}};
  CHECK(plan_workload(host).processes.size() == 3);  // agents, servers, bursts

  host.agents.push_back(host.agents.front());
  host.agents.back().name = "apart";
  SECTION("by session") { host.agents.back().sched.session = "elsewhere"; }
  SECTION("by cgroup") { host.agents.back().sched.cgroup = "group"; }

  const WorkloadPlan plan = plan_workload(host);

  REQUIRE(plan.processes.size() == 4);
  CHECK(plan.processes[0].tasks.size() == 3);
  CHECK(plan.processes[1].name == "servers");
  CHECK(plan.processes[1].tasks.size() == 6);
}

TEST_CASE("every connection has two ends, and bulk flows towards the agents", "[live]") {
  models::HostConfig host = host_with(2);
  host.background = {{.name = "bulk", .kind = models::BackgroundKind::bulk, .device = "veth0"}};

  const WorkloadPlan plan = plan_workload(host);

  REQUIRE(plan.connections.size() == 3);
  CHECK(plan.connections[2].bulk);
  for (std::size_t i = 0; i < plan.connections.size(); ++i) {
    CHECK(std::count_if(plan.tasks.begin(), plan.tasks.end(), [&](const PlannedTask& task) {
            return task.connection == static_cast<int>(i);
          }) == 2);
  }
}

TEST_CASE("what needs another machine is refused by name", "[live]") {
  models::HostConfig host = host_with(1);
  host.devices.emplace_back(models::NicConfig{.name = "eth7"});
  SECTION("a tool server behind a NIC") {
    host.agents.front().tool.device = "eth7";
    CHECK_THROWS_WITH(plan_workload(host), Catch::Contains("eth7"));
  }
  SECTION("a flow from the wire") {
    host.background = {{.name = "stream", .kind = models::BackgroundKind::flow, .device = "eth7"}};
    CHECK_THROWS_WITH(plan_workload(host), Catch::Contains("stream"));
  }
}
