// devices: the disk under the data file is the scenario's disk; veth pairs are made; other machines are not.
#include <fmt/format.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/sysmacros.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <optional>
#include <set>

#include "scenarios/quantity.h"
#include "scenarios/suggest.h"
#include "tools/live/requirements_planner.h"

namespace tools::live {
namespace {

namespace fs = std::filesystem;

// Devices that somebody reads or writes.
std::set<std::string> disks_in_use(const models::HostConfig& host) {
  std::set<std::string> names;
  for (const models::AgentConfig& agent : host.agents) {
    if (!agent.read.device.empty()) {
      names.insert(agent.read.device);
    }
  }
  for (const models::BackgroundConfig& load : host.background) {
    if (load.kind == models::BackgroundKind::writer) {
      names.insert(load.device);
    }
  }
  return names;
}

const calibration::BlockDevice* find_disk(const Planner& planner, const std::string& name) {
  const auto& disks = planner.machine.topology.block_devices;
  const auto found = std::find_if(disks.begin(), disks.end(),
                                  [&](const calibration::BlockDevice& disk) { return disk.name == name; });
  return found == disks.end() ? nullptr : &*found;
}

std::string plain_driver(std::string driver) { return driver == "virtio-blk" ? "virtio_blk" : driver; }

void plan_disk(Planner& planner, const std::string& name, const std::string& model) {
  const std::string address = "devices." + name;
  if (planner.needs.disk.empty()) {
    planner.refuse(address, planner.needs.data_file + " is on no one disk", "the disk " + name,
                   "--file PATH on it");
    return;
  }
  if (planner.needs.disk != name) {
    planner.refuse(address, planner.needs.data_file + " is on the disk " + planner.needs.disk,
                   "the disk " + name, "--file PATH on that disk, or the disk's name for the device");
    return;
  }
  const calibration::BlockDevice* disk = find_disk(planner, name);
  if (disk != nullptr && disk->driver && plain_driver(*disk->driver) != model) {
    planner.refuse(address + ".model", "the driver of " + name + " is " + *disk->driver, model);
  }
  if (planner.named("host.kernel.rq_affinity")) {
    planner.want("host.kernel.rq_affinity", "/sys/block/" + name + "/queue/rq_affinity",
                 std::to_string(planner.variant.host.kernel.rq_affinity));
  }
}

template <class Count>
void compare_queues(Planner& planner, const std::string& address, int asked, const Count& found) {
  if (planner.named(address) && found && static_cast<std::int64_t>(*found) != asked) {
    planner.refuse(address, fmt::format("this machine has {}", *found), std::to_string(asked));
  }
}

void plan_queues(Planner& planner, const std::string& name, const std::string& key, int queues,
                 const std::string& depth_key, int depth) {
  const calibration::BlockDevice* disk = find_disk(planner, name);
  if (disk == nullptr || disk->queues.empty()) {
    return;
  }
  const std::string address = "devices." + name + ".";
  compare_queues(planner, address + key, queues, std::optional{disk->queues.size()});
  compare_queues(planner, address + depth_key, depth, disk->queues.front().tags);
}

void plan_device(Planner& planner, const models::NicConfig& nic, const std::set<std::string>&) {
  planner.refuse("devices." + nic.name, "a nic's other end is another machine, which live has not", "a nic",
                 "a veth, or the kernel lab", false);
}

void plan_device(Planner&, const models::VethConfig&, const std::set<std::string>&) {}

void plan_device(Planner& planner, const models::NvmeConfig& disk, const std::set<std::string>& used) {
  if (used.count(disk.name) == 1) {
    plan_disk(planner, disk.name, "nvme");
    plan_queues(planner, disk.name, "queues", disk.queues, "queue_depth", disk.queue_depth);
  }
}

void plan_device(Planner& planner, const models::VirtioBlkConfig& disk, const std::set<std::string>& used) {
  if (used.count(disk.name) == 1) {
    plan_disk(planner, disk.name, "virtio_blk");
    plan_queues(planner, disk.name, "num_queues", disk.num_queues, "queue_size", disk.queue_size);
  }
}

// A file of another size would be overwritten: it may be somebody's.
void plan_data_file(Planner& planner) {
  const std::string& path = planner.needs.data_file;
  struct stat status {};
  if (::stat(path.c_str(), &status) == 0) {
    const bool regular = S_ISREG(status.st_mode);
    const auto size = static_cast<std::uint64_t>(status.st_size);
    const auto on_disk = static_cast<std::uint64_t>(status.st_blocks) * 512;
    if (!regular && !S_ISBLK(status.st_mode)) {
      planner.refuse("live.file", path + " is no regular file and no block device", "one of both",
                     "--file PATH", false);
    } else if (regular && (size != planner.needs.file_size || on_disk < size)) {
      planner.refuse("live.file",
                     fmt::format("{} is there, with {} bytes, {} of them on disk", path, size, on_disk),
                     fmt::format("{} bytes, all written", planner.needs.file_size),
                     "another --file, or --file-size", false);
    }
    return;
  }
  struct statvfs space {};
  const std::string directory = fs::absolute(path).parent_path().string();
  if (::statvfs(directory.c_str(), &space) != 0) {
    planner.refuse("live.file", directory + ": " + std::strerror(errno), "a directory for the data file",
                   "--file PATH", false);
  } else if (std::uint64_t{space.f_bavail} * space.f_frsize < planner.needs.file_size) {
    planner.refuse(
        "live.file",
        fmt::format("{} has {} bytes free", directory, std::uint64_t{space.f_bavail} * space.f_frsize),
        fmt::format("{} bytes", planner.needs.file_size), "--file PATH, or --file-size", false);
  }
}

}  // namespace

std::string disk_of(const std::string& path) {
  struct stat status {};
  const fs::path directory = fs::absolute(path).parent_path();
  if (::stat(path.c_str(), &status) != 0 && ::stat(directory.c_str(), &status) != 0) {
    return "";
  }
  const dev_t device = S_ISBLK(status.st_mode) ? status.st_rdev : status.st_dev;
  std::error_code absent;
  const fs::path block =
      fs::canonical(fmt::format("/sys/dev/block/{}:{}", major(device), minor(device)), absent);
  if (absent) {
    return "";
  }
  return (fs::exists(block / "partition") ? block.parent_path() : block).filename().string();
}

void plan_devices(Planner& planner) {
  const std::set<std::string> used = disks_in_use(planner.variant.host);
  if (!used.empty()) {
    plan_data_file(planner);
  }
  for (const models::AnyDeviceConfig& device : planner.variant.host.devices) {
    std::visit([&](const auto& config) { plan_device(planner, config, used); }, device);
  }
}

}  // namespace tools::live
