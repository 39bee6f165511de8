// The scheduling domains of a machine: within which CPUs work is spread, by which rules, and what the CPUs of
// a last-level cache share.
//
//   CPU 2 of 8, 2 threads a core, 4 CPUs an LLC:   SMT {2,3}      groups {2} {3}
//                                                  MC  {0..3}     groups {2,3} {0,1}
//                                                  PKG {0..7}     groups {0..3} {4..7}
//
// Models:   kernel/sched/topology.c: sd_init, build_sched_groups, init_sched_groups_capacity, degenerate
//           levels, update_top_cache_domain (sd_llc, sd_llc_shared), update_max_interval. Spans are runs of
//           CPUs. A machine whose LLCs have one CPU each, as some small VMs show, has no LLC domain.
// Left out: NUMA distances (CPUs beyond an LLC are one package), clusters, asymmetric capacity, cpusets.
#pragma once

#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include "models/ids.h"
#include "models/kernel_config.h"

namespace models {

inline constexpr std::int64_t sched_capacity_scale = 1024;  // SCHED_CAPACITY_SCALE: one CPU

enum class DomainLevel : std::uint8_t { smt, mc, pkg };

// Neighbouring CPUs [first, first + weight).
struct CpuSpan {
  int first = 0;
  int weight = 0;
  bool contains(CpuId id) const {
    return static_cast<int>(id) >= first && static_cast<int>(id) < first + weight;
  }
};

// struct sched_group and its sched_group_capacity: shared by all CPUs of the domain's span.
struct SchedGroup {
  CpuSpan span;
  int cores = 1;
  // The flags of the child domain that it is; none in a lowest domain.
  bool share_cpucapacity = false;
  bool prefer_sibling = false;
  std::int64_t capacity = 0;     // left for fair tasks; 1024 per CPU
  std::int64_t next_update = 0;  // of the capacity, in jiffies
  bool imbalance = false;        // pinned tasks below kept it from balancing
};

// sd->newidle_call and its kin: how often a newly idle CPU's search helps.
struct Newidle {
  int calls = 512;
  int successes = 256;
  int ratio = 512;           // of 1024 calls, how many helped
  void update(int success);  // update_newidle_stats
};

// struct sched_domain of one CPU.
struct SchedDomain {
  DomainLevel level = DomainLevel::mc;
  CpuSpan span;
  bool wake_affine = true;         // SD_WAKE_AFFINE
  bool balance_newidle = true;     // SD_BALANCE_NEWIDLE
  bool share_cpucapacity = false;  // SD_SHARE_CPUCAPACITY: threads of a core
  bool share_llc = false;          // SD_SHARE_LLC
  int imbalance_pct = 117;
  int busy_factor = 16;
  int cache_nice_tries = 1;
  std::int64_t min_interval = 0;  // ms
  std::int64_t max_interval = 0;  // ms
  std::span<SchedGroup> groups{};
  int local = 0;                 // which of the groups holds this CPU
  SchedGroup* parent = nullptr;  // the parent domain's group that this domain is; null at the top

  std::int64_t balance_interval = 0;  // ms
  std::int64_t last_balance = 0;      // jiffies
  int nr_balance_failed = 0;
  std::int64_t max_newidle_lb_cost = 0;     // ns
  std::int64_t last_decay_max_lb_cost = 0;  // jiffies
  Newidle newidle{};

  // Group i of the ring that starts with the local one, as sd->groups does.
  SchedGroup& group(std::size_t i) const {
    return groups[(static_cast<std::size_t>(local) + i) % groups.size()];
  }
  SchedGroup& local_group() const { return groups[static_cast<std::size_t>(local)]; }
};

// struct sched_domain_shared of an LLC.
struct LlcShared {
  CpuSpan span;
  int nr_idle_scan = 0;         // how many CPUs a wakeup may look at, as of the last periodic balance
  bool has_idle_cores = false;  // perhaps: set when one is seen, cleared when none is found
  std::int64_t sum_util = 0;    // of its CPUs, as of the last periodic balance; 1024 each at most
  int nr_busy_cpus = 0;         // whose ticks are not stopped
};

class SchedDomains {
 public:
  explicit SchedDomains(const TopologyConfig& topology);
  SchedDomains(const SchedDomains&) = delete;  // domains point to their groups
  SchedDomains& operator=(const SchedDomains&) = delete;

  // Lowest first; empty on a machine of one CPU.
  std::span<SchedDomain> of(CpuId id) { return domains_[index(id)]; }
  std::span<const SchedDomain> of(CpuId id) const { return domains_[index(id)]; }
  LlcShared* llc(CpuId id) { return const_cast<LlcShared*>(std::as_const(*this).llc(id)); }
  const LlcShared* llc(CpuId id) const;    // null: no shared cache level
  int llc_size(CpuId id) const;            // sd_llc_size; 1 without an LLC domain
  bool share_llc(CpuId a, CpuId b) const;  // cpus_share_cache
  CpuSpan smt_mask(CpuId id) const;
  bool smt_active() const { return smt_ > 1; }
  int cpus() const { return cpus_; }

 private:
  struct Level;
  void add_level(const Level& level);
  std::size_t llc_of(CpuId id) const { return index(id) / static_cast<std::size_t>(llc_cpus_); }

  int cpus_;
  int smt_;
  int llc_cpus_;  // of the LLC domain; 1: there is none
  std::vector<std::vector<SchedDomain>> domains_;
  std::vector<std::vector<SchedGroup>> groups_;  // of each level, all over the machine
  std::vector<LlcShared> llcs_;
};

}  // namespace models
