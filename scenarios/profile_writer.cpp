// The writing half of profile.h.
#include <array>
#include <charconv>
#include <utility>

#include "scenarios/output.h"
#include "scenarios/profile.h"
#include "scenarios/yaml.h"

namespace scenarios {
namespace {

using Entries = std::vector<std::pair<std::string, Yaml>>;

Yaml texts(const std::vector<std::string>& list) {
  std::vector<Yaml> items;
  for (const std::string& text : list) {
    items.push_back(yaml_scalar(text));
  }
  return yaml_list(std::move(items));
}

Yaml range(const std::vector<int>& numbers) {
  std::vector<Yaml> items;
  for (const int number : numbers) {
    items.push_back(yaml_scalar(std::to_string(number)));
  }
  return yaml_list(std::move(items));
}

void add_text(Entries& entries, const std::string& key, const std::string& text) {
  if (!text.empty()) {
    entries.emplace_back(key, yaml_scalar(text));
  }
}

void add_texts(Entries& entries, const std::string& key, const std::vector<std::string>& list) {
  if (!list.empty()) {
    entries.emplace_back(key, texts(list));
  }
}

Yaml domain_yaml(const ProfileDomain& domain) {
  Entries entries{{"cpus", range(domain.cpus)}};
  if (!domain.smt.empty()) {
    entries.emplace_back("smt", range(domain.smt));
  }
  add_texts(entries, "kernels", domain.kernels);
  add_texts(entries, "devices", domain.devices);
  add_texts(entries, "policies", domain.policies);
  add_texts(entries, "loads", domain.loads);
  return yaml_map(std::move(entries));
}

std::string four_digits(double value) {
  std::array<char, 32> text{};
  const auto end =
      std::to_chars(text.data(), text.data() + text.size(), value, std::chars_format::general, 4).ptr;
  return {text.data(), end};
}

Yaml cost_yaml(const ProfileCost& cost) {
  Entries entries{{"value", cost.value.yaml}};
  entries.emplace_back("basis",
                       yaml_scalar(cost.basis == models::Basis::calibrated ? "calibrated" : "default"));
  entries.emplace_back("source", yaml_scalar(cost.source));
  if (cost.count > 0) {
    entries.emplace_back("count", yaml_scalar(std::to_string(cost.count)));
  }
  add_text(entries, "fit", cost.fit);
  if (cost.ks) {
    entries.emplace_back("ks", yaml_scalar(four_digits(*cost.ks)));
  }
  add_text(entries, "note", cost.note);
  if (cost.uncertainty) {
    entries.emplace_back("uncertainty", yaml_map({{"p50", yaml_scalar(four_digits(cost.uncertainty->p50))},
                                                  {"p99", yaml_scalar(four_digits(cost.uncertainty->p99))}}));
  }
  if (cost.autocorrelation != 0) {
    entries.emplace_back("autocorrelation", yaml_scalar(four_digits(cost.autocorrelation)));
  }
  return yaml_map(std::move(entries));
}

Yaml repeat_spread_yaml(const std::vector<RepeatSpread>& spreads) {
  Entries entries;
  for (const RepeatSpread& spread : spreads) {
    std::vector<Yaml> items;
    for (const double relative : spread.relative) {
      items.push_back(yaml_scalar(four_digits(relative)));
    }
    entries.emplace_back(spread.column, yaml_list(std::move(items)));
  }
  return yaml_map(std::move(entries));
}

}  // namespace

std::string profile_text(const Profile& profile) {
  Entries entries{{"schema", yaml_scalar("1")}, {"kind", yaml_scalar("profile")}};
  add_text(entries, "machine", profile.machine);
  add_text(entries, "kernel", profile.kernel);
  add_texts(entries, "captures", profile.captures);
  add_texts(entries, "notes", profile.notes);
  if (!profile.domain.cpus.empty()) {
    entries.emplace_back("domain", domain_yaml(profile.domain));
  }
  if (profile.steal) {
    entries.emplace_back("steal", yaml_map({{"interval", profile.steal->interval.yaml},
                                            {"length", profile.steal->length.yaml},
                                            {"source", yaml_scalar(profile.steal->source)}}));
  }
  if (!profile.repeat_spread.empty()) {
    entries.emplace_back("repeat_spread", repeat_spread_yaml(profile.repeat_spread));
  }
  Entries costs;
  for (const models::CostEntry& entry : models::cost_list) {
    if (const auto& cost = profile[entry.id]) {
      costs.emplace_back(std::string{entry.name}, cost_yaml(*cost));
    }
  }
  entries.emplace_back("costs", yaml_map(std::move(costs)));
  return "# Written by chainsim calibrate. The form is described in docs/profile.md.\n" +
         write_yaml(yaml_map(std::move(entries)));
}

void write_profile(const std::string& path, const Profile& profile) {
  write_file(path, profile_text(profile));
}

}  // namespace scenarios
