// Scheduling domains: from debugfs, or by the rules of kernel/sched/topology.c where that is closed.
#include <algorithm>

#include "calibration/topology/parse.h"
#include "calibration/topology/readers.h"

namespace calibration {
namespace {

const std::string domain_root = "/sys/kernel/debug/sched/domains";

// CPUs that share the last-level cache of `cpu`, and its package; {cpu} where that is not known.
CpuSet llc_of(const Topology& topology, int cpu) {
  CpuSet widest{cpu};
  std::int64_t level = 0;
  for (const MachineCache& cache : topology.caches) {
    if (cache.level >= level && contains(cache.cpus, cpu)) {
      level = cache.level;
      widest = cache.cpus;
    }
  }
  return widest;
}

CpuSet package_of(const Topology& topology, const MachineCpu& cpu) {
  CpuSet cpus;
  for (const MachineCpu& other : topology.cpus) {
    if (cpu.package && other.package && *cpu.package == *other.package) {
      cpus.push_back(other.id);
    }
  }
  return cpus.empty() ? CpuSet{cpu.id} : cpus;
}

CpuSet online_only(const Topology& topology, CpuSet cpus) {
  if (topology.online) {
    std::erase_if(cpus, [&](int cpu) { return !contains(*topology.online, cpu); });
  }
  return cpus;
}

void add(std::vector<SchedDomain>& domains, SchedDomain domain, int cpu) {
  const auto same = std::find_if(domains.begin(), domains.end(), [&](const SchedDomain& each) {
    const bool equal_values =
        std::equal(each.values.begin(), each.values.end(), domain.values.begin(), domain.values.end(),
                   [](const Setting& a, const Setting& b) { return a.value.value == b.value.value; });
    return each.level == domain.level && each.name == domain.name && each.flags.value == domain.flags.value &&
           equal_values && each.span.value == domain.span.value;
  });
  if (same == domains.end()) {
    domain.seen_by = {cpu};
    domains.push_back(std::move(domain));
  } else {
    same->seen_by.push_back(cpu);
  }
}

// What the name says of its span: debugfs does not tell it.
Known<CpuSet> span_of(const Topology& topology, const MachineCpu& cpu, std::string_view name) {
  const std::string note = "inferred from its name and the CPUs' topology";
  const auto known = [&](CpuSet cpus) {
    return Known<CpuSet>{online_only(topology, std::move(cpus)), {}, note};
  };
  if (name == "SMT" && cpu.siblings) {
    return known(*cpu.siblings);
  }
  if ((name == "CLS" || name == "CLUSTER") && cpu.cluster) {
    return known(*cpu.cluster);
  }
  if (name == "MC") {
    return known(llc_of(topology, cpu.id));
  }
  if (name == "PKG" || name == "DIE") {
    return known(package_of(topology, cpu));
  }
  if (name == "NUMA" && topology.online && topology.nodes.size() == 2) {
    return known(*topology.online);
  }
  return {.value = {}, .source = {}, .note = "not told by debugfs"};
}

void read_domains_of(FileTree& tree, Topology& topology, const MachineCpu& cpu) {
  const std::string base = domain_root + "/cpu" + std::to_string(cpu.id);
  for (const int level : tree.numbered(base, "domain")) {
    const std::string directory = base + "/domain" + std::to_string(level);
    const auto name = tree.line(directory + "/name");
    SchedDomain domain{.level = level,
                       .name = name ? shortened(*name, 40) : "unknown",
                       .seen_by = {},
                       .span = name ? span_of(topology, cpu, *name) : Known<CpuSet>{},
                       .flags = tree.line(directory + "/flags"),
                       .values = read_settings(tree, directory,
                                               {"min_interval", "max_interval", "busy_factor",
                                                "imbalance_pct", "cache_nice_tries"}),
                       .source = directory,
                       .note = {}};
    add(topology.domains, std::move(domain), cpu.id);
  }
}

// sd_init() and sd_degenerate(): a level that spans no more than the one below it does not exist.
void infer_domains_of(Topology& topology, const MachineCpu& cpu) {
  const std::string note = "inferred from siblings, caches, packages and nodes";
  const std::pair<const char*, CpuSet> levels[] = {
      {"SMT", cpu.siblings ? *cpu.siblings : CpuSet{cpu.id}},
      {"CLS", cpu.cluster ? *cpu.cluster : CpuSet{cpu.id}},
      {"MC", llc_of(topology, cpu.id)},
      {"PKG", package_of(topology, cpu)},
      {"NUMA", topology.nodes.size() > 1 && topology.online ? *topology.online : CpuSet{}}};
  std::size_t below = 1;
  int level = 0;
  for (const auto& [name, cpus] : levels) {
    const CpuSet span = online_only(topology, cpus);
    if (span.size() > below) {
      below = span.size();
      add(topology.domains,
          {.level = level,
           .name = name,
           .seen_by = {},
           .span = {span, {}, note},
           .flags = {},
           .values = {},
           .source = {},
           .note = note},
          cpu.id);
      ++level;
    }
  }
}

}  // namespace

void read_sched_domains(FileTree& tree, Topology& topology) {
  const bool told = !tree.numbered(domain_root, "cpu").empty();
  for (const MachineCpu& cpu : topology.cpus) {
    if (told) {
      read_domains_of(tree, topology, cpu);
    } else {
      infer_domains_of(topology, cpu);
    }
  }
  for (SchedDomain& domain : topology.domains) {
    std::sort(domain.seen_by.begin(), domain.seen_by.end());
  }
  std::stable_sort(topology.domains.begin(), topology.domains.end(),
                   [](const SchedDomain& a, const SchedDomain& b) { return a.level < b.level; });
}

}  // namespace calibration
