// What the verbs share: options, loading the scenario they name, running it, and writing the results.
#pragma once

#include <CLI/CLI.hpp>
#include <cstdint>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "scenarios/results_json.h"
#include "scenarios/scenario.h"

namespace tools {

// Exit codes of every verb; docs/results.md lists them too.
inline constexpr int exit_internal = 1;
inline constexpr int exit_input = 2;   // bad scenario, profile, capture or usage
inline constexpr int exit_output = 3;  // a result could not be written
inline constexpr int exit_interrupted = 130;
inline constexpr std::string_view exit_codes =
    "Exit codes: 0 done, 1 internal error, 2 bad input or usage, 3 output cannot be written, 130 interrupted";

// Ctrl-C, after what was done has been printed and written.
struct Interrupted : std::exception {};

struct ExperimentArguments {
  std::string scenario;
  std::vector<std::string> sets;
  std::optional<std::uint64_t> seed;
  std::optional<int> replications;
  int jobs = 0;     // 0: the hardware's threads
  std::string out;  // directory; empty: none
  bool json = false;
};

void add_scenario_arguments(CLI::App& verb, ExperimentArguments& arguments);    // SCENARIO, --set, --json
void add_experiment_arguments(CLI::App& verb, ExperimentArguments& arguments);  // those and the rest

// The scenario with the command line's changes.
scenarios::Scenario load(const ExperimentArguments& arguments);

// Runs `variants` of `scenario` with progress on a terminal; Ctrl-C ends it early.
scenarios::Report run_report(const ExperimentArguments& arguments, const std::string& command,
                             const scenarios::Scenario& scenario,
                             std::vector<const scenarios::Variant*> variants);

// Prints the JSON or `text`, writes DIR/results.json; throws Interrupted if the run was.
void deliver(const ExperimentArguments& arguments, const scenarios::Report& report, const std::string& text);

// To standard output, whole; throws scenarios::OutputError.
void print(std::string_view text);

}  // namespace tools
