// `chainsim live --cleanup`: undoes what a run that was killed had changed, and removes what such runs leave.
//
//   journals of dead processes   values back, cgroups and data files removed, the last change first
//   chainsim-PID*                cgroups and tracefs instances of dead processes that no journal names
//
// May be run again: it then finds nothing. Namespaces, veth pairs and the workload's processes need no
// clean-up: the kernel ends them with chainsim.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace tools::live {

struct CleanupPlaces {
  std::filesystem::path journals;
  std::vector<std::filesystem::path> cgroups;    // the cpu controller's hierarchies
  std::vector<std::filesystem::path> instances;  // of tracefs
};
// This machine's.
CleanupPlaces cleanup_places();

struct Cleanup {
  std::vector<std::string> done;
  std::vector<std::string> failed;  // their journals stay
};

// Throws InputError while a live run is under way.
Cleanup clean_up(const CleanupPlaces& places);

}  // namespace tools::live
