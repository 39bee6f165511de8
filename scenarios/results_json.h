// Results as JSON: the form that scripts read. docs/results.md describes it, docs/results.schema.json checks
// it.
#pragma once

#include <algorithm>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "scenarios/experiment.h"
#include "scenarios/scenario.h"

namespace scenarios {

// One experiment with all that a reader of its numbers has to know.
struct Report {
  std::string command;  // the verb
  std::string version;  // of the program
  const Scenario* scenario = nullptr;
  std::vector<const Variant*> variants;  // the first is the reference
  RunConfig run;                         // as it was, command line included
  ExperimentResult result;
  // Of a run on a real machine (chainsim live): what it was, as JSON, and the counters that it cannot tell.
  nlohmann::ordered_json live = nullptr;
  std::vector<models::Counter> not_counted = {};

  bool counted(models::Counter counter) const {
    return std::find(not_counted.begin(), not_counted.end(), counter) == not_counted.end();
  }
};

// Keys keep their order, numbers their shortest exact form: the same run gives the same bytes.
nlohmann::ordered_json results_json(const Report& report);

// How many of a profile's costs are calibrated; the rest are defaults.
int calibrated_costs(const Profile& profile);

// "the first 1s of each replication is simulated and not measured"
std::string warmup_rule(const Report& report);

}  // namespace scenarios
