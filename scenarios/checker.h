// Checks of values that have been read: each an InputError where the value, or the nearest thing, was
// written.
//
//   Checker file{root, ""};
//   file.at("agents").at("reader").at("count").at_least(count, 1);   s.yaml:12:12: found 0 for
//   agents.reader.count
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "scenarios/yaml.h"
#include "sim/distribution.h"
#include "sim/time.h"

namespace scenarios {

class Checker {
 public:
  // `root` outlives the checker; its addresses are labelled.
  Checker(const Yaml& root, std::string address) : root_{root}, address_{std::move(address)} {}

  Checker at(std::string_view key) const;  // one level down
  bool written() const { return nearest(root_, address_).address == address_; }

  [[noreturn]] void fail(const std::string& found, const std::string& expected,
                         const std::string& suggestion = "") const;
  void require(bool condition, const std::string& found, const std::string& expected) const;
  void range(std::int64_t value, std::int64_t low, std::int64_t high) const;
  void at_least(std::int64_t value, std::int64_t low) const;
  void positive(sim::Nanos value) const;
  void positive(const sim::Distribution& value) const;          // written, and of a mean above 0
  void cpu(int value, int cpus) const;                          // one of the host's
  void cpu_list(const std::vector<int>& list, int cpus) const;  // the host's, each once

 private:
  const Yaml& root_;
  std::string address_;
};

}  // namespace scenarios
