#include "scenarios/scenario.h"

#include <array>
#include <cstdio>
#include <filesystem>
#include <type_traits>
#include <utility>
#include <variant>

#include "scenarios/machine.h"
#include "scenarios/suggest.h"
#include "scenarios/validate.h"
#include "scenarios/yaml_reader.h"

namespace scenarios {
namespace {

namespace fs = std::filesystem;

// FNV-1a. Identifies what was simulated in reports; nothing depends on it.
class Digest {
 public:
  void add(std::string_view text) {
    for (const char c : text) {
      hash_ = (hash_ ^ static_cast<unsigned char>(c)) * 0x100000001b3;
    }
  }
  std::string hex() const {
    std::array<char, 17> text{};
    std::snprintf(text.data(), text.size(), "%016llx", static_cast<unsigned long long>(hash_));
    return text.data();
  }

 private:
  std::uint64_t hash_ = 0xcbf29ce484222325;
};

template <class Config>
bool read_if_model(const Yaml& node, const std::string& model, models::AnyDeviceConfig& device) {
  if (model != Config::model) {
    return false;
  }
  refuse_managed_vectors(node, model);
  Config config;
  MapReader reader{node};
  reader.take("model");
  reader.require("name");
  fields(config, reader);
  reader.finish();
  device = std::move(config);
  return true;
}

template <class... Configs>
std::vector<std::string> model_names(std::type_identity<std::variant<Configs...>>) {
  return {std::string{Configs::model}...};
}

template <class... Configs>
bool read_any(const Yaml& node, const std::string& model, models::AnyDeviceConfig& device,
              std::type_identity<std::variant<Configs...>>) {
  return (read_if_model<Configs>(node, model, device) || ...);
}

models::AnyDeviceConfig read_device(const Yaml& node) {
  constexpr std::type_identity<models::AnyDeviceConfig> all;
  const std::vector<std::string> names = model_names(all);
  if (node.kind != Yaml::Kind::map || node.find("model") == nullptr) {
    input_error(node.place, "no key 'model' in " + where(node), "one of " + listed(names));
  }
  const Yaml& model = *node.find("model");
  models::AnyDeviceConfig device;
  if (!read_any(node, model.scalar, device, all)) {
    input_error(model.place, "the device model " + describe(model), "one of " + listed(names),
                did_you_mean(model.scalar, names));
  }
  return device;
}

// A path is relative to the file that says it; one on the command line, to the working directory.
std::string resolved(const Yaml& node, const std::string& scenario_path) {
  std::string text;
  read_value(node, text);
  const bool in_file = node.place.file == scenario_path;
  const fs::path path =
      ((in_file ? fs::path{scenario_path}.parent_path() : fs::path{}) / text).lexically_normal();
  if (!fs::exists(path)) {
    input_error(node.place, "no file " + scenarios::quoted(path.string(), 200) + " for " + where(node),
                in_file ? "a profile, relative to the scenario" : "a profile",
                "chainsim calibrate writes one");
  }
  return path.string();
}

void read_host(const Yaml& node, const std::string& scenario_path, Variant& variant) {
  MapReader reader{node};
  fields(variant.host.topology, reader);
  reader("kernel", variant.host.kernel);
  reader("cgroups", variant.host.cgroups);
  reader.require("costs");
  const Yaml* costs = reader.take("costs");
  const Yaml* defaults = reader.take("defaults");
  reader.finish();
  variant.profile = load_profile(resolved(*costs, scenario_path),
                                 defaults == nullptr ? "" : resolved(*defaults, scenario_path));
  variant.host.costs = costs_of(variant.profile);
  if (variant.profile.steal && node.find("steal") == nullptr) {
    variant.host.topology.steal = {.interval = variant.profile.steal->interval.value,
                                   .length = variant.profile.steal->length.value};
  }
}

void read_devices(const Yaml& node, models::HostConfig& host) {
  for (const Yaml& item : items_of(node)) {
    host.devices.push_back(read_device(item));
  }
  check_names(node);
}

void check_schema(const Yaml& root) {
  const Yaml* schema = root.find("schema");
  if (schema == nullptr) {
    input_error(root.place, "no key 'schema'", "schema: 1");
  }
  if (schema->scalar != "1") {
    input_error(schema->place, "schema " + describe(*schema), "1: this version reads no other");
  }
}

// Everything but `variants`, which the caller has taken out.
void read_variant(const Yaml& root, Scenario& scenario, Variant& variant) {
  MapReader reader{root};
  reader.take("schema");
  reader("title", scenario.title);
  reader("question", scenario.question);
  reader("expect", scenario.expect);
  reader.required("run", scenario.run);
  reader.require("host");
  const Yaml* host = reader.take("host");
  reader("policies", variant.host.policies);
  if (const Yaml* devices = reader.take("devices")) {
    read_devices(*devices, variant.host);
  }
  reader("agents", variant.host.agents);
  reader("background", variant.host.background);
  reader("tracer", variant.host.tracer);
  if (const Yaml* live = reader.take("live")) {
    variant.live = read_live_config(*live);
  }
  reader.take("variants");  // known, so that a mistyped one is suggested
  if (const Yaml* machine = reader.take("machine")) {
    input_error(machine->place, "machine, which a variant or --set cannot change",
                "it in the scenario's file");
  }
  reader.take("topology");  // what chainsim topology says beyond host and devices: for people
  reader.finish();
  read_host(*host, scenario.path, variant);
  validate_run(root, scenario.run);
  validate_host(root, variant.host);
  variant.outside_domain = outside_domain(variant.profile, variant.host);
}

// What one variant is, before it is applied.
struct VariantText {
  std::string name;
  std::string title;
  std::string question;
  std::string against;
  std::vector<Override> set;  // those of `against` first
};

// A variant that is an effect starts as the one it is against, which comes before it.
void start_as(const std::vector<VariantText>& before, const Yaml& against, VariantText& text) {
  std::vector<std::string> names;
  for (const VariantText& other : before) {
    if (other.name == against.scalar) {
      text.against = other.name;
      text.set = other.set;
      return;
    }
    names.push_back(other.name);
  }
  input_error(against.place, describe(against) + " for " + where(against),
              names.empty() ? "a variant that comes before this one" : "one of " + listed(names));
}

VariantText read_variant_text(const Yaml::Entry& entry, const std::vector<VariantText>& before) {
  VariantText text{.name = entry.key, .title = "", .question = "", .against = "", .set = {}};
  MapReader reader{entry.value};
  reader("title", text.title);
  reader("question", text.question);
  if (const Yaml* against = reader.take("against"); against != nullptr) {
    start_as(before, *against, text);
  }
  if (const Yaml* set = reader.take("set"); set != nullptr && set->kind != Yaml::Kind::null) {
    if (set->kind != Yaml::Kind::map) {
      input_error(set->place, describe(*set) + " for " + where(*set), "{path: value, ...}");
    }
    for (const Yaml::Entry& change : set->entries) {
      text.set.push_back({change.key, change.key_place, change.value});
    }
  }
  reader.finish();
  return text;
}

std::vector<VariantText> read_variant_texts(const Yaml* variants) {
  std::vector<VariantText> texts;
  if (variants == nullptr) {
    return texts;
  }
  if (variants->kind != Yaml::Kind::map || variants->entries.empty()) {
    input_error(variants->place, describe(*variants) + " for variants",
                "{name: {title: ..., set: {path: value}}}");
  }
  for (const Yaml::Entry& entry : variants->entries) {
    texts.push_back(read_variant_text(entry, texts));
    for (const Override& change : texts.back().set) {
      const std::string top = change.address.substr(0, change.address.find('.'));
      if (top == "run" || top == "schema" || top == "variants") {
        input_error(change.place, scenarios::quoted(change.address) + " in a variant",
                    "what differs between hosts: all variants share one run");
      }
    }
  }
  return texts;
}

Variant build_variant(Yaml root, const VariantText& text, const std::vector<Override>& sets,
                      Scenario& scenario, Digest& digest) {
  Variant variant;
  variant.name = text.name;
  variant.title = text.title;
  variant.question = text.question;
  variant.against = text.against;
  for (const Override& change : text.set) {
    override_value(root, change);
    variant.settings.push_back(change.address + " = " + write_yaml_inline(change.value));
  }
  for (const Override& change : sets) {
    override_value(root, change);
  }
  label_addresses(root);
  read_variant(root, scenario, variant);
  digest.add(variant.name + "\n" + write_yaml(root) + profile_text(variant.profile));
  variant.written = std::move(root);
  return variant;
}

}  // namespace

Scenario load_scenario(const std::string& path, const std::vector<std::string>& sets) {
  Scenario scenario;
  scenario.path = path;
  scenario.sets = sets;
  Yaml root = load_yaml(path, "a scenario (YAML, schema: 1)");
  if (root.kind != Yaml::Kind::map) {
    input_error(root.place, describe(root), "a scenario: keys such as run, host, agents");
  }
  check_schema(root);
  merge_machine(root, path);
  std::vector<Override> late;
  for (std::size_t i = 0; i < sets.size(); ++i) {
    Override change = parse_set(sets[i], static_cast<int>(i) + 1);
    if (change.address == "variants" || change.address.rfind("variants.", 0) == 0) {
      override_value(root, change);
    } else {
      late.push_back(std::move(change));
    }
  }
  label_addresses(root);
  const std::vector<VariantText> texts = read_variant_texts(root.find("variants"));
  std::erase_if(root.entries, [](const Yaml::Entry& entry) { return entry.key == "variants"; });

  Digest digest;
  scenario.base =
      build_variant(root, {.name = "base", .title = "", .question = "", .against = "", .set = {}}, late, scenario, digest);
  for (const VariantText& text : texts) {
    scenario.variants.push_back(build_variant(root, text, late, scenario, digest));
  }
  scenario.digest = digest.hex();
  return scenario;
}

const Variant& find_variant(const Scenario& scenario, std::string_view name) {
  std::vector<std::string> names;
  for (const Variant& variant : scenario.variants) {
    if (variant.name == name) {
      return variant;
    }
    names.push_back(variant.name);
  }
  throw InputError{{.file = scenario.path,
                    .line = 0,
                    .column = 0,
                    .found = "no variant " + scenarios::quoted(name),
                    .expected = names.empty() ? "a scenario with variants" : "one of " + listed(names),
                    .suggestion = did_you_mean(name, names)}};
}

}  // namespace scenarios
