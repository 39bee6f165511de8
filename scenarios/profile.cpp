#include "scenarios/profile.h"

#include <algorithm>
#include <filesystem>

#include "scenarios/suggest.h"
#include "scenarios/yaml_reader.h"
#include "sim/check.h"

namespace scenarios {
namespace {

void check_schema(const Yaml& root, const std::string& kind) {
  const Yaml* schema = root.find("schema");
  if (schema == nullptr) {
    input_error(root.place, "no key 'schema'", "schema: 1");
  }
  if (schema->scalar != "1") {
    input_error(schema->place, "schema " + describe(*schema), "1: this version reads no other");
  }
  if (kind != "profile" && kind != "defaults") {
    input_error(root.place, kind.empty() ? "no key 'kind'" : "the kind " + scenarios::quoted(kind),
                "kind: profile, or kind: defaults");
  }
}

void read_texts(MapReader& reader, std::string_view key, std::vector<std::string>& texts) {
  if (const Yaml* node = reader.take(key)) {
    read_value(*node, texts);
  }
}

// "2" or "[2, 16]".
void read_range(MapReader& reader, std::string_view key, std::vector<int>& range) {
  const Yaml* node = reader.take(key);
  if (node == nullptr) {
    return;
  }
  read_value(*node, range);
  if (range.empty() || range.size() > 2 || range.front() < 1 || range.back() < range.front()) {
    input_error(node->place, describe(*node) + " for " + where(*node), "[fewest, most]");
  }
  range = {range.front(), range.back()};
}

void read_domain(const Yaml& node, ProfileDomain& domain) {
  MapReader reader{node};
  read_range(reader, "cpus", domain.cpus);
  read_range(reader, "smt", domain.smt);
  read_texts(reader, "kernels", domain.kernels);
  read_texts(reader, "devices", domain.devices);
  read_texts(reader, "policies", domain.policies);
  read_texts(reader, "loads", domain.loads);
  reader.finish();
}

models::Basis read_basis(const Yaml& node) {
  if (node.scalar != "calibrated" && node.scalar != "default") {
    input_error(node.place, describe(node) + " for " + where(node), "calibrated or default");
  }
  return node.scalar == "calibrated" ? models::Basis::calibrated : models::Basis::fallback;
}

double read_between(const Yaml& node, double low, double high, std::string_view expected) {
  double value = 0;
  read_value(node, value);
  if (!(value >= low && value < high)) {
    input_error(node.place, describe(node) + " for " + where(node), std::string{expected});
  }
  return value;
}

CostUncertainty read_uncertainty(const Yaml& node) {
  CostUncertainty uncertainty;
  MapReader reader{node};
  for (const auto& [key, value] : {std::pair{"p50", &uncertainty.p50}, std::pair{"p99", &uncertainty.p99}}) {
    reader.require(key);
    if (const Yaml* given = reader.take(key)) {
      *value = read_between(*given, 0, 100, "a relative standard error, such as 0.02");
    }
  }
  reader.finish();
  return uncertainty;
}

ProfileSteal read_steal(const Yaml& node) {
  ProfileSteal steal;
  MapReader reader{node};
  reader.require("interval");
  reader.require("length");
  reader.require("source");
  if (const Yaml* interval = reader.take("interval")) {
    steal.interval = read_distribution(*interval);
  }
  if (const Yaml* length = reader.take("length")) {
    steal.length = read_distribution(*length);
  }
  reader("source", steal.source);
  reader.finish();
  return steal;
}

std::vector<RepeatSpread> read_repeat_spread(const Yaml& node) {
  if (node.kind != Yaml::Kind::map) {
    input_error(node.place, describe(node) + " for " + where(node), "{step: [0.01, 0.01, 0.02, 0.06], ...}");
  }
  std::vector<RepeatSpread> spreads;
  for (const Yaml::Entry& entry : node.entries) {
    RepeatSpread spread{.column = entry.key};
    const std::vector<Yaml>& items = entry.value.items;
    if (items.size() != spread.relative.size()) {
      input_error(entry.value.place, describe(entry.value) + " for " + where(entry.value),
                  "four numbers, of p50, p90, p99 and p99.9");
    }
    for (std::size_t i = 0; i < items.size(); ++i) {
      spread.relative[i] = read_between(items[i], 0, 100, "a relative deviation, such as 0.02");
    }
    spreads.push_back(std::move(spread));
  }
  return spreads;
}

ProfileCost read_cost(const Yaml& node, bool defaults) {
  ProfileCost cost;
  MapReader reader{node};
  reader.require("value");
  reader.require("source");  // no cost without one
  if (const Yaml* value = reader.take("value")) {
    cost.value = read_distribution(*value);
  }
  if (!defaults) {
    reader.require("basis");
  }
  if (const Yaml* basis = reader.take("basis")) {
    cost.basis = read_basis(*basis);
    if (defaults && cost.basis == models::Basis::calibrated) {
      input_error(basis->place, "a calibrated cost among the defaults", "default");
    }
  }
  reader("source", cost.source);
  reader("count", cost.count);
  reader("fit", cost.fit);
  if (const Yaml* ks = reader.take("ks")) {
    read_value(*ks, cost.ks.emplace());
  }
  reader("note", cost.note);
  if (const Yaml* uncertainty = reader.take("uncertainty")) {
    cost.uncertainty = read_uncertainty(*uncertainty);
  }
  if (const Yaml* autocorrelation = reader.take("autocorrelation")) {
    cost.autocorrelation = read_between(*autocorrelation, 0, 1, "0 or more, below 1");
  }
  reader.finish();
  return cost;
}

void read_costs(const Yaml& node, bool defaults, Profile& profile) {
  if (node.kind != Yaml::Kind::map) {
    input_error(node.place, describe(node) + " for costs", "cost names with values");
  }
  std::vector<std::string> names;
  for (const models::CostEntry& entry : models::cost_list) {
    names.emplace_back(entry.name);
  }
  for (const Yaml::Entry& entry : node.entries) {
    const auto at = std::find(names.begin(), names.end(), entry.key);
    if (at == names.end()) {
      input_error(entry.key_place, "unknown cost " + scenarios::quoted(entry.key), "a name of models/costs.h",
                  did_you_mean(entry.key, names));
    }
    profile.costs[static_cast<std::size_t>(at - names.begin())] = read_cost(entry.value, defaults);
  }
}

struct Loaded {
  Profile profile;
  std::string defaults;  // the path the file names, relative to it; may be empty
};

Loaded load(const std::string& path) {
  Yaml root = load_yaml(path, "a profile (YAML, schema: 1)");
  label_addresses(root);
  MapReader reader{root};
  Loaded loaded;
  std::string kind;
  int schema = 0;
  reader.take("schema");
  reader("kind", kind);
  check_schema(root, kind);
  reader("schema", schema);
  Profile& profile = loaded.profile;
  profile.path = path;
  reader("machine", profile.machine);
  reader("kernel", profile.kernel);
  read_texts(reader, "captures", profile.captures);
  read_texts(reader, "notes", profile.notes);
  reader("defaults", loaded.defaults);
  if (const Yaml* domain = reader.take("domain")) {
    read_domain(*domain, profile.domain);
  }
  if (const Yaml* steal = reader.take("steal")) {
    profile.steal = read_steal(*steal);
  }
  if (const Yaml* spread = reader.take("repeat_spread")) {
    profile.repeat_spread = read_repeat_spread(*spread);
  }
  reader.require("costs");
  if (const Yaml* costs = reader.take("costs")) {
    read_costs(*costs, kind == "defaults", profile);
  }
  reader.finish();
  return loaded;
}

const models::CostEntry* first_missing(const Profile& profile) {
  for (const models::CostEntry& entry : models::cost_list) {
    if (!profile[entry.id]) {
      return &entry;
    }
  }
  return nullptr;
}

bool contains(const std::vector<std::string>& list, const std::string& item) {
  return std::find(list.begin(), list.end(), item) != list.end();
}

std::string range_text(const std::vector<int>& range) {
  const std::string first = std::to_string(range.front());
  return range.front() == range.back() ? first : first + " to " + std::to_string(range.back());
}

// "nic, nvme never seen", for those of `used` that are not in `seen`.
void add_unseen(std::vector<std::string>& reasons, const std::string& what, std::vector<std::string> used,
                const std::vector<std::string>& seen) {
  std::sort(used.begin(), used.end());
  used.erase(std::unique(used.begin(), used.end()), used.end());
  std::erase_if(used, [&](const std::string& name) { return contains(seen, name); });
  if (!used.empty()) {
    reasons.push_back(what + listed(used) + " never seen");
  }
}

}  // namespace

Profile load_profile_alone(const std::string& path) { return load(path).profile; }

Profile load_profile(const std::string& path, const std::string& defaults_path) {
  Loaded loaded = load(path);
  Profile& profile = loaded.profile;
  if (first_missing(profile) == nullptr) {
    return profile;
  }
  const std::filesystem::path beside = std::filesystem::path{path}.parent_path();
  const std::string named = loaded.defaults.empty() ? "defaults.yaml" : loaded.defaults;
  const Profile defaults = load_profile_alone(
      defaults_path.empty() ? (beside / named).lexically_normal().string() : defaults_path);
  for (std::size_t i = 0; i < models::cost_count; ++i) {
    if (!profile.costs[i]) {
      profile.costs[i] = defaults.costs[i];
    }
  }
  if (const models::CostEntry* missing = first_missing(profile)) {
    input_error({defaults.path, 0, 0}, "no cost " + scenarios::quoted(missing->name),
                "every cost to have a default");
  }
  return profile;
}

models::Costs costs_of(const Profile& profile) {
  models::Costs costs;
  for (const models::CostEntry& entry : models::cost_list) {
    const auto& cost = profile[entry.id];
    sim::check(cost.has_value(), "every cost of a loaded profile has a value");
    costs[entry.id] = {.value = cost->value.value,
                       .basis = cost->basis,
                       .autocorrelation = cost->autocorrelation};
  }
  return costs;
}

std::vector<std::string> outside_domain(const Profile& profile, const models::HostConfig& host) {
  const ProfileDomain& domain = profile.domain;
  if (domain.cpus.empty()) {
    return {"the profile rests on no captures"};
  }
  std::vector<std::string> reasons;
  const int cpus = host.topology.cpus;
  if (cpus < domain.cpus.front() || cpus > domain.cpus.back()) {
    reasons.push_back(std::to_string(cpus) + " CPUs (calibrated: " + range_text(domain.cpus) + ")");
  }
  const std::vector<int> smt = domain.smt.empty() ? std::vector<int>{1, 1} : domain.smt;
  if (host.topology.smt < smt.front() || host.topology.smt > smt.back()) {
    reasons.push_back("SMT " + std::to_string(host.topology.smt) + " (calibrated: " + range_text(smt) + ")");
  }
  const std::string release = enumerator_name(host.kernel.release);
  if (!contains(domain.kernels, release)) {
    reasons.push_back(
        "Linux " + release +
        (domain.kernels.empty() ? " never seen" : " (calibrated: " + listed(domain.kernels) + ")"));
  }
  std::vector<std::string> devices;
  for (const models::AnyDeviceConfig& device : host.devices) {
    std::visit([&](const auto& config) { devices.emplace_back(config.model); }, device);
  }
  add_unseen(reasons, "", devices, domain.devices);
  std::vector<std::string> policies;
  for (const models::PolicyConfig& policy : host.policies) {
    policies.push_back(policy.name);
  }
  std::vector<std::string> seen = domain.policies;
  seen.emplace_back("kernel_default");
  add_unseen(reasons, policies.size() > 1 ? "policies " : "policy ", policies, seen);
  return reasons;
}

}  // namespace scenarios
