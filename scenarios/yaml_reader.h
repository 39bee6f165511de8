// Reads a Yaml tree into config structs through their `fields`: the YAML keys are said once, there.
//
//   struct MsixConfig { ... };  fields(MsixConfig&, visitor)     {aggregation_time: 100us} ──► MsixConfig
//
// Everything wrong is an InputError with the place: unknown key (with the nearest known one), wrong type,
// missing unit, bad enumerator, missing key, two elements of one name. A key that is absent keeps its
// default.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "scenarios/suggest.h"
#include "scenarios/yaml.h"
#include "sim/distribution.h"
#include "sim/time.h"
#include "sim/units.h"

namespace scenarios {

void read_value(const Yaml& node, bool& value);
void read_value(const Yaml& node, int& value);
void read_value(const Yaml& node, std::int64_t& value);
void read_value(const Yaml& node, std::uint64_t& value);
void read_value(const Yaml& node, double& value);
void read_value(const Yaml& node, std::string& value);
void read_value(const Yaml& node, sim::Nanos& value);
void read_value(const Yaml& node, sim::Bytes& value);
void read_value(const Yaml& node, sim::BytesPerSecond& value);
void read_value(const Yaml& node, sim::Distribution& value);  // scenarios/distribution_yaml.h has the forms
void read_value(const Yaml& node, std::vector<int>& value);   // [0, 2, 4-7], or 4-7 alone, as taskset -c
template <class T>
void read_value(const Yaml& node, T& value);
template <class T>
void read_value(const Yaml& node, std::vector<T>& value);

// The keys of one map. Ask for each known key, then finish(): it reports the keys nobody asked for.
class MapReader {
 public:
  explicit MapReader(const Yaml& map);

  template <class T>
  void operator()(std::string_view key, T& value) {
    if (const Yaml* node = take(key)) {
      read_value(*node, value);
    }
  }
  template <class T>
  void required(std::string_view key, T& value) {
    require(key);
    (*this)(key, value);
  }
  void require(std::string_view key);      // finish() reports it if it is absent
  const Yaml* take(std::string_view key);  // a known key, read by the caller; nullptr: absent
  void finish() const;

  const Yaml& map() const { return map_; }

 private:
  const Yaml& map_;
  std::vector<std::string> known_;
  std::vector<std::string> missing_;
};

// "host.kernel", or "the file" for the root.
std::string where(const Yaml& node);
const std::vector<Yaml>& items_of(const Yaml& node);  // throws unless it is a list
void check_names(const Yaml& list);  // each element has a `name` of letters, digits, '_' and '-', used once

namespace reader_detail {

struct NoVisitor {
  template <class T>
  void operator()(std::string_view, T&) const {}
};
template <class T>
concept HasFields = requires(T& value) {
  fields(value, NoVisitor{});
};
template <class T>
concept HasName = HasFields<T> && requires(T& value) {
  value.name;
};
template <class T>
concept HasEnumerators = requires(T* none) {
  enumerators(none, [](std::string_view, T) {});
};

[[noreturn]] void bad_enumerator(const Yaml& node, const std::vector<std::string>& names);

}  // namespace reader_detail

template <class T>
void read_value(const Yaml& node, T& value) {
  static_assert(reader_detail::HasFields<T> || reader_detail::HasEnumerators<T>, "no fields() for this type");
  if constexpr (reader_detail::HasFields<T>) {
    MapReader reader{node};
    if constexpr (reader_detail::HasName<T>) {
      reader.require("name");
    }
    fields(value, reader);
    reader.finish();
  } else {
    std::vector<std::string> names;
    bool found = false;
    enumerators(static_cast<T*>(nullptr), [&](std::string_view name, T enumerator) {
      names.emplace_back(name);
      if (node.kind == Yaml::Kind::scalar && node.scalar == name) {
        value = enumerator;
        found = true;
      }
    });
    if (!found) {
      reader_detail::bad_enumerator(node, names);
    }
  }
}

template <class T>
void read_value(const Yaml& node, std::vector<T>& value) {
  value.clear();
  for (const Yaml& item : items_of(node)) {
    read_value(item, value.emplace_back());
  }
  if constexpr (reader_detail::HasName<T>) {
    check_names(node);
  }
}

// The name of an enumerator, for messages and results.
template <class T>
std::string enumerator_name(T value) {
  std::string result;
  enumerators(static_cast<T*>(nullptr), [&](std::string_view name, T enumerator) {
    if (enumerator == value) {
      result = name;
    }
  });
  return result;
}

}  // namespace scenarios
