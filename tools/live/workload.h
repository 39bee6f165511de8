// One repetition of a scenario on this machine's kernel: the host's agents, tool servers and background load
// as real threads and processes, for a warm-up and a measured part.
//
//   HostConfig ─► WorkloadPlan ─► processes ──steps, bytes──► shared memory ─► WorkloadResult
//                                     ▲
//                     two network namespaces with a veth pair
//
// What a program does is what models/agent.h, server.h and background.h describe, in the system calls of the
// captures' README. Every process dies with its parent, also with one that was killed, and the namespaces and
// their interfaces die with the processes: nothing has to be cleaned up.
//
// Left out: devices of model nic (another machine), the host's policies, sysctls and cgroups: the caller
// makes them, or refuses.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "calibration/capture/capture.h"
#include "calibration/traces/steps.h"
#include "models/host_config.h"
#include "sim/time.h"
#include "tools/live/tracefs_capture.h"
#include "tools/live/workload_counters.h"

namespace tools::live {

enum class CaptureMode : std::uint8_t { none, bpf, ftrace };

struct WorkloadOptions {
  std::uint64_t seed = 1;
  sim::Nanos warmup{0};                 // steps that were to start before are not measured
  std::uint64_t steps_per_variant = 0;  // measured steps of all agents together; 0: none
  sim::Nanos duration{0};               // upper bound of the measured part; 0: none. One of both is needed
  // What agents read and writers write, O_DIRECT: a regular file, all of it written (DataFile), or a block
  // device, which is only read. May be empty where nobody reads or writes.
  std::string data_file;
  // The file of each of the host's cgroups that a process writes "0" to in order to join: cgroup.procs, or
  // `tasks` of a v1 hierarchy.
  std::vector<std::pair<std::string, std::string>> cgroup_files;
  // Of the TCP connections, such as "cubic"; empty: the machine's default (net.ipv4.tcp_congestion_control).
  // bbr paces by timers of its own, which no model has.
  std::string congestion_control;
  CaptureMode capture = CaptureMode::none;
  std::string capture_directory = ".";
  std::string capture_name = "capture";
};

// What one of the scenario's background loads did in the measured part.
struct BackgroundResult {
  std::string name;
  std::uint64_t bytes = 0;  // delivered to bulk's receivers, written by writers
  std::int64_t cpu_ns = 0;  // of its tasks, bulk's receivers among them
  std::uint64_t loops = 0;  // bursts, transfers; milliseconds of CPU of a hog
};

struct RoleResult {
  std::string role;  // agent, server, background
  int tasks = 0;
  std::int64_t cpu_ns = 0;
  std::int64_t migrations = -1;  // -1: this kernel does not tell
};

struct TaskResult {
  std::string name;  // as the kernel shows it: agent-0, server-0, burst-0, bulk-tx-0, bulk-rx-0
  std::string role;
  std::int32_t pid = 0, tid = 0;
};

// Offloads of one end of a veth pair as the kernel has them.
struct InterfaceResult {
  std::string name;
  std::string end;  // agents, servers
  bool gro = false, tso = false, gso = false, threaded = false;
};

struct CaptureResult {
  bool made = false;
  bool complete = false;  // nothing lost, nothing cut short, every switch follows from the one before
  std::string label;      // complete, or why it is not
  std::vector<std::string> files;
  calibration::CaptureSummary bpf;  // CaptureMode::bpf
  TracefsSummary ftrace;            // CaptureMode::ftrace
};

struct WorkloadResult {
  std::vector<calibration::StepRow> steps;   // measured, by agent and time; `agent` counts through all agents
  std::int64_t start_ns = 0, end_ns = 0;     // CLOCK_MONOTONIC, of the measured part
  std::vector<BackgroundResult> background;  // in the scenario's order
  std::vector<RoleResult> roles;
  std::vector<TaskResult> tasks;
  std::vector<InterfaceResult> interfaces;
  SystemCounters counters;       // of the whole machine, over the measured part
  std::int64_t migrations = -1;  // of the workload's tasks; -1: this kernel does not tell
  double spin_ns = 0;            // of one turn of the loop that is compute, as measured before
  double spin_ns_after = 0;      // and afterwards: another value tells of another clock speed
  CaptureResult capture;
  bool interrupted = false;  // by `stop`: what was measured until then is here
};

// Runs it. `stop` ends it early. Throws scenarios::InputError naming what this machine or kernel declines;
// nothing is left running then either.
WorkloadResult run_workload(const models::HostConfig& host, const WorkloadOptions& options,
                            const std::atomic<bool>& stop);

}  // namespace tools::live
