// What happened in a test and when: the names of moments, with simulated time.
#pragma once

#include <ostream>
#include <string>
#include <utility>
#include <vector>

#include "models/costs.h"
#include "sim/engine.h"
#include "sim/time.h"

namespace models {

using namespace std::chrono_literals;

struct Moment {
  std::string what;
  sim::Nanos at;
  bool operator==(const Moment&) const = default;
};
using Moments = std::vector<Moment>;

inline std::ostream& operator<<(std::ostream& out, const Moment& moment) {
  return out << '{' << moment.what << ", " << moment.at.count() << " ns}";
}

class Timeline {
 public:
  explicit Timeline(const sim::Engine& engine) : engine_{engine} {}

  void note(std::string what) { moments.push_back({std::move(what), engine_.now().time_since_epoch()}); }
  // When each moment of that name was.
  std::vector<sim::Nanos> at(const std::string& what) const {
    std::vector<sim::Nanos> times;
    for (const Moment& moment : moments) {
      if (moment.what == what) {
        times.push_back(moment.at);
      }
    }
    return times;
  }

  Moments moments;

 private:
  const sim::Engine& engine_;
};

using Instants = std::vector<sim::Nanos>;

struct CostValue {
  Cost cost;
  sim::Nanos value;
};

// Constant costs; those not named are nothing.
inline Costs constant_costs(const std::vector<CostValue>& values) {
  Costs costs;
  for (const CostValue& each : values) {
    costs[each.cost].value = sim::Distribution::constant(each.value);
  }
  return costs;
}

}  // namespace models
