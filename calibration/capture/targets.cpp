#include "calibration/capture/targets.h"

#include <linux/magic.h>
#include <sys/stat.h>
#include <sys/statfs.h>

#include <filesystem>
#include <fstream>
#include <system_error>

#include "calibration/capture/machine.h"
#include "calibration/traces/text_scan.h"
#include "scenarios/input_error.h"

namespace calibration {
namespace {

namespace fs = std::filesystem;

bool device_numbers(std::string_view text, std::uint32_t& device) {
  constexpr std::uint32_t minor_bits = 20;  // MINORBITS, include/linux/kdev_t.h
  TextScan scan{text};
  std::uint32_t major = 0, minor = 0;
  if (!scan.number(major) || !scan.literal(":") || !scan.number(minor) || !scan.done() || major >= 1U << 12 ||
      minor >= 1U << minor_bits) {
    return false;
  }
  device = major << minor_bits | minor;
  return true;
}

scenarios::InputError bad(const char* option, std::string found, std::string expected,
                          std::string suggestion) {
  return scenarios::InputError{{.file = option,
                                .found = std::move(found),
                                .expected = std::move(expected),
                                .suggestion = std::move(suggestion)}};
}

}  // namespace

std::uint32_t block_device(std::string_view text) {
  std::uint32_t device = 0;
  if (device_numbers(text, device)) {
    return device;
  }
  const std::string name{text.substr(text.starts_with("/dev/") ? 5 : 0)};
  std::error_code failure;
  fs::path place = fs::canonical("/sys/class/block/" + name, failure);
  if (name.empty() || name.find('/') != std::string::npos || failure) {
    throw bad("--device", scenarios::quoted(text),
              "a block device (vda, /dev/nvme0n1) or its numbers (254:0)", "ls /sys/class/block lists them");
  }
  if (fs::exists(place / "partition")) {
    place = place.parent_path();
  }
  if (!device_numbers(read_small_file((place / "dev").string()), device)) {
    throw bad("--device", scenarios::quoted(text) + ", whose numbers cannot be read", "a block device", "");
  }
  return device;
}

Cgroup find_cgroup(const std::string& path) {
  struct statfs system {};
  std::error_code failure;
  if (::statfs(path.c_str(), &system) != 0 || !fs::is_directory(path, failure)) {
    throw bad("--cgroup", scenarios::quoted(path), "a directory of the cgroup v2 file system",
              "such as /sys/fs/cgroup/system.slice");
  }
  if (system.f_type != CGROUP2_SUPER_MAGIC) {
    throw bad("--cgroup", scenarios::quoted(path) + ", which is not in a cgroup v2 file system",
              "a directory of the cgroup v2 file system", "mount | grep cgroup2 says where it is");
  }
  std::vector<fs::path> directories{path};
  for (const auto& entry : fs::recursive_directory_iterator{path, failure}) {
    if (entry.is_directory(failure)) {
      directories.push_back(entry.path());
    }
  }
  if (directories.size() > max_cgroups) {
    throw bad("--cgroup", std::to_string(directories.size()) + " cgroups in " + scenarios::quoted(path),
              "at most " + std::to_string(max_cgroups), "name one further down");
  }
  Cgroup found;
  for (const fs::path& directory : directories) {
    struct stat status {};
    if (::stat(directory.c_str(), &status) == 0) {
      found.ids.push_back(status.st_ino);
    }
    std::ifstream processes{directory / "cgroup.procs"};
    for (std::int32_t process = 0; processes >> process;) {
      found.processes.push_back(process);
    }
  }
  return found;
}

}  // namespace calibration
