// The text of the chain program for one machine: which tracepoints it has, how they hold their fields, and
// what is filtered.
//
// Why a map: a printf per event wakes bpftrace for every row, which then is the load (on two CPUs a wakeup
// costs tens of microseconds, an entry in a map under one). The map is allocated beforehand and printed once,
// when the tracing is over. One map for all events, because BPFTRACE_MAP_KEYS_MAX sizes every map alike.
//
// Filters:  on tasks: only the entries and exits of system calls; on devices: only block requests.
// Interrupts,
//           softirqs, timers, idle, wakeups and switches of all tasks stay: without them nobody could tell
//           behind whom a task waited, nor whether events are missing.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "calibration/capture/machine.h"

namespace calibration {

struct CaptureFilter {
  std::string comm;                    // a name with * and ?; "" for all
  std::vector<std::int32_t> pids;      // processes (thread groups)
  std::vector<std::uint64_t> cgroups;  // ids of cgroups (v2), with those below them
  std::vector<std::uint32_t> devices;  // major << 20 | minor

  bool tasks() const { return !comm.empty() || !pids.empty() || !cgroups.empty(); }
};

struct ChainProgramOptions {
  CaptureFilter filter;
  bool receive = true;  // netif_receive_skb: one event a packet
};

struct ChainProgram {
  std::string text;
  int points = 0;
  bool exact_context = false;              // see chain_state.h
  std::vector<std::string> absent_fields;  // "block:block_rq_issue bytes": stored as 0
};

ChainProgram chain_program(const Machine& machine, const ChainProgramOptions& options);

// What the filters leave out, a sentence each; empty without filters.
std::vector<std::string> left_out(const CaptureFilter& filter);

// Whether `name` fits `pattern`, in which * stands for any text and ? for any one byte.
bool name_fits(std::string_view name, std::string_view pattern);

// The environment that the program is run in: NAME=VALUE. Both spellings, of 0.17 and of 0.20 on.
std::vector<std::string> chain_environment(std::uint64_t map_entries);

}  // namespace calibration
