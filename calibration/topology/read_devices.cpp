// Block devices with their hardware queues, network devices with theirs, and the vectors of both.
#include <algorithm>

#include "calibration/topology/parse.h"
#include "calibration/topology/readers.h"

namespace calibration {
namespace {

// The PCI function above a device, one or two levels up, lists its vectors. They are kept as the device's
// own, because copies have no ".." that leads from a link's target.
std::vector<std::string> read_vectors(FileTree& tree, const std::string& device) {
  const std::string own = device + "/msi_irqs";
  for (const std::string& place : {own, device + "/../msi_irqs", device + "/device/msi_irqs"}) {
    if (tree.has(place)) {
      std::vector<std::string> vectors = tree.names(place);
      for (const std::string& vector : vectors) {
        tree.keep(own + "/" + vector, "msix\n");
      }
      return vectors;
    }
  }
  return {};
}

Known<std::string> read_driver(FileTree& tree, const std::string& device) {
  for (const std::string& place : {device + "/driver", device + "/device/driver"}) {
    if (tree.has(place) || tree.is_link(place)) {
      return tree.link(place);
    }
  }
  tree.keep(device + "/described", "");  // so that a copy has the directory too
  return {.value = {}, .source = device + "/driver", .note = "no such file"};
}

BlockDevice read_block_device(FileTree& tree, const std::string& name) {
  const std::string base = "/sys/block/" + name;
  const std::string queue = base + "/queue/";
  BlockDevice device;
  device.name = name;
  device.driver = read_driver(tree, base + "/device");
  for (const int number : tree.numbered(base + "/mq", "")) {
    const std::string directory = base + "/mq/" + std::to_string(number);
    device.queues.push_back({.number = number,
                             .cpus = tree.cpus(directory + "/cpu_list"),
                             .tags = tree.number(directory + "/nr_tags")});
  }
  device.scheduler = tree.line(queue + "scheduler");
  if (device.scheduler) {
    const std::string now = chosen(*device.scheduler, "[]");
    device.scheduler.value = now.empty() ? *device.scheduler : now;
  }
  device.nr_requests = tree.number(queue + "nr_requests");
  device.rq_affinity = tree.number(queue + "rq_affinity");
  device.rotational = tree.number(queue + "rotational");
  device.nomerges = tree.number(queue + "nomerges");
  device.io_poll = tree.number(queue + "io_poll");
  if (tree.has(queue + "wbt_lat_usec")) {
    device.wbt_lat_us = tree.number(queue + "wbt_lat_usec");
  }
  device.irqs = read_vectors(tree, base + "/device");
  return device;
}

void read_net_queues(FileTree& tree, const std::string& base, NetDevice& device) {
  const std::vector<std::string> names = tree.names(base + "/queues");
  const auto is_tx = [](const std::string& name) { return name.compare(0, 3, "tx-") == 0; };
  const bool many_tx = std::count_if(names.begin(), names.end(), is_tx) > 1;
  for (const std::string& name : names) {
    NetQueue queue{.name = name, .cpus = {}};
    if (!is_tx(name)) {
      queue.cpus = tree.line(base + "/queues/" + name + "/rps_cpus");
    } else if (many_tx) {
      queue.cpus = tree.line(base + "/queues/" + name + "/xps_cpus");
    } else {  // the kernel refuses to read it
      queue.cpus = {.value = {},
                    .source = base + "/queues/" + name + "/xps_cpus",
                    .note = "a single queue has no choice"};
      tree.keep(base + "/queues/" + name + "/single", "");
    }
    device.queues.push_back(std::move(queue));
  }
}

NetDevice read_net_device(FileTree& tree, const std::string& name, bool hardware) {
  const std::string base = "/sys/class/net/" + name;
  NetDevice device;
  device.name = name;
  device.driver =
      hardware
          ? read_driver(tree, base + "/device")
          : Known<std::string>{.value = "veth", .source = base, .note = "inferred: it is linked to another"};
  device.mtu = tree.number(base + "/mtu");
  device.speed_mbit = tree.number(base + "/speed");
  if (device.speed_mbit && *device.speed_mbit < 0) {
    device.speed_mbit.value.reset();
    device.speed_mbit.note = "its driver does not say";
  }
  device.carrier = tree.number(base + "/carrier");
  device.threaded = tree.number(base + "/threaded");
  device.napi_defer_hard_irqs = tree.number(base + "/napi_defer_hard_irqs");
  device.gro_flush_timeout_ns = tree.number(base + "/gro_flush_timeout");
  device.tx_queue_len = tree.number(base + "/tx_queue_len");
  read_net_queues(tree, base, device);
  if (hardware) {
    device.irqs = read_vectors(tree, base + "/device");
  }
  return device;
}

// A veth has no mark of its own: it is an Ethernet device without hardware or type, linked to another.
bool is_veth(FileTree& tree, const std::string& name) {
  const std::string base = "/sys/class/net/" + name;
  if (!tree.has(base + "/iflink") || !tree.has(base + "/uevent")) {
    return false;
  }
  const auto uevent = tree.text(base + "/uevent");
  const auto type = tree.number(base + "/type");
  const auto own = tree.number(base + "/ifindex");
  const auto other = tree.number(base + "/iflink");
  const bool typed = uevent && uevent->find("DEVTYPE=") != std::string::npos;
  const bool linked = own && other && *own != *other;
  return type && *type == 1 && !typed && (linked || name.compare(0, 4, "veth") == 0);
}

}  // namespace

void read_devices(FileTree& tree, Topology& topology) {
  for (const std::string& name : tree.names("/sys/block")) {
    if (tree.has("/sys/block/" + name + "/device")) {
      topology.block_devices.push_back(read_block_device(tree, name));
    } else {
      topology.devices_left_out.push_back(name);
      tree.keep("/sys/block/" + name + "/left_out", "");
    }
  }
  for (const std::string& name : tree.names("/sys/class/net")) {
    if (!tree.has("/sys/class/net/" + name + "/ifindex") && !tree.has("/sys/class/net/" + name + "/mtu") &&
        tree.is_machine()) {
      continue;  // a control file such as bonding_masters
    }
    const bool hardware = tree.has("/sys/class/net/" + name + "/device");
    if (hardware || is_veth(tree, name)) {
      topology.net_devices.push_back(read_net_device(tree, name, hardware));
    } else {
      topology.devices_left_out.push_back(name);
      tree.keep("/sys/class/net/" + name + "/left_out", "");
    }
  }
}

}  // namespace calibration
