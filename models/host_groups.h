// The task groups of a host: its cgroups, and with autogroup one per session.
//
// Models:   kernel/sched/core.c:sched_move_task and autogroup.h:autogroup_task_group: a task outside every
//           cgroup is in its session's autogroup; kernel threads stay in the root group. cpu.weight becomes
//           shares as in cpu_weight_write_u64.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "models/run_queues.h"
#include "models/task_group.h"
#include "models/workload_config.h"
#include "sim/check.h"

namespace models {

class HostGroups {
 public:
  HostGroups(RunQueues& rqs, const std::vector<CgroupConfig>& cgroups) : rqs_{rqs} {
    for (const CgroupConfig& cgroup : cgroups) {
      TaskGroupConfig group;
      group.parent = cgroup.parent.empty() ? GroupId::root : find(cgroups_, cgroup.parent);
      group.shares = (std::int64_t{cgroup.weight} * 1024 + 50) / 100;  // DIV_ROUND_CLOSEST
      group.idle = cgroup.idle;
      group.quota = cgroup.cpu_max;
      group.period = cgroup.period;
      cgroups_.emplace_back(cgroup.name, rqs_.fair().add_group(group));
    }
  }

  GroupId of(Role role, const SchedConfig& config) {
    if (!config.cgroup.empty()) {
      return find(cgroups_, config.cgroup);
    }
    if (!rqs_.kernel().sched_autogroup_enabled || role == Role::kernel) {
      return GroupId::root;
    }
    const std::string session = role == Role::tracer ? "tracer" : config.session;
    if (const GroupId known = find_or_root(sessions_, session); known != GroupId::root) {
      return known;
    }
    sessions_.emplace_back(session, rqs_.fair().add_group(autogroup()));
    return sessions_.back().second;
  }

 private:
  using Named = std::vector<std::pair<std::string, GroupId>>;
  static GroupId find_or_root(const Named& groups, const std::string& name) {
    for (const auto& [known, id] : groups) {
      if (known == name) {
        return id;
      }
    }
    return GroupId::root;
  }
  static GroupId find(const Named& groups, const std::string& name) {
    const GroupId id = find_or_root(groups, name);
    sim::check(id != GroupId::root, "a cgroup's name is checked when the scenario is loaded");
    return id;
  }

  RunQueues& rqs_;
  Named cgroups_;
  Named sessions_;
};

}  // namespace models
