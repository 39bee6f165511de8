// --trace FILE and --perfetto FILE, of run and compare: one replication once more, recorded.
#pragma once

#include <CLI/CLI.hpp>
#include <cstdint>
#include <string>

#include "scenarios/scenario.h"
#include "tools/options.h"

namespace tools {

struct TraceArguments {
  std::string ftrace;              // empty: no such file
  std::string perfetto;            // likewise
  std::uint64_t events = 200'000;  // kept, from the start of the measured part
};

void add_trace_arguments(CLI::App& verb, TraceArguments& arguments);

// Simulates the measured part of `variant`'s first replication until the trace is full, and writes it event
// by event. A run is determined by its seed, so this is what the statistics saw. Before the work, so that a
// file that cannot be written is noticed early; it may be in the directory of --out. Returns the lines to
// tell the user; empty without a file, or when interrupted, which leaves no file. Throws
// scenarios::OutputError.
std::string write_trace(const TraceArguments& arguments, const ExperimentArguments& experiment,
                        const scenarios::Scenario& scenario, const scenarios::Variant& variant);

}  // namespace tools
