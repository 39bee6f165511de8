// CPUs, caches, NUMA nodes, and what runs them: processor model, hypervisor.
#include <algorithm>
#include <tuple>

#include "calibration/topology/parse.h"
#include "calibration/topology/readers.h"
#include "scenarios/input_error.h"
#include "scenarios/quantity.h"

namespace calibration {
namespace {

const std::string cpu_root = "/sys/devices/system/cpu";

// Of /proc/cpuinfo the first processor says enough; serial numbers and the rest are not kept.
void read_cpuinfo(FileTree& tree, Topology& topology) {
  const std::string path = "/proc/cpuinfo";
  const auto text = tree.text(path, FileTree::most_bytes, FileTree::Keep::no, FileTree::TooLong::expected);
  const std::string why = text ? "no such line in it" : "not readable";
  topology.cpu_model = {.value = {}, .source = path, .note = why};
  topology.hypervisor = {.value = {}, .source = path, .note = why};
  std::string kept;
  const std::string whole = text.value_or("");
  for (const std::string_view line : lines(whole)) {
    const std::size_t colon = line.find(':');
    if (colon == std::string_view::npos) {
      continue;
    }
    const std::string_view key = trimmed(line.substr(0, colon));
    const std::string_view value = trimmed(line.substr(colon + 1));
    if (key == "model name" && !topology.cpu_model) {
      topology.cpu_model = {.value = shortened(value, 120), .source = path, .note = {}};
      kept += "model name\t: " + *topology.cpu_model + "\n";
    } else if (key == "flags" && !topology.hypervisor) {
      const auto flags = words(value);
      const bool guest = std::find(flags.begin(), flags.end(), "hypervisor") != flags.end();
      topology.hypervisor = {.value = guest, .source = path, .note = {}};
      kept += guest ? "flags\t\t: hypervisor\n" : "flags\t\t: fpu\n";
    }
  }
  if (text) {
    tree.keep(path, kept);
  }
}

void read_hypervisor(FileTree& tree, Topology& topology) {
  const std::string type = "/sys/hypervisor/type";
  topology.hypervisor_kind = {.value = {}, .source = type, .note = "no such file"};
  if (tree.has(type)) {
    topology.hypervisor_kind = tree.line(type);
  }
  const std::string clocks = topology.kernel.clocksources.value.value_or("");
  for (const auto& [clock, kind] :
       {std::pair{"kvm-clock", "kvm"}, std::pair{"hyperv_", "hyperv"}, std::pair{"xen", "xen"}}) {
    if (!topology.hypervisor_kind && clocks.find(clock) != std::string::npos) {
      topology.hypervisor_kind = {
          .value = kind, .source = topology.kernel.clocksources.source, .note = "inferred"};
    }
  }
  const std::string vendor = "/sys/class/dmi/id/sys_vendor";
  topology.vendor = {.value = {}, .source = vendor, .note = "no such file"};
  if (tree.has(vendor)) {
    topology.vendor = tree.line(vendor);
  }
}

MachineCpu read_cpu(FileTree& tree, int id) {
  const std::string base = cpu_root + "/cpu" + std::to_string(id);
  MachineCpu cpu;
  cpu.id = id;
  cpu.package = tree.number(base + "/topology/physical_package_id");
  cpu.core = tree.number(base + "/topology/core_id");
  cpu.siblings = tree.cpus(base + "/topology/thread_siblings_list");
  if (tree.has(base + "/topology/cluster_cpus_list")) {  // from 5.16 on
    cpu.cluster = tree.cpus(base + "/topology/cluster_cpus_list");
  }
  if (tree.has(base + "/cpu_capacity")) {
    cpu.capacity = tree.number(base + "/cpu_capacity");
  }
  return cpu;
}

void read_caches(FileTree& tree, int cpu, std::vector<MachineCache>& caches) {
  const std::string base = cpu_root + "/cpu" + std::to_string(cpu) + "/cache";
  for (const int index : tree.numbered(base, "index")) {
    const std::string directory = base + "/index" + std::to_string(index);
    const auto level = tree.number(directory + "/level");
    const auto type = tree.line(directory + "/type");
    auto shared = tree.cpus(directory + "/shared_cpu_list");
    if (!level || !type) {
      continue;
    }
    MachineCache cache{.level = *level,
                       .type = *type,
                       .bytes = {},
                       .cpus = shared ? *shared : CpuSet{cpu},
                       .source = directory};
    const bool known = std::any_of(caches.begin(), caches.end(), [&](const MachineCache& each) {
      return each.level == cache.level && each.type == cache.type && each.cpus == cache.cpus;
    });
    if (known) {
      continue;
    }
    const auto size = tree.line(directory + "/size");
    cache.bytes = {
        .value = size ? parse_cache_size(*size) : std::nullopt, .source = size.source, .note = size.note};
    if (size && !cache.bytes) {
      tree.warn(size.source, 1, scenarios::quoted(*size), "a size such as 32K");
      cache.bytes.note = "no size";
    }
    caches.push_back(std::move(cache));
  }
}

void read_nodes(FileTree& tree, std::vector<NumaNode>& nodes) {
  const std::string root = "/sys/devices/system/node";
  for (const int id : tree.numbered(root, "node")) {
    const std::string base = root + "/node" + std::to_string(id);
    NumaNode node{.id = id, .cpus = tree.cpus(base + "/cpulist"), .distances = {}, .source = base};
    const auto distances = tree.line(base + "/distance");
    for (const std::string& word : words(distances.value.value_or(""))) {
      if (const auto distance = scenarios::parse_integer(word)) {
        node.distances.push_back(*distance);
      } else {
        tree.warn(base + "/distance", 1, scenarios::quoted(word), "a whole number");
        break;
      }
    }
    nodes.push_back(std::move(node));
  }
}

}  // namespace

void read_cpus(FileTree& tree, Topology& topology) {
  read_cpuinfo(tree, topology);
  read_hypervisor(tree, topology);
  if (auto online = tree.cpus(cpu_root + "/online"); online || !topology.online) {
    topology.online = std::move(online);
  }
  topology.possible = tree.cpus(cpu_root + "/possible");
  topology.isolated = tree.cpus(cpu_root + "/isolated");
  topology.nohz_full = tree.cpus(cpu_root + "/nohz_full");
  topology.smt = tree.line(cpu_root + "/smt/control");
  for (const int id : tree.numbered(cpu_root, "cpu")) {
    if (!topology.online || contains(*topology.online, id)) {
      topology.cpus.push_back(read_cpu(tree, id));
      read_caches(tree, id, topology.caches);
    }
  }
  std::sort(topology.caches.begin(), topology.caches.end(), [](const MachineCache& a, const MachineCache& b) {
    return std::tie(a.level, a.type, a.cpus) < std::tie(b.level, b.type, b.cpus);
  });
  read_nodes(tree, topology.nodes);
}

}  // namespace calibration
