// The host's tasks as processes: who runs with whom.
//
// A process holds the tasks of one program (all agents; all servers; a background load; its receivers) that
// share a session and a cgroup, as a cgroup is joined by processes, and an autogroup belongs to a session.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "models/host_config.h"

namespace tools::live {

enum class TaskKind : std::uint8_t { agent, server, burst, hog, writer, bulk_tx, bulk_rx };

struct PlannedTask {
  TaskKind kind = TaskKind::agent;
  std::string name;    // as the kernel will show it: at most 15 bytes
  std::string stream;  // the model's name, which its random numbers go by
  const models::SchedConfig* sched = nullptr;
  const models::AgentConfig* agent = nullptr;            // agents and servers
  const models::BackgroundConfig* background = nullptr;  // the others
  int entry = -1;                                        // of background, in the scenario's order
  int agent_id = -1;                                     // agents and servers: counts through all agents
  int connection = -1;                                   // of the plan's
};

// A TCP connection between the two namespaces over a pair; an end belongs to the task that has its number.
struct PlannedConnection {
  std::string device;  // the pair
  bool bulk = false;   // from the servers' end to the agents'
};

struct PlannedProcess {
  std::string name;
  std::string session;
  std::string cgroup;
  std::vector<std::size_t> tasks;
};

struct WorkloadPlan {
  std::vector<PlannedTask> tasks;
  std::vector<PlannedConnection> connections;
  std::vector<PlannedProcess> processes;
  std::size_t agents = 0;
  bool reads = false;
  bool writes = false;
};

// Points into `host`. Throws scenarios::InputError for what no real task can do: a tool server behind a NIC,
// a flow from the wire.
WorkloadPlan plan_workload(const models::HostConfig& host);

// "agent", "server" or "background".
const char* role_of(TaskKind kind);

}  // namespace tools::live
