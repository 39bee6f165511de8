// What the names of interrupts tell where nothing else does: managed vectors, and devices of flat files.
#include <algorithm>
#include <map>

#include "calibration/topology/parse.h"
#include "calibration/topology/readers.h"
#include "scenarios/quantity.h"

namespace calibration {
namespace {

bool starts_with(std::string_view text, std::string_view prefix) {
  return text.compare(0, prefix.size(), prefix) == 0;
}

// "nvme0q3" → {"nvme0", 3}; "eth1-rx-0" with "-rx-" → {"eth1", 0}; number -1: other names.
struct VectorName {
  std::string device;
  int number = -1;
};
VectorName split(std::string_view name, std::string_view separator) {
  const std::size_t at = name.rfind(separator);
  if (at == std::string_view::npos || at == 0) {
    return {};
  }
  const auto number = scenarios::parse_unsigned(name.substr(at + separator.size()));
  if (!number || *number >= static_cast<std::uint64_t>(most_cpus)) {
    return {};
  }
  return {.device = std::string{name.substr(0, at)}, .number = static_cast<int>(*number)};
}

VectorName nvme_vector(std::string_view name) {
  const VectorName vector = split(name, "q");
  const bool nvme = starts_with(vector.device, "nvme") && vector.device.size() > 4 &&
                    vector.device.find_first_not_of("0123456789", 4) == std::string::npos;
  return nvme ? vector : VectorName{};
}

VectorName receive_vector(std::string_view name) {
  for (const std::string_view separator : {"-rx-", "-TxRx-", "-Tx-Rx-"}) {
    if (VectorName vector = split(name, separator); vector.number >= 0) {
      return vector;
    }
  }
  return {};
}

// Drivers that ask for plain vectors: irqbalance and administrators may move them.
bool leaves_vectors_free(std::string_view driver) {
  constexpr std::string_view drivers[] = {"virtio_net", "e1000",   "e1000e",  "igb",    "igc",
                                          "ixgbe",      "ixgbevf", "i40e",    "iavf",   "ice",
                                          "mlx5_core",  "ena",     "bnxt_en", "vmxnet3"};
  return std::find(std::begin(drivers), std::end(drivers), driver) != std::end(drivers);
}

void infer(MachineIrq& irq, bool managed, const std::string& why) {
  irq.managed = {.value = managed, .source = irq.source, .note = "inferred: " + why};
}

void infer_by_name(MachineIrq& irq) {
  const VectorName nvme = nvme_vector(irq.name);
  const bool virtio = starts_with(irq.name, "virtio");
  if (nvme.number >= 0) {
    infer(irq, nvme.number > 0,
          nvme.number > 0 ? "nvme's I/O vectors are managed" : "nvme's admin vector is not managed");
  } else if (virtio && irq.name.find("-req.") != std::string::npos) {
    infer(irq, true, "virtio_blk's queue vectors are managed");
  } else if (virtio && irq.name.find("-config") != std::string::npos) {
    infer(irq, false, "virtio's configuration vectors are not managed");
  }
}

}  // namespace

void infer_managed(Topology& topology) {
  for (MachineIrq& irq : topology.irqs) {
    if (!irq.managed) {
      infer_by_name(irq);
    }
  }
  for (const NetDevice& device : topology.net_devices) {
    for (MachineIrq& irq : topology.irqs) {
      const bool its = std::find(device.irqs.begin(), device.irqs.end(), irq.number) != device.irqs.end();
      if (its && !irq.managed && device.driver && leaves_vectors_free(*device.driver)) {
        infer(irq, false, *device.driver + " asks for vectors that can be moved");
      }
    }
  }
}

void infer_devices(Topology& topology) {
  std::map<std::string, BlockDevice> disks;
  std::map<std::string, NetDevice> nics;
  for (const MachineIrq& irq : topology.irqs) {
    const std::string note = "inferred: the names of its interrupts";
    if (const VectorName vector = nvme_vector(irq.name); vector.number >= 0) {
      BlockDevice& disk = disks[vector.device];
      disk.name = vector.device;
      disk.driver = {.value = "nvme", .source = irq.source, .note = note};
      disk.irqs.push_back(irq.number);
      if (vector.number > 0) {
        disk.queues.push_back({.number = vector.number - 1, .cpus = irq.effective_affinity, .tags = {}});
        disk.queues.back().cpus.note = note;
      }
    } else if (const VectorName rx = receive_vector(irq.name); rx.number >= 0) {
      NetDevice& nic = nics[rx.device];
      nic.name = rx.device;
      nic.driver = {.value = {}, .source = irq.source, .note = "not told by interrupts"};
      nic.queues.push_back({.name = "rx-" + std::to_string(rx.number), .cpus = {}});
      nic.irqs.push_back(irq.number);
    }
  }
  for (auto& [name, disk] : disks) {
    topology.block_devices.push_back(std::move(disk));
  }
  for (auto& [name, nic] : nics) {
    topology.net_devices.push_back(std::move(nic));
  }
}

}  // namespace calibration
