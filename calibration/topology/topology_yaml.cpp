// The description as YAML for people: what a scenario takes first, then the rest, most telling first.
#include <fmt/format.h>

#include <algorithm>

#include "calibration/topology/yaml_values.h"

namespace calibration {
namespace {

void put(Sheet& sheet, std::size_t depth, const std::vector<ScenarioKey>& keys) {
  for (const ScenarioKey& key : keys) {
    sheet.line(depth, key.value.empty() ? "# " + key.key + ":" : key.key + ": " + key.value, key.comment);
  }
}

void put_heading(Sheet& sheet, const Topology& topology) {
  const KernelTopology& kernel = topology.kernel;
  const auto word = [](const Known<std::string>& known) { return known ? *known : std::string{"unknown"}; };
  std::string guest = topology.hypervisor && *topology.hypervisor ? ", a virtual machine" : "";
  guest += topology.hypervisor_kind ? " (" + *topology.hypervisor_kind + ")" : "";
  sheet.comment(0,
                topology.root == "/" ? "This machine" : "The machine whose files are in the directory given");
  sheet.comment(0, fmt::format("{} CPUs online, {}{}; Linux {}, {}, HZ {}, preemption {}",
                               topology.online ? std::to_string(topology.online->size()) : "unknown",
                               word(topology.cpu_model), guest, word(kernel.release), word(kernel.scheduler),
                               kernel.hz ? std::to_string(*kernel.hz) : "unknown", word(kernel.preemption)));
  sheet.comment(0,
                "host and devices are what a scenario takes (docs/scenario.md); topology is all else "
                "(docs/topology.md). "
                "A key behind '#' is not known, or a scenario cannot say it: its default holds.");
}

void put_machine_part(Sheet& sheet, const MachinePart& part) {
  sheet.line(0, "schema: 1");
  sheet.blank();
  sheet.line(0, "host:");
  sheet.line(1, "# costs: PROFILE.yaml", "a scenario needs it: chainsim calibrate writes one");
  put(sheet, 1, part.host);
  const bool any_kernel = std::any_of(part.kernel.begin(), part.kernel.end(),
                                      [](const ScenarioKey& key) { return !key.value.empty(); });
  sheet.line(1, any_kernel ? "kernel:" : "# kernel:");
  put(sheet, 2, part.kernel);
  sheet.blank();
  const bool any_device = std::any_of(part.devices.begin(), part.devices.end(),
                                      [](const ScenarioKey& key) { return !key.value.empty(); });
  sheet.line(0, any_device ? "devices:" : "# devices:");
  for (const ScenarioKey& device : part.devices) {
    sheet.line(1, device.value.empty() ? "# " + shortened(device.key, 40) : "- " + device.value,
               device.comment);
  }
  if (part.devices.empty()) {
    sheet.line(1, "# none in /sys/block and /sys/class/net");
  }
  sheet.blank();
}

void put_kernel(Sheet& sheet, const KernelTopology& kernel) {
  sheet.line(1, "kernel:");
  put(sheet, 2, "release", kernel.release);
  put(sheet, 2, "version", kernel.version);
  put(sheet, 2, "scheduler", kernel.scheduler);
  put(sheet, 2, "preemption", kernel.preemption);
  put(sheet, 2, "hz", kernel.hz);
  put(sheet, 2, "irq_time_accounting", kernel.irq_time_accounting);
  put(sheet, 2, "clocksource", kernel.clocksource);
  put(sheet, 2, "clocksources", kernel.clocksources);
  sheet.line(2, kernel.boot_parameters.empty() ? "boot: {}" : "boot:",
             "of the command line, those that bear on latency");
  put(sheet, 3, kernel.boot_parameters);
  sheet.blank();
}

void put_scheduler(Sheet& sheet, const Topology& topology) {
  const KernelTopology& kernel = topology.kernel;
  sheet.line(1, "scheduler:");
  if (kernel.features.empty()) {
    sheet.line(2, "features: unknown", kernel.features_source);
  } else {
    std::string names;
    for (const auto& [name, on] : kernel.features) {
      names += (names.empty() ? "" : ", ") + std::string{on ? "" : "NO_"} + name;
    }
    sheet.line(2, "features: [" + names + "]", kernel.features_source);
  }
  sheet.line(2, kernel.tunables.empty() ? "tunables: unknown" : "tunables:", "names carry the unit");
  put(sheet, 3, kernel.tunables);
  sheet.line(2, topology.domains.empty() ? "domains: []" : "domains:",
             "lowest first; min and max interval of balancing in ms");
  for (const SchedDomain& domain : topology.domains) {
    std::string line = fmt::format("- {{name: {}, seen_by: {}, span: {}", scalar(domain.name),
                                   text_of(domain.seen_by), value_of(domain.span));
    for (const Setting& setting : domain.values) {
      line += setting.value ? fmt::format(", {}: {}", setting.name, scalar(*setting.value)) : "";
    }
    sheet.line(3, line + "}", domain.source + domain.note);
    if (domain.flags) {
      sheet.comment(4, *domain.flags);
    }
  }
  sheet.blank();
}

}  // namespace

std::string topology_yaml(const Topology& topology) {
  Sheet sheet;
  const MachinePart part = machine_part(topology);
  put_heading(sheet, topology);
  put_machine_part(sheet, part);
  sheet.line(0, "topology:");
  put_kernel(sheet, topology.kernel);
  put_scheduler(sheet, topology);
  put_cpus(sheet, topology, part);
  put_idle(sheet, topology);
  put_interrupts(sheet, topology);
  put_devices(sheet, topology);
  put_rest(sheet, topology);
  return sheet.text();
}

}  // namespace calibration
