#include "scenarios/machine.h"

#include <algorithm>
#include <filesystem>
#include <utility>

#include "scenarios/suggest.h"

namespace scenarios {
namespace {

namespace fs = std::filesystem;

std::string machine_path(const Yaml& node, const std::string& scenario_path) {
  const std::string expected = "a file that chainsim topology wrote, relative to the scenario";
  if (node.kind != Yaml::Kind::scalar || node.scalar.empty()) {
    input_error(node.place, describe(node) + " for machine", expected);
  }
  const bool in_file = node.place.file != "--set";
  const fs::path path =
      ((in_file ? fs::path{scenario_path}.parent_path() : fs::path{}) / node.scalar).lexically_normal();
  if (!fs::exists(path)) {
    input_error(node.place, "no file " + quoted(path.string(), 200) + " for machine", expected,
                "chainsim topology > " + quoted(path.string(), 200));
  }
  return path.string();
}

Yaml take(Yaml& map, std::string_view key) {
  Yaml taken;
  const auto at = std::find_if(map.entries.begin(), map.entries.end(),
                               [&](const Yaml::Entry& entry) { return entry.key == key; });
  if (at != map.entries.end()) {
    taken = std::move(at->value);
    map.entries.erase(at);
  }
  return taken;
}

// Entries of `from` that `into` does not have; maps that both have are merged in the same way.
void merge_maps(Yaml& into, Yaml from) {
  for (Yaml::Entry& entry : from.entries) {
    Yaml* own = into.find(entry.key);
    if (own == nullptr) {
      into.entries.push_back(std::move(entry));
    } else if (own->kind == Yaml::Kind::map && entry.value.kind == Yaml::Kind::map) {
      merge_maps(*own, std::move(entry.value));
    }
  }
}

void merge_devices(Yaml& into, Yaml from) {
  const auto name_of = [](const Yaml& device) {
    const Yaml* name = device.kind == Yaml::Kind::map ? device.find("name") : nullptr;
    return name == nullptr ? std::string{} : name->scalar;
  };
  for (Yaml& device : from.items) {
    const bool known = std::any_of(into.items.begin(), into.items.end(),
                                   [&](const Yaml& own) { return name_of(own) == name_of(device); });
    if (!known) {
      into.items.push_back(std::move(device));
    }
  }
}

// The value of `key` in `root`, made as an empty `kind` where there is none.
Yaml& value_of(Yaml& root, const std::string& key, Yaml::Kind kind, const Place& place) {
  if (root.find(key) == nullptr) {
    Yaml value;
    value.kind = kind;
    value.place = place;
    root.entries.push_back({key, place, std::move(value)});
  }
  return *root.find(key);
}

}  // namespace

void merge_machine(Yaml& root, const std::string& scenario_path) {
  if (root.find("machine") == nullptr) {
    return;
  }
  const Yaml node = take(root, "machine");
  const std::string path = machine_path(node, scenario_path);
  Yaml machine = load_yaml(path, "a machine (YAML of chainsim topology, schema: 1)");
  if (machine.kind != Yaml::Kind::map || machine.find("host") == nullptr ||
      machine.find("host")->kind != Yaml::Kind::map) {
    input_error(machine.place, machine.kind == Yaml::Kind::map ? "no key 'host'" : describe(machine),
                "a machine as chainsim topology writes it: host, devices, topology");
  }
  Yaml& host = value_of(root, "host", Yaml::Kind::map, node.place);
  if (host.kind == Yaml::Kind::map) {
    merge_maps(host, take(machine, "host"));
  }
  if (const Yaml* devices = machine.find("devices");
      devices != nullptr && devices->kind == Yaml::Kind::list) {
    Yaml& own = value_of(root, "devices", Yaml::Kind::list, node.place);
    if (own.kind == Yaml::Kind::list) {
      merge_devices(own, take(machine, "devices"));
    }
  }
}

}  // namespace scenarios
