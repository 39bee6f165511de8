#include "scenarios/yaml_reader.h"

#include <algorithm>
#include <cctype>
#include <limits>

#include "scenarios/quantity.h"

namespace scenarios {
namespace {

const std::string& text_of(const Yaml& node, const std::string& expected) {
  if (node.kind != Yaml::Kind::scalar) {
    input_error(node.place, describe(node) + " for " + where(node), expected);
  }
  return node.scalar;
}

std::int64_t read_quantity(const Yaml& node, const Dimension& dimension) {
  const Quantity quantity = parse_quantity(text_of(node, std::string{dimension.what}), dimension);
  if (quantity.error) {
    input_error(node.place, quantity.error->found + " for " + where(node), quantity.error->expected,
                quantity.error->suggestion);
  }
  return quantity.value;
}

std::int64_t read_integer(const Yaml& node, std::int64_t low, std::int64_t high) {
  const std::string expected = "a whole number";
  const auto number = parse_integer(text_of(node, expected));
  if (!number) {
    input_error(node.place, describe(node) + " for " + where(node), expected);
  }
  if (*number < low || *number > high) {
    input_error(node.place, describe(node) + " for " + where(node) + ", which is out of range", expected);
  }
  return *number;
}

// "3" or "4-7".
void append_cpus(const Yaml& node, std::vector<int>& cpus) {
  constexpr std::int64_t most = 4096;
  const std::string expected = "a number or a range such as 4-7";
  const std::string& text = text_of(node, expected);
  const std::size_t dash = text.find('-', 1);
  const auto first = parse_integer(text.substr(0, dash));
  const auto last = dash == std::string::npos ? first : parse_integer(text.substr(dash + 1));
  if (!first || !last || *last < *first || *first < -most || *last > most) {
    input_error(node.place, describe(node) + " for " + where(node), expected);
  }
  for (std::int64_t cpu = *first; cpu <= *last; ++cpu) {
    cpus.push_back(static_cast<int>(cpu));
  }
}

bool is_name(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' || c == '-';
  });
}

}  // namespace

std::string where(const Yaml& node) { return node.address.empty() ? "the file" : node.address; }

void read_value(const Yaml& node, bool& value) {
  const std::string& text = text_of(node, "true or false");
  if (text != "true" && text != "false") {
    input_error(node.place, describe(node) + " for " + where(node), "true or false");
  }
  value = text == "true";
}

void read_value(const Yaml& node, int& value) {
  value =
      static_cast<int>(read_integer(node, std::numeric_limits<int>::min(), std::numeric_limits<int>::max()));
}

void read_value(const Yaml& node, std::int64_t& value) {
  value =
      read_integer(node, std::numeric_limits<std::int64_t>::min(), std::numeric_limits<std::int64_t>::max());
}

void read_value(const Yaml& node, std::uint64_t& value) {
  const std::string expected = "a whole number of 0 or more";
  const auto number = parse_unsigned(text_of(node, expected));
  if (!number) {
    input_error(node.place, describe(node) + " for " + where(node), expected);
  }
  value = *number;
}

void read_value(const Yaml& node, double& value) {
  const auto number = parse_number(text_of(node, "a number"));
  if (!number) {
    input_error(node.place, describe(node) + " for " + where(node), "a number");
  }
  value = *number;
}

void read_value(const Yaml& node, std::string& value) { value = text_of(node, "text"); }

void read_value(const Yaml& node, sim::Nanos& value) {
  value = sim::Nanos{read_quantity(node, time_dimension())};
}

void read_value(const Yaml& node, sim::Bytes& value) {
  value = sim::Bytes{read_quantity(node, bytes_dimension())};
}

void read_value(const Yaml& node, sim::BytesPerSecond& value) {
  value = sim::BytesPerSecond{read_quantity(node, rate_dimension())};
}

void read_value(const Yaml& node, std::vector<int>& value) {
  value.clear();
  if (node.kind == Yaml::Kind::scalar) {
    append_cpus(node, value);
    return;
  }
  for (const Yaml& item : items_of(node)) {
    append_cpus(item, value);
  }
}

MapReader::MapReader(const Yaml& map) : map_{map} {
  if (map.kind != Yaml::Kind::map) {
    input_error(map.place, describe(map) + " for " + where(map), "keys with values");
  }
}

void MapReader::require(std::string_view key) {
  if (map_.find(key) == nullptr) {
    missing_.emplace_back(key);
  }
}

const Yaml* MapReader::take(std::string_view key) {
  known_.emplace_back(key);
  return map_.find(key);
}

void MapReader::finish() const {
  for (const Yaml::Entry& entry : map_.entries) {
    if (std::find(known_.begin(), known_.end(), entry.key) == known_.end()) {
      const std::string suggestion = did_you_mean(entry.key, known_);
      input_error(entry.key_place, "unknown key " + quoted(entry.key) + " in " + where(map_),
                  suggestion.empty() ? "one of " + listed(known_) : "", suggestion);
    }
  }
  if (!missing_.empty()) {
    input_error(map_.place, "no key " + quoted(missing_.front()) + " in " + where(map_), "it to be given");
  }
}

const std::vector<Yaml>& items_of(const Yaml& node) {
  if (node.kind != Yaml::Kind::list) {
    input_error(node.place, describe(node) + " for " + where(node), "a list, [...]");
  }
  return node.items;
}

void check_names(const Yaml& list) {
  std::vector<std::string> names;
  for (const Yaml& item : list.items) {
    const Yaml& name = *item.find("name");
    if (!is_name(name.scalar)) {
      input_error(name.place, "the name " + describe(name), "letters, digits, '_' and '-'");
    }
    if (std::find(names.begin(), names.end(), name.scalar) != names.end()) {
      input_error(name.place, "a second " + describe(name) + " in " + where(list), "each name once");
    }
    names.push_back(name.scalar);
  }
}

void reader_detail::bad_enumerator(const Yaml& node, const std::vector<std::string>& names) {
  input_error(node.place, describe(node) + " for " + where(node), "one of " + listed(names),
              node.kind == Yaml::Kind::scalar ? did_you_mean(node.scalar, names) : "");
}

}  // namespace scenarios
