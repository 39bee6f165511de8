// Rows as the tracer gave them into events that may be stored: sorted, within the time that everything was
// traced, with names of tasks only where they may be kept, and without the kernel's addresses.
//
// An object (hrtimer, NAPI, ring, request, packet) has one small number for its address, from 1, in the order
// of appearance; an address that is used again after it was freed keeps its number. user_data is the
// program's own; it is numbered too, as it is often a pointer.
#pragma once

#include <cstdint>
#include <string>
#include <unordered_map>
#include <vector>

#include "calibration/capture/symbols.h"
#include "calibration/capture/tasks.h"
#include "calibration/traces/chain_program.h"
#include "calibration/traces/chain_state.h"
#include "calibration/traces/event.h"

namespace calibration {

struct ScrubberConfig {
  std::int64_t start = 0;        // ns; what is outside is not stored
  std::int64_t end = INT64_MAX;  // ns
  std::string comm;              // the filter's pattern, "" for none
  bool filtered_tasks = false;   // a system call in a row shows that its task was asked for
  std::unordered_map<std::int32_t, std::string> irq_names;
};

struct ScrubberCounts {
  std::uint64_t outside = 0;       // before the start or behind the end
  std::uint64_t not_matching = 0;  // system calls of tasks that the pattern rules out after all
  std::uint64_t names_kept = 0;    // tasks
  std::uint64_t names_hidden = 0;
};

class Scrubber {
 public:
  static constexpr std::string_view hidden = "other";

  Scrubber(ScrubberConfig config, TaskCensus census, const KernelSymbols& symbols, Names& names);

  // False when the row is not to be stored. Rows must come in the order of time.
  bool scrub(const ChainRow& row, Event& event);
  ScrubberCounts counts() const;

 private:
  Name shown(std::int32_t pid, std::string_view comm);
  void name(std::int32_t pid, Name& comm);
  void name_tasks(Event& event);
  void scrub_addresses(const ChainRow& row, Event& event);
  std::uint64_t numbered(std::uint64_t address);
  Name function(std::uint64_t address);
  bool allowed(const ChainRow& row, const Event& event);

  ScrubberConfig config_;
  TaskCensus census_;
  const KernelSymbols& symbols_;
  Names& names_;
  TaskNames real_;  // never stored
  TaskNames shown_;
  std::unordered_map<std::uint64_t, std::uint64_t> numbers_;
  std::unordered_map<std::uint64_t, Name> functions_;
  std::unordered_map<std::int32_t, bool> kept_;
  Name hidden_;
  ScrubberCounts counts_;
};

}  // namespace calibration
