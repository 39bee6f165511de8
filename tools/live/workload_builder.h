// What runs in the processes of a workload that chainsim has forked; workload_processes.h has the tree of
// them.
#pragma once

#include <sys/types.h>

#include "tools/live/workload_processes.h"

namespace tools::live {

// In the first of them, which `chainsim` has just forked: makes the namespaces, the connections, and all
// other processes, and waits until it is killed. Errors go to the recorder.
[[noreturn]] void run_builder(pid_t chainsim, const WorkloadPlan& plan, const ProcessesConfig& config,
                              Recorder& recorder, BuiltPairs& pairs);

}  // namespace tools::live
