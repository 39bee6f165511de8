#include "scenarios/checker.h"

#include <algorithm>

#include "scenarios/quantity.h"

namespace scenarios {

Checker Checker::at(std::string_view key) const {
  return {root_, address_.empty() ? std::string{key} : address_ + "." + std::string{key}};
}

void Checker::fail(const std::string& found, const std::string& expected,
                   const std::string& suggestion) const {
  const Yaml& node = nearest(root_, address_);
  input_error(node.place, found + " for " + address_, expected, suggestion);
}

void Checker::require(bool condition, const std::string& found, const std::string& expected) const {
  if (!condition) {
    fail(found, expected);
  }
}

void Checker::range(std::int64_t value, std::int64_t low, std::int64_t high) const {
  require(value >= low && value <= high, std::to_string(value),
          std::to_string(low) + " to " + std::to_string(high));
}

void Checker::at_least(std::int64_t value, std::int64_t low) const {
  require(value >= low, std::to_string(value), std::to_string(low) + " or more");
}

void Checker::positive(sim::Nanos value) const {
  require(value > sim::Nanos{0}, format_time(value), "more than 0ns");
}

void Checker::positive(const sim::Distribution& value) const {
  require(written(), "nothing", "a time or a distribution");
  require(value.mean_ns() > 0, value.describe(), "more than 0ns");
}

void Checker::cpu(int value, int cpus) const {
  require(value >= 0 && value < cpus, "CPU " + std::to_string(value) + ", which is absent,",
          "0 to " + std::to_string(cpus - 1) + ": host.cpus is " + std::to_string(cpus));
}

void Checker::cpu_list(const std::vector<int>& list, int cpus) const {
  require(!written() || !list.empty(), "an empty list of CPUs", "one CPU at least, or no such key");
  std::vector<int> seen;
  for (const int each : list) {
    cpu(each, cpus);
    require(std::find(seen.begin(), seen.end(), each) == seen.end(), "CPU " + std::to_string(each) + " twice",
            "each CPU once");
    seen.push_back(each);
  }
}

}  // namespace scenarios
