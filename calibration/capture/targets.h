// What a user names, as the kernel's numbers: a block device, a cgroup.
//
// Throws scenarios::InputError, with the option that it was given to.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace calibration {

// "vda", "/dev/nvme0n1" or "254:0" as major << 20 | minor. Of a partition the disk: requests name the disk.
std::uint32_t block_device(std::string_view text);

struct Cgroup {
  std::vector<std::uint64_t> ids;  // of it and of those below it: inode numbers in the cgroup2 file system
  std::vector<std::int32_t> processes;  // in them, now
};

inline constexpr std::size_t max_cgroups = 64;  // each is a comparison in every system call's predicate

// A directory of the cgroup v2 hierarchy.
Cgroup find_cgroup(const std::string& path);

}  // namespace calibration
