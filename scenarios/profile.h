// A profile: every cost as a distribution, with where it comes from. The form is in docs/profile.md.
//
//   profile.yaml (calibrated) ─┐
//   defaults.yaml ─────────────┴─ load_profile() ──► Profile ──► models::Costs, outside_domain()
//
// A cost the profile does not have is taken from the defaults, and stays labelled as a default.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "models/costs.h"
#include "models/host_config.h"
#include "scenarios/distribution_yaml.h"

namespace scenarios {

// Relative standard errors of a calibrated cost's percentiles, such as 0.02: from the captures' finiteness.
struct CostUncertainty {
  double p50 = 0;
  double p99 = 0;
};

struct ProfileCost {
  WrittenDistribution value;
  models::Basis basis = models::Basis::fallback;
  std::string source;        // capture, kernel, machine; or the literature
  std::int64_t count = 0;    // samples behind it; 0: not from samples
  std::string fit;           // "lognormal", "empirical", ...; may be empty
  std::optional<double> ks;  // Kolmogorov-Smirnov distance of the fit
  std::string note;          // may be empty
  std::optional<CostUncertainty> uncertainty;
  double autocorrelation = 0;  // models/costs.h; 0..<1, written where it matters
};

// What the hypervisor took during the captures. A scenario's own host.steal has the last word.
struct ProfileSteal {
  WrittenDistribution interval;
  WrittenDistribution length;
  std::string source;
};

// Relative standard deviations between repeated real runs, of a step column's p50, p90, p99, p99.9.
struct RepeatSpread {
  std::string column;  // as models::metric_name has it
  std::array<double, 4> relative{};
};

// The machines and loads that the captures show. Empty: none, every scenario is outside.
struct ProfileDomain {
  std::vector<int> cpus;              // [fewest, most]
  std::vector<int> smt;               // [fewest, most] hardware threads per core; empty: [1, 1]
  std::vector<std::string> kernels;   // releases, as host.kernel.release names them
  std::vector<std::string> devices;   // models, as devices[].model names them
  std::vector<std::string> policies;  // as policies[].name names them; empty: [kernel_default]
  std::vector<std::string> loads;     // names of the captured loads, for the reader
};

struct Profile {
  std::string path;     // as given; empty before it is written
  std::string machine;  // one line
  std::string kernel;   // one line
  std::vector<std::string> captures;
  std::vector<std::string> notes;  // flaws found, what could not be identified
  ProfileDomain domain;
  std::optional<ProfileSteal> steal;
  std::vector<RepeatSpread> repeat_spread;  // empty: not measured
  std::array<std::optional<ProfileCost>, models::cost_count> costs;

  std::optional<ProfileCost>& operator[](models::Cost id) { return costs[static_cast<std::size_t>(id)]; }
  const std::optional<ProfileCost>& operator[](models::Cost id) const {
    return costs[static_cast<std::size_t>(id)];
  }
};

// Reads one file of kind `profile` or `defaults` as it stands. Costs of kind `defaults` are all fallbacks.
// Throws InputError.
Profile load_profile_alone(const std::string& path);

// Reads a profile and fills what it lacks from the defaults: `defaults_path`, or where that is empty the
// file its key `defaults` names, or defaults.yaml beside it. Every cost has a value afterwards.
Profile load_profile(const std::string& path, const std::string& defaults_path = "");

// What the models charge. Every cost must have a value.
models::Costs costs_of(const Profile& profile);

// Why a result for `host` is an extrapolation: "16 CPUs (calibrated: 2)", ... Empty: inside the domain.
std::vector<std::string> outside_domain(const Profile& profile, const models::HostConfig& host);

// The file as text, and written in one piece (throws OutputError). Costs without a value are left out.
std::string profile_text(const Profile& profile);
void write_profile(const std::string& path, const Profile& profile);

}  // namespace scenarios
