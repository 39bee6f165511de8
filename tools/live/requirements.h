// What a variant asks of this machine: what has to be set for it, and what the machine cannot do.
//
//   Variant (which keys it names, and where) ─┐
//   Topology of this machine ─────────────────┴─► LivePlan: settings, cgroups, refusals, notes
//
// A key that the scenario names is asked for: the machine has it, or it can be set, or it is refused, with
// its place and what to do. A key that is not named is the machine's own affair; where the models would take
// another value than the machine has, a note says so. Planning changes nothing.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "calibration/topology/machine_part.h"
#include "calibration/topology/topology.h"
#include "scenarios/scenario.h"
#include "sim/time.h"
#include "tools/live/cgroups.h"
#include "tools/live/workload.h"

namespace tools::live {

// The machine as it was found. Below a root other than "/", files that stand for it.
struct LiveMachine {
  std::filesystem::path root = "/";
  calibration::Topology topology;
  calibration::MachinePart part;  // what of it a scenario can say
  CgroupRoot cgroups;
  bool superuser = true;
  std::int32_t pid = 0;                 // ours: it names what is made
  std::vector<std::string> no_capture;  // why events cannot be captured; empty: they can be

  std::filesystem::path file(const std::string& absolute) const {
    return root / std::filesystem::path{absolute}.relative_path();
  }
};
// `capture` is what will be wanted of it.
LiveMachine inspect_live_machine(const std::filesystem::path& root, CaptureMode capture);

// What this machine cannot do.
struct Refusal {
  std::string key;  // "host.kernel.hz": what --accept names
  scenarios::Place place;
  std::string found, asked;
  std::string remedy;      // may be empty
  bool acceptable = true;  // false: nothing would run

  std::string text() const;  // one line
};

// One file to write before the workload runs, and to set back after it.
struct Setting {
  std::string key;
  std::string path;
  std::string before, wanted;  // as written
  scenarios::Place place;

  std::string text() const;  // "/proc/sys/net/core/netdev_budget: 300 -> 8"
};

struct LivePlan {
  std::vector<Setting> settings;  // in the order of writing; only what differs
  std::vector<CgroupPlan> cgroups;
  std::optional<sim::Nanos> cpu_dma_latency;  // held while it runs
  std::vector<Refusal> refusals;
  std::vector<std::string> accepted;  // refusals that --accept let pass, each as its text
  std::vector<std::string> notes;     // what a reader of the numbers has to know
};

struct LiveNeeds {
  CaptureMode capture = CaptureMode::none;
  std::string data_file;  // where it will be; its disk counts, not whether it exists
  std::uint64_t file_size = 0;
  std::string disk;                 // disk_of(data_file)
  std::vector<std::string> accept;  // keys
};

// The disk in /sys/block under `path` or, where it does not exist yet, under its directory. "": a file system
// of no one disk.
std::string disk_of(const std::string& path);

LivePlan plan_live(const scenarios::Variant& variant, const LiveMachine& machine, const LiveNeeds& needs);

// Each once, though several variants have it.
std::vector<Refusal> all_refusals(const std::vector<LivePlan>& plans);
// Keys of `accept` that no plan had a use for.
std::vector<std::string> unused_accepts(const std::vector<LivePlan>& plans, const LiveNeeds& needs);

}  // namespace tools::live
