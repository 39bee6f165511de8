// The cpu controller of this machine, version 2 or 1, and the cgroups of a scenario in its terms.
//
//   weight 200   v2 cpu.weight 200   v1 cpu.shares 2048: sched_weight_from_cgroup(), kernel/sched/core.c
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "models/workload_config.h"

namespace tools::live {

enum class CgroupVersion : std::uint8_t { none, v1, v2 };

struct CgroupRoot {
  CgroupVersion version = CgroupVersion::none;
  std::filesystem::path path;
  bool needs_enabling = false;  // v2: "+cpu" in cgroup.subtree_control first
};

// Where the cpu controller is, below `root`; by the files there, whatever is mounted.
CgroupRoot find_cgroup_root(const std::filesystem::path& root);

// cpu.shares of version 1 for a cpu.weight of 1..10000.
std::int64_t shares_of(int weight);

// A cgroup to make, and what is written into its files, in order.
struct CgroupPlan {
  std::string name;       // the scenario's
  std::string directory;  // ROOT/chainsim-PID-NAME, a child below its parent's
  std::vector<std::pair<std::string, std::string>> files;  // name, value
  std::string join;                                        // a process that writes "0" here is in it
};
// In the order of `configs`, parents first.
std::vector<CgroupPlan> plan_cgroups(const std::vector<models::CgroupConfig>& configs, const CgroupRoot& root,
                                     std::int32_t pid);

}  // namespace tools::live
