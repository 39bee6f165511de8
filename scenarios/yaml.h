// A YAML document as a tree that remembers where each value was written.
//
//   file ──load_yaml()──► Yaml ──override_value()──► Yaml ──yaml_reader.h──► config structs
//
// Scalars stay text until a reader knows the type it wants: `6.12` is a release, `0x10` a string.
// Left out of YAML: tags, several documents in a file; anchors and aliases are copied where they stand.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "scenarios/input_error.h"

namespace scenarios {

// Where a value was written. For a command-line override `file` is "--set" and `line` its number.
struct Place {
  std::string file;
  std::int64_t line = 0;
  std::int64_t column = 0;
};

struct Yaml {
  enum class Kind : std::uint8_t { null, scalar, list, map };
  struct Entry;

  Kind kind = Kind::null;
  std::string scalar;
  std::vector<Yaml> items;     // of a list
  std::vector<Entry> entries;  // of a map, in the order written; keys are unique
  Place place;
  std::string address;  // "agents.reader.sched": how --set would name it; the root's is empty

  const Yaml* find(std::string_view key) const;
  Yaml* find(std::string_view key);
  const Entry* entry(std::string_view key) const;
};

struct Yaml::Entry {
  std::string key;
  Place key_place;
  Yaml value;
};

// Builders, for what is written rather than read.
Yaml yaml_scalar(std::string text);
Yaml yaml_list(std::vector<Yaml> items);
Yaml yaml_map(std::vector<std::pair<std::string, Yaml>> entries);

// Reads one file. `what` it should hold ("a scenario") makes the messages. Throws InputError: unreadable,
// larger than 16 MiB, empty, binary, not YAML, a key twice, more than one document.
Yaml load_yaml(const std::string& path, std::string_view what);

// The same from text; `name` stands for the file in messages.
Yaml parse_yaml(const std::string& text, const std::string& name, std::string_view what);

// The same for a part of one line that starts after `start`: a --set argument.
Yaml parse_yaml(const std::string& text, const Place& start, std::string_view what);

// One override: the value at `address` is replaced, keys that are missing on the way are created.
// Elements of lists are addressed by their `name`, or by their number from 0.
struct Override {
  std::string address;
  Place place;  // of the address, for messages
  Yaml value;
};
void override_value(Yaml& root, const Override& change);

// "agents.reader.cpu=1" of the `number`th --set, from 1. The value is YAML: numbers, text, [lists], {maps}.
Override parse_set(const std::string& argument, int number);

// Writes each value's address. Call it after the last override.
void label_addresses(Yaml& root);

// The value at `address`, or the nearest one above it that exists: where to point an error.
const Yaml& nearest(const Yaml& root, std::string_view address);

[[noreturn]] void input_error(const Place& place, std::string found, std::string expected,
                              std::string suggestion = "");

// Block style down to small collections, which are written on one line: [0, 1us], {mean: 300us}.
std::string write_yaml(const Yaml& root);
std::string write_yaml_inline(const Yaml& node);  // on one line

// "a list", "a map", "the text 'x'": what is there, for messages.
std::string describe(const Yaml& node);

}  // namespace scenarios
