// The devices' part of the YAML: interrupts, disks, NICs; and what is left.
#include <fmt/format.h>

#include <algorithm>

#include "calibration/topology/yaml_values.h"

namespace calibration {
namespace {

std::string busiest(const MachineIrq& irq) {
  const auto most = std::max_element(irq.counts.begin(), irq.counts.end(),
                                     [](const auto& a, const auto& b) { return a.second < b.second; });
  return most == irq.counts.end() ? "none" : std::to_string(most->first);
}

bool is_numbered(const MachineIrq& irq) {
  return irq.number.find_first_not_of("0123456789") == std::string::npos;
}

std::string irq_line(const MachineIrq& irq, std::size_t name_width) {
  std::string line = fmt::format("- {{irq: {:>3}, name: {:<{}} total: {:>7}, busiest: {}", scalar(irq.number),
                                 scalar(irq.name) + ",", name_width + 1, irq.total, busiest(irq));
  if (is_numbered(irq)) {
    const bool inferred = irq.managed && !irq.managed.note.empty();
    line += fmt::format(", affinity: {}, effective: {}, {}: {}", value_of(irq.affinity),
                        value_of(irq.effective_affinity), inferred ? "inferred_managed" : "managed",
                        value_of(irq.managed));
  }
  return line +
         (irq.unhandled && *irq.unhandled > 0 ? fmt::format(", unhandled: {}}}", *irq.unhandled) : "}");
}

}  // namespace

void put_interrupts(Sheet& sheet, const Topology& topology) {
  sheet.line(1, topology.irqs.empty() ? "interrupts: []" : "interrupts:");
  if (!topology.irqs.empty()) {
    sheet.comment(
        2, topology.irqs.front().source +
               ": total since boot, the CPU with most of them; /proc/irq/N: CPUs allowed and served by; "
               "managed: placed by the kernel, nobody can move it; inferred_managed: by its driver");
  }
  std::size_t name_width = 0;
  for (const MachineIrq& irq : topology.irqs) {
    name_width =
        std::max(name_width, is_numbered(irq) ? std::min<std::size_t>(scalar(irq.name).size(), 28) : 0);
  }
  for (const MachineIrq& irq : topology.irqs) {
    if (is_numbered(irq) || irq.total > 0) {  // not TRM, PIN and the like, where they never happened
      sheet.line(2, irq_line(irq, name_width));
    }
  }
  sheet.blank();
}

namespace {

std::string queue_cpus(const BlockDevice& device) {
  std::string text;
  for (const BlockQueue& queue : device.queues) {
    text += (text.empty() ? "" : ", ") + value_of(queue.cpus);
  }
  return "[" + text + "]";
}

std::string vectors(const std::vector<std::string>& irqs) {
  return fmt::format("[{}]", fmt::join(irqs, ", "));
}

void put_block(Sheet& sheet, const Topology& topology) {
  sheet.line(
      1, topology.block_devices.empty() ? "block: []" : "block:", "/sys/block; cpus: of each hardware queue");
  for (const BlockDevice& device : topology.block_devices) {
    sheet.line(2, fmt::format("- name: {}", scalar(device.name)));
    put(sheet, 3, "driver", device.driver);
    sheet.line(3, fmt::format("queues: {}", device.queues.size()), "mq/N");
    sheet.line(3, "cpus: " + queue_cpus(device), "mq/N/cpu_list");
    if (!device.queues.empty()) {
      put(sheet, 3, "tags", device.queues.front().tags);
    }
    sheet.line(3, "irqs: " + vectors(device.irqs), "device/msi_irqs");
    put(sheet, 3, "scheduler", device.scheduler);
    put(sheet, 3, "nr_requests", device.nr_requests);
    put(sheet, 3, "rq_affinity", device.rq_affinity);
    put(sheet, 3, "nomerges", device.nomerges);
    put(sheet, 3, "io_poll", device.io_poll);
    put(sheet, 3, "wbt_lat_us", device.wbt_lat_us);
    put(sheet, 3, "rotational", device.rotational);
  }
  sheet.blank();
}

void put_net(Sheet& sheet, const Topology& topology) {
  sheet.line(1, topology.net_devices.empty() ? "net: []" : "net:", "/sys/class/net");
  for (const NetDevice& device : topology.net_devices) {
    sheet.line(2, fmt::format("- name: {}", scalar(device.name)));
    put(sheet, 3, "driver", device.driver);
    put(sheet, 3, "carrier", device.carrier);
    put(sheet, 3, "speed_mbit", device.speed_mbit);
    put(sheet, 3, "mtu", device.mtu);
    put(sheet, 3, "threaded", device.threaded);
    put(sheet, 3, "napi_defer_hard_irqs", device.napi_defer_hard_irqs);
    put(sheet, 3, "gro_flush_timeout_ns", device.gro_flush_timeout_ns);
    put(sheet, 3, "tx_queue_len", device.tx_queue_len);
    sheet.line(3, "irqs: " + vectors(device.irqs), "device/msi_irqs");
    sheet.line(3, device.queues.empty() ? "queues: {}" : "queues:", "the CPUs of RPS or XPS, a mask");
    for (const NetQueue& queue : device.queues) {
      sheet.line(4, scalar(queue.name) + ": " + value_of(queue.cpus));
    }
  }
  sheet.line(1, topology.devices_left_out.empty() ? "left_out: []" : "left_out:",
             "block and network devices that are no hardware");
  for (const std::string& name : topology.devices_left_out) {
    sheet.line(2, "- " + scalar(name));
  }
  sheet.blank();
}

}  // namespace

void put_devices(Sheet& sheet, const Topology& topology) {
  put_block(sheet, topology);
  put_net(sheet, topology);
}

void put_rest(Sheet& sheet, const Topology& topology) {
  sheet.line(1, "sysctls:", "net.core");
  put(sheet, 2, topology.kernel.sysctls);
  sheet.blank();
  sheet.line(1, topology.kernel.mitigations.empty() ? "mitigations: {}" : "mitigations:",
             "/sys/devices/system/cpu/vulnerabilities; 'Not affected' is left out");
  for (const Setting& each : topology.kernel.mitigations) {
    if (!each.value || *each.value != "Not affected") {
      sheet.line(2, scalar(each.name) + ": " + value_of(each.value));
    }
  }
  sheet.blank();
  sheet.line(1, topology.not_read.empty() ? "not_read: []" : "not_read:", "files that would say more");
  for (const NotRead& each : topology.not_read) {
    sheet.line(2, fmt::format("- {{file: {}, why: {}}}", scalar(each.path), scalar(each.why)),
               each.remedy.empty() ? "" : "try: " + each.remedy);
  }
  sheet.line(1, topology.warnings.empty() ? "warnings: []" : "warnings:");
  for (const std::string& warning : topology.warnings) {
    sheet.line(2, "- " + scalar(warning));
  }
}

}  // namespace calibration
