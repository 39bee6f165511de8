// A scenario file: one machine, who runs on it, and the variants to compare. docs/scenario.md has the form.
//
//   scenario.yaml ─┬─ + nothing ─────────────► base
//                  ├─ + variants.A.set ──────► variant A      each read, checked and linked to its profile
//                  └─ + variants.D.set ──────► variant D      by itself, so an error points at its cause
//                        + --set, last: the command line wins
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "models/host_config.h"
#include "scenarios/live_config.h"
#include "scenarios/profile.h"
#include "scenarios/yaml.h"
#include "sim/time.h"

namespace scenarios {

struct RunConfig {
  std::uint64_t seed = 1;
  sim::Nanos warmup{0};    // simulated before measuring starts, > 0
  sim::Nanos duration{0};  // measured, > 0
  int replications = 5;    // independent repetitions of each variant, >= 1
};

template <class Visitor>
void fields(RunConfig& config, Visitor&& field) {
  field("seed", config.seed);
  field("warmup", config.warmup);
  field("duration", config.duration);
  field("replications", config.replications);
}

// One host to simulate.
struct Variant {
  std::string name;
  std::string title;                  // may be empty
  std::string question;               // may be empty
  std::string against;                // the variant it starts as, and its effect is judged against; may be empty
  std::vector<std::string> settings;  // "path = value", what it overrides, for reports
  models::HostConfig host;            // costs filled from the profile
  LiveConfig live;                    // for a real machine; the models do not know it
  Yaml written;  // all of it as read, overrides included: which keys it names, and where
  Profile profile;
  std::vector<std::string> outside_domain;  // scenarios/profile.h
};

struct Scenario {
  std::string path;  // as given
  std::string title;
  std::string question;
  std::string expect;
  RunConfig run;
  Variant base;  // named "base"
  std::vector<Variant> variants;
  std::vector<std::string> sets;  // --set, as given
  std::string digest;             // of all that is simulated, overrides and costs included: 16 hex digits
};

// Reads and checks a scenario with everything it refers to. `sets` are --set arguments, path=value.
// Throws InputError for whatever could not run or could not be meant.
Scenario load_scenario(const std::string& path, const std::vector<std::string>& sets = {});

// The variant called `name`, or an InputError that lists the names.
const Variant& find_variant(const Scenario& scenario, std::string_view name);

}  // namespace scenarios
