// The part of yaml.h that is about addresses: overrides, and finding what an address names.
#include <algorithm>
#include <optional>
#include <utility>

#include "scenarios/quantity.h"
#include "scenarios/suggest.h"
#include "scenarios/yaml.h"

namespace scenarios {
namespace {

std::vector<std::string> split_address(const Override& change) {
  std::vector<std::string> parts{""};
  for (const char c : change.address) {
    if (c == '.') {
      parts.emplace_back();
    } else {
      parts.back() += c;
    }
  }
  if (std::any_of(parts.begin(), parts.end(), [](const std::string& part) { return part.empty(); })) {
    input_error(change.place, "the path " + quoted(change.address), "names joined by dots",
                "for example agents.reader.count");
  }
  return parts;
}

// The name by which --set addresses an item of a list: its `name`, else its number.
std::string item_name(const Yaml& list, std::size_t i) {
  const Yaml* name = list.items[i].find("name");
  return name != nullptr && name->kind == Yaml::Kind::scalar ? name->scalar : std::to_string(i);
}

std::optional<std::size_t> find_item(const Yaml& list, std::string_view name) {
  for (std::size_t i = 0; i < list.items.size(); ++i) {
    if (item_name(list, i) == name) {
      return i;
    }
  }
  const auto number = parse_unsigned(name);
  return number && *number < list.items.size() ? std::optional<std::size_t>{*number} : std::nullopt;
}

Yaml& step_into(Yaml& node, const std::string& part, const std::string& above, const Override& change) {
  if (node.kind == Yaml::Kind::null) {
    node.kind = Yaml::Kind::map;
  }
  if (node.kind == Yaml::Kind::list) {
    if (const auto found = find_item(node, part)) {
      return node.items[*found];
    }
    std::vector<std::string> names;
    for (std::size_t i = 0; i < node.items.size(); ++i) {
      names.push_back(item_name(node, i));
    }
    input_error(change.place, "no " + quoted(part) + " in " + above,
                names.empty() ? "an empty list to be replaced as a whole" : "one of " + listed(names),
                did_you_mean(part, names));
  }
  if (node.kind != Yaml::Kind::map) {
    input_error(change.place, quoted(change.address) + ", though " + above + " is " + describe(node),
                "a path that ends there");
  }
  if (Yaml* value = node.find(part)) {
    return *value;
  }
  node.entries.push_back({part, change.place, {}});
  node.entries.back().value.place = change.place;
  return node.entries.back().value;
}

void label(Yaml& node, const std::string& address) {
  node.address = address;
  const std::string prefix = address.empty() ? "" : address + ".";
  for (Yaml::Entry& entry : node.entries) {
    label(entry.value, prefix + entry.key);
  }
  for (std::size_t i = 0; i < node.items.size(); ++i) {
    label(node.items[i], prefix + item_name(node, i));
  }
}

}  // namespace

void override_value(Yaml& root, const Override& change) {
  Yaml* node = &root;
  std::string above = "the file";
  for (const std::string& part : split_address(change)) {
    node = &step_into(*node, part, above, change);
    above = above == "the file" ? part : above + "." + part;
  }
  *node = change.value;
}

Override parse_set(const std::string& argument, int number) {
  const Place place{"--set", number, 0};
  const std::size_t equals = argument.find('=');
  if (equals == std::string::npos || equals == 0) {
    input_error(place, quoted(argument), "path=value", "for example --set agents.reader.count=8");
  }
  const std::string text = argument.substr(equals + 1);
  if (text.find_first_not_of(' ') == std::string::npos) {
    input_error(place, "no value in " + quoted(argument), "path=value");
  }
  const Place start{"--set", number, static_cast<std::int64_t>(equals) + 1};
  return {argument.substr(0, equals), place, parse_yaml(text, start, "a YAML value after '='")};
}

void label_addresses(Yaml& root) { label(root, ""); }

const Yaml& nearest(const Yaml& root, std::string_view address) {
  const Yaml* node = &root;
  while (!address.empty()) {
    const std::string_view part = address.substr(0, address.find('.'));
    address.remove_prefix(std::min(address.size(), part.size() + 1));
    const Yaml* next = node->find(part);
    if (const auto item = find_item(*node, part)) {
      next = &node->items[*item];
    }
    if (next == nullptr) {
      break;
    }
    node = next;
  }
  return *node;
}

}  // namespace scenarios
