// The workload's processes, from the first to the last:
//
//   chainsim ─► builder: namespaces, connections
//                 └─► a leader per session (setsid: one autogroup)
//                       └─► a process per program ─► a thread per task
//
// Each dies with its parent (PR_SET_PDEATHSIG), and tells its errors through the recorder.
#pragma once

#include <sys/types.h>

#include <array>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "sim/time.h"
#include "tools/live/namespaces.h"
#include "tools/live/recorder.h"
#include "tools/live/workload_plan.h"

namespace tools::live {

struct ProcessesConfig {
  std::uint64_t seed = 1;
  double turn_ns = 1;
  sim::Nanos timer_slack{0};
  std::string data_file;
  std::vector<PairConfig> pairs;
  std::string congestion_control;
  std::vector<std::pair<std::string, std::string>> cgroup_files;  // WorkloadOptions
};

// What the builder found, in memory that it shares with chainsim.
struct BuiltPairs {
  static constexpr std::size_t most = 64;
  std::array<PairEnd, most> agents{}, servers{};
};

class Processes {
 public:
  // Starts them all; ready() tells when they have set themselves up. Throws scenarios::InputError.
  Processes(const WorkloadPlan& plan, const ProcessesConfig& config, Recorder& recorder);
  ~Processes();  // ends them
  Processes(const Processes&) = delete;
  Processes& operator=(const Processes&) = delete;

  bool ready() const;
  // Throws scenarios::InputError when a process has failed or has died.
  void check();
  void end();  // kills them and waits until none is left
  const BuiltPairs& pairs() const { return *pairs_; }
  std::vector<std::int32_t> pids() const;  // of the processes that hold tasks

 private:
  const WorkloadPlan& plan_;
  Recorder& recorder_;
  BuiltPairs* pairs_ = nullptr;
  pid_t builder_ = -1;
};

}  // namespace tools::live
