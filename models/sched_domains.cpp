#include "models/sched_domains.h"

#include <algorithm>
#include <utility>

namespace models {

// The ratio is that of the last 512 to 1024 calls.
void Newidle::update(int success) {
  ++calls;
  successes += success;
  if (calls >= 1024) {
    ratio = successes;
    calls /= 2;
    successes /= 2;
  }
}

// A level of the machine: spans of `size` CPUs, made of groups of `group_size`.
struct SchedDomains::Level {
  DomainLevel level;
  int size;
  int group_size;
};

SchedDomains::SchedDomains(const TopologyConfig& topology)
    : cpus_{topology.cpus},
      smt_{topology.smt},
      llc_cpus_{std::clamp(topology.llc_cpus == 0 ? topology.cpus : topology.llc_cpus, topology.smt,
                           std::max(topology.smt, topology.cpus))},
      domains_(static_cast<std::size_t>(topology.cpus)) {
  groups_.reserve(3);
  // A level that spans no more than the one below is left out (sd_parent_degenerate).
  int below = 1;
  for (const auto& [level, size] : {std::pair{DomainLevel::smt, smt_}, std::pair{DomainLevel::mc, llc_cpus_},
                                    std::pair{DomainLevel::pkg, cpus_}}) {
    if (size > below) {
      add_level({level, size, below});
      below = size;
    }
  }
  for (int first = 0; llc_cpus_ > 1 && first < cpus_; first += llc_cpus_) {
    const int weight = std::min(llc_cpus_, cpus_ - first);
    llcs_.push_back({.span = {first, weight}, .nr_busy_cpus = weight});
  }
}

// sd_init and build_sched_groups. Levels come lowest first, so the domain before is the child.
void SchedDomains::add_level(const Level& level) {
  groups_.emplace_back();
  auto& groups = groups_.back();
  for (int first = 0; first < cpus_; first += level.group_size) {
    const int weight = std::min(level.group_size, cpus_ - first);
    groups.push_back({.span = {first, weight},
                      .cores = (weight + smt_ - 1) / smt_,
                      .share_cpucapacity = level.group_size > 1 && level.group_size == smt_,
                      .prefer_sibling = level.group_size > 1,
                      .capacity = weight * sched_capacity_scale});
  }
  const std::size_t groups_of_span = static_cast<std::size_t>(level.size / level.group_size);
  for (int cpu = 0; cpu < cpus_; ++cpu) {
    auto& domains = domains_[static_cast<std::size_t>(cpu)];
    const int first = cpu / level.size * level.size;
    const int weight = std::min(level.size, cpus_ - first);
    const bool smt = level.level == DomainLevel::smt;
    const auto first_group = static_cast<std::size_t>(first / level.group_size);
    const std::size_t count = std::min(groups_of_span, groups.size() - first_group);
    if (count == 1) {
      continue;  // the last CPUs of a machine that does not fill its levels
    }
    SchedGroup* local = &groups[static_cast<std::size_t>(cpu / level.group_size)];
    if (!domains.empty()) {
      domains.back().parent = local;
    }
    domains.push_back({.level = level.level,
                       .span = {first, weight},
                       .share_cpucapacity = smt,
                       .share_llc = level.level != DomainLevel::pkg,
                       .imbalance_pct = smt ? 110 : 117,
                       .cache_nice_tries = smt ? 0 : 1,
                       .min_interval = weight,
                       .max_interval = 2 * weight,
                       .groups = std::span{groups}.subspan(first_group, count),
                       .local = static_cast<int>(local - &groups[first_group]),
                       .balance_interval = weight});
  }
}

const LlcShared* SchedDomains::llc(CpuId id) const { return llcs_.empty() ? nullptr : &llcs_[llc_of(id)]; }

int SchedDomains::llc_size(CpuId id) const { return llcs_.empty() ? 1 : llcs_[llc_of(id)].span.weight; }

bool SchedDomains::share_llc(CpuId a, CpuId b) const { return llc_of(a) == llc_of(b); }

CpuSpan SchedDomains::smt_mask(CpuId id) const {
  const int first = static_cast<int>(id) / smt_ * smt_;
  return {first, std::min(smt_, cpus_ - first)};
}

}  // namespace models
