#include "tools/live/workload_plan.h"

#include <algorithm>
#include <variant>

#include "scenarios/input_error.h"

namespace tools::live {
namespace {

constexpr std::size_t comm_length = 15;  // TASK_COMM_LEN without its zero

std::string numbered(const std::string& name, int number) { return name + "-" + std::to_string(number); }

class Planner {
 public:
  explicit Planner(const models::HostConfig& host) : host_{host} {}

  WorkloadPlan plan() {
    for (const models::AgentConfig& agent : host_.agents) {
      for (int i = 0; i < agent.count; ++i) {
        add_agent(agent, i);
      }
    }
    for (std::size_t entry = 0; entry < host_.background.size(); ++entry) {
      for (int i = 0; i < host_.background[entry].count; ++i) {
        add_background(host_.background[entry], static_cast<int>(entry), i);
      }
    }
    return std::move(plan_);
  }

 private:
  void add_agent(const models::AgentConfig& agent, int number) {
    const int id = static_cast<int>(plan_.agents++);
    const int connection = agent.tool.device.empty() ? -1 : connect(agent.tool.device, false);
    plan_.reads = plan_.reads || !agent.read.device.empty();
    const std::string stream = numbered(agent.name, number);
    add({.kind = TaskKind::agent,
         .name = stream,
         .stream = stream,
         .sched = &agent.sched,
         .agent = &agent,
         .agent_id = id,
         .connection = connection},
        "agents");
    if (connection >= 0) {
      add({.kind = TaskKind::server,
           .name = numbered("server", id),
           .stream = stream,
           .sched = &agent.server_sched,
           .agent = &agent,
           .agent_id = id,
           .connection = connection},
          "servers");
    }
  }

  void add_background(const models::BackgroundConfig& load, int entry, int number) {
    PlannedTask task{.name = numbered(load.name, number),
                     .stream = numbered(load.name, number),
                     .sched = &load.sched,
                     .background = &load,
                     .entry = entry};
    switch (load.kind) {
      case models::BackgroundKind::burst:
        task.kind = TaskKind::burst;
        break;
      case models::BackgroundKind::hog:
        task.kind = TaskKind::hog;
        break;
      case models::BackgroundKind::writer:
        task.kind = TaskKind::writer;
        plan_.writes = true;
        break;
      case models::BackgroundKind::bulk: {
        task.connection = connect(load.device, true);
        PlannedTask receiver = task;
        receiver.kind = TaskKind::bulk_rx;
        receiver.name = numbered(load.name + "-rx", number);
        add(receiver, load.name + "-rx");
        task.kind = TaskKind::bulk_tx;
        task.name = numbered(load.name + "-tx", number);
        add(task, load.name + "-tx");
        return;
      }
      case models::BackgroundKind::flow:
        throw scenarios::InputError{
            {.file = "live",
             .found = "the background " + scenarios::quoted(load.name) + ", a flow",
             .expected = "burst, bulk, writer or hog: no wire leads into this machine"}};
    }
    add(task, load.name);
  }

  int connect(const std::string& device, bool bulk) {
    const bool veth = std::any_of(host_.devices.begin(), host_.devices.end(), [&](const auto& each) {
      return std::holds_alternative<models::VethConfig>(each) && models::device_name(each) == device;
    });
    if (!veth) {
      throw scenarios::InputError{
          {.file = "live",
           .found = "traffic over " + scenarios::quoted(device) + ", which is no veth",
           .expected = "a veth: no other machine is there to talk to"}};
    }
    plan_.connections.push_back({.device = device, .bulk = bulk});
    return static_cast<int>(plan_.connections.size()) - 1;
  }

  void add(PlannedTask task, const std::string& program) {
    task.name.resize(std::min(task.name.size(), comm_length));
    const auto fits = [&](const PlannedProcess& process) {
      return process.name == program && process.session == task.sched->session &&
             process.cgroup == task.sched->cgroup;
    };
    auto process = std::find_if(plan_.processes.begin(), plan_.processes.end(), fits);
    if (process == plan_.processes.end()) {
      plan_.processes.push_back(
          {.name = program, .session = task.sched->session, .cgroup = task.sched->cgroup});
      process = plan_.processes.end() - 1;
    }
    process->tasks.push_back(plan_.tasks.size());
    plan_.tasks.push_back(std::move(task));
  }

  const models::HostConfig& host_;
  WorkloadPlan plan_;
};

}  // namespace

WorkloadPlan plan_workload(const models::HostConfig& host) { return Planner{host}.plan(); }

const char* role_of(TaskKind kind) {
  return kind == TaskKind::agent ? "agent" : kind == TaskKind::server ? "server" : "background";
}

}  // namespace tools::live
