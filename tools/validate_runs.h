// chainsim validate of live runs, and of event captures with steps: simulated against real, step by step.
#pragma once

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "calibration/validate/validation.h"

namespace tools {

struct ValidateRunsArguments {
  std::string scenario;                // instead of the one that the live runs name
  std::vector<std::string> variants;   // only these
  std::vector<std::string> workloads;  // of event captures: LOAD=SCENARIO
  std::string profile;
  std::string margin = "10%";
  double seconds = 0;    // of a replication; 0: as long as a real repetition
  int replications = 0;  // 0: as many as real repetitions, at least 5
  int draws = 6;
  int jobs = 0;
  std::uint64_t seed = 1;
  bool json = false, markdown = false, verbose = false;
};

// Options that only this form of the verb has.
void add_runs_options(CLI::App& verb, ValidateRunsArguments& arguments);

// Whether these are live runs or event captures with steps; other captures are the seed programs'.
bool are_real_runs(const std::vector<std::string>& captures);
void validate_real_runs(const std::vector<std::string>& captures, const ValidateRunsArguments& arguments);

// What was validated, for its readers.
struct ValidationReport {
  calibration::Validation validation;
  std::string source;  // the directory or captures
  std::string scenario, profile, machine, kernel;
  std::vector<std::string> calibrated_on;
  double margin = 0.10;
  bool uncertainties = false;  // the profile tells those of its costs
  bool repeat_spread = false;  // and how real repetitions scatter
};

std::string validation_text(const ValidationReport& report, bool verbose);
std::string effects_text(const ValidationReport& report);  // parts of the text; empty without effects
std::string differences_text(const ValidationReport& report);
std::string load_text(const ValidationReport& report);
std::string validation_detail(const ValidationReport& report);  // what `verbose` adds
std::string validation_markdown(const ValidationReport& report);
nlohmann::ordered_json validation_json(const ValidationReport& report);

// "+3.1%", and a mark: "!" misses the aim, "*" only inside the spread, "~" is not judged.
std::string error_text(const calibration::PercentileComparison& row, std::size_t percentile);
// "right", "WRONG SIGN", "within the noise", ...
std::string effect_verdict(const calibration::PercentileEffect& effect);
// "=" equivalent, "#" different, "?" cannot tell, "~" not judged.
std::string equivalence_mark(const calibration::PercentileComparison& row);

}  // namespace tools
