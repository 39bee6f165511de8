// The directory that `chainsim live SCENARIO --out DIR` leaves: real runs of a scenario's variants.
//
//   DIR/results.json                    which scenario, which machine
//   DIR/VARIANT.rK.run.json, .steps.csv repetition K, untraced
//   DIR/VARIANT.cK.run.json, .steps.csv repetition K, captured; its events in VARIANT.cK.chain.txt or .trace
//
// Steps and events may be compressed (.gz, .zst, .xz).
#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "calibration/traces/steps.h"
#include "models/metrics.h"

namespace calibration {

struct CpuUse {  // percent of all CPUs' time, as /proc/stat accounts it
  double user = 0, system = 0, softirq = 0, hardirq = 0, idle = 0, steal = 0;
};

struct BackgroundUse {
  std::int64_t bytes = 0, cpu_ns = 0, loops = 0;
};

struct LiveRun {
  std::string variant;
  int repetition = 0;  // from 1
  bool captured = false;
  bool capture_complete = true;
  std::string capture;        // "none", "bpf", "ftrace"
  std::int64_t start_ns = 0;  // CLOCK_MONOTONIC, of what was measured
  std::int64_t end_ns = 0;
  std::vector<StepRow> steps;
  std::array<std::optional<std::int64_t>, models::counter_count> counters;  // none: the machine cannot tell
  std::optional<CpuUse> cpu;
  std::map<std::string, BackgroundUse> background;
  std::filesystem::path events;  // of a captured run whose events are there; else empty

  double seconds() const { return static_cast<double>(end_ns - start_ns) * 1e-9; }
  std::optional<std::int64_t> operator[](models::Counter counter) const {
    return counters[static_cast<std::size_t>(counter)];
  }
};

struct LiveVariant {
  std::string name;
  std::vector<LiveRun> repetitions;  // untraced, by number
  std::vector<LiveRun> captured;     // by number
};

struct LiveRuns {
  std::filesystem::path directory;
  std::string scenario;           // path, as given to `live`; empty without results.json
  std::vector<std::string> sets;  // its --set arguments
  std::string machine, kernel;
  std::vector<LiveVariant> variants;  // by name

  const LiveVariant* find(const std::string& variant) const;
};

// Whether `path` is a directory with live runs.
bool has_live_runs(const std::filesystem::path& path);

// Reads all of them, or those of `variants` where it is not empty. Throws InputError: none there, a run
// without its steps, damaged files, a variant that was not run.
LiveRuns read_live_runs(const std::filesystem::path& directory, std::span<const std::string> variants = {});

}  // namespace calibration
