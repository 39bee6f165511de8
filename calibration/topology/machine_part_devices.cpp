// devices: disks and NICs that have a model.
#include <fmt/format.h>

#include <algorithm>

#include "calibration/topology/machine_part_keys.h"

namespace calibration {
namespace {

bool is_scenario_name(std::string_view name) {
  return !name.empty() && std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
  });
}

ScenarioKey block_key(const BlockDevice& device) {
  const std::string driver = device.driver.value.value_or("");
  const bool nvme = driver == "nvme" || device.name.compare(0, 4, "nvme") == 0;
  if (!nvme && driver != "virtio_blk") {
    return {device.name, "",
            "a block device without a model: driver " + (driver.empty() ? "unknown" : driver)};
  }
  const std::size_t queues = std::clamp<std::size_t>(device.queues.size(), 1, 1024);
  std::string value = fmt::format("{{name: {}, model: {}, {}: {}", device.name, nvme ? "nvme" : "virtio_blk",
                                  nvme ? "queues" : "num_queues", queues);
  const std::int64_t tags = device.queues.empty() ? 0 : device.queues.front().tags.value.value_or(0);
  if (tags >= 1 && tags <= (nvme ? 65535 : 32768)) {
    value += fmt::format(", {}: {}", nvme ? "queue_depth" : "queue_size", tags);
  }
  return {device.name, value + "}", "/sys/block/" + device.name + "/mq"};
}

bool is_receive_vector(std::string_view name) {
  for (const std::string_view part : {"rx", "Rx", "RX", "input", "comp"}) {
    if (name.find(part) != std::string_view::npos) {
      return true;
    }
  }
  return false;
}

// The CPUs of a NIC's receive vectors, in the scenario's numbers; empty where one of them has several or
// none.
std::string irq_cpus(const Topology& topology, const NetDevice& device, std::size_t queues,
                     const std::vector<int>& cpus) {
  std::string text;
  std::size_t found = 0;
  for (const std::string& number : device.irqs) {
    const auto irq = std::find_if(topology.irqs.begin(), topology.irqs.end(),
                                  [&](const MachineIrq& each) { return each.number == number; });
    if (irq == topology.irqs.end() || !is_receive_vector(irq->name) || found == queues) {
      continue;
    }
    const auto cpu = irq->effective_affinity && irq->effective_affinity->size() == 1
                         ? std::find(cpus.begin(), cpus.end(), irq->effective_affinity->front())
                         : cpus.end();
    if (cpu == cpus.end()) {
      return "";
    }
    text += fmt::format("{}{}", found++ == 0 ? "" : ", ", cpu - cpus.begin());
  }
  return text;
}

ScenarioKey net_key(const Topology& topology, const NetDevice& device, const std::vector<int>& cpus) {
  if (device.driver && *device.driver == "veth") {
    return {device.name, fmt::format("{{name: {}, model: veth}}", device.name), "one end of a pair"};
  }
  const auto is_rx = [](const NetQueue& queue) { return queue.name.compare(0, 3, "rx-") == 0; };
  const auto queues = std::clamp<std::size_t>(
      static_cast<std::size_t>(std::count_if(device.queues.begin(), device.queues.end(), is_rx)), 1, 1024);
  std::string value = fmt::format("{{name: {}, model: nic, queues: {}", device.name, queues);
  const std::string vectors = irq_cpus(topology, device, queues, cpus);
  value += vectors.empty() ? "" : fmt::format(", irq_cpus: [{}]", vectors);
  if (device.speed_mbit && *device.speed_mbit > 0 && *device.speed_mbit <= 10'000'000) {
    value += fmt::format(", link_rate: {}Mbit/s", *device.speed_mbit);
  }
  return {device.name, value + "}",
          fmt::format("{}; ring and moderation: ethtool -g, -c {}",
                      device.driver.value.value_or("driver unknown"), device.name)};
}

}  // namespace

void add_devices(const Topology& topology, MachinePart& part) {
  std::vector<ScenarioKey> all;
  for (const BlockDevice& device : topology.block_devices) {
    all.push_back(block_key(device));
  }
  for (const NetDevice& device : topology.net_devices) {
    all.push_back(net_key(topology, device, part.machine_cpus));
  }
  std::vector<std::string> used;
  for (ScenarioKey& device : all) {
    const bool usable =
        is_scenario_name(device.key) && std::find(used.begin(), used.end(), device.key) == used.end();
    if (!usable && !device.value.empty()) {
      device = {device.key, "",
                "its name is none that a scenario accepts: letters, digits, '_' and '-', once"};
    }
    used.push_back(device.key);
    part.devices.push_back(std::move(device));
  }
}

}  // namespace calibration
