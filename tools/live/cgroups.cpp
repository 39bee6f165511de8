#include "tools/live/cgroups.h"

#include <algorithm>
#include <fstream>
#include <sstream>

#include "sim/check.h"
#include "tools/live/tracefs_capture.h"

namespace tools::live {
namespace {

namespace fs = std::filesystem;

bool has_word(const fs::path& path, const std::string& word) {
  std::ifstream file{path};
  for (std::string each; file >> each;) {
    if (each == word) {
      return true;
    }
  }
  return false;
}

std::string us(sim::Nanos time) { return std::to_string(time.count() / 1000); }

void add_files_v1(const models::CgroupConfig& config, CgroupPlan& plan) {
  if (config.idle) {
    plan.files.emplace_back("cpu.idle", "1");  // its shares are then the lowest
  } else {
    plan.files.emplace_back("cpu.shares", std::to_string(shares_of(config.weight)));
  }
  if (config.cpu_max != sim::Nanos{0}) {
    plan.files.emplace_back("cpu.cfs_period_us", us(config.period));
    plan.files.emplace_back("cpu.cfs_quota_us", us(config.cpu_max));
  }
}

void add_files_v2(const models::CgroupConfig& config, CgroupPlan& plan) {
  if (config.idle) {
    plan.files.emplace_back("cpu.idle", "1");
  } else {
    plan.files.emplace_back("cpu.weight", std::to_string(config.weight));
  }
  if (config.cpu_max != sim::Nanos{0}) {
    plan.files.emplace_back("cpu.max", us(config.cpu_max) + " " + us(config.period));
  }
}

}  // namespace

CgroupRoot find_cgroup_root(const fs::path& root) {
  const fs::path base = root / "sys/fs/cgroup";
  for (const fs::path& path : {base, base / "unified"}) {
    if (has_word(path / "cgroup.controllers", "cpu")) {
      return {CgroupVersion::v2, path, !has_word(path / "cgroup.subtree_control", "cpu")};
    }
  }
  for (const char* name : {"cpu", "cpu,cpuacct"}) {
    if (fs::exists(base / name / "cpu.shares")) {
      return {CgroupVersion::v1, base / name, false};
    }
  }
  return {};
}

// max(1, DIV_ROUND_CLOSEST(weight * 1024, 100)); cpu.shares itself is at least 2 (MIN_SHARES).
std::int64_t shares_of(int weight) {
  constexpr std::int64_t min_shares = 2;
  return std::max(min_shares, (std::int64_t{weight} * 1024 + 50) / 100);
}

std::vector<CgroupPlan> plan_cgroups(const std::vector<models::CgroupConfig>& configs, const CgroupRoot& root,
                                     std::int32_t pid) {
  std::vector<CgroupPlan> plans;
  for (const models::CgroupConfig& config : configs) {
    CgroupPlan plan{.name = config.name, .directory = "", .files = {}, .join = ""};
    if (config.parent.empty()) {
      plan.directory = (root.path / (instance_prefix + std::to_string(pid) + "-" + config.name)).string();
    } else {
      const auto parent = std::find_if(plans.begin(), plans.end(),
                                       [&](const CgroupPlan& each) { return each.name == config.parent; });
      sim::check(parent != plans.end(), "a cgroup's parent comes before it");
      plan.directory = parent->directory + "/" + config.name;
      if (root.version == CgroupVersion::v2) {
        // Once is enough, but twice does no harm.
        parent->files.emplace_back("cgroup.subtree_control", "+cpu");
      }
    }
    plan.join = plan.directory + "/cgroup.procs";
    root.version == CgroupVersion::v1 ? add_files_v1(config, plan) : add_files_v2(config, plan);
    plans.push_back(std::move(plan));
  }
  return plans;
}

}  // namespace tools::live
