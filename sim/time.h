// Simulated time: 64-bit integer nanoseconds.
//
//   Nanos    a span          50us, 3ms (std::chrono literals convert)
//   SimTime  an instant      SimTime{} is the start of the run
//
// Range: +-292 years. Arithmetic never leaves integers, so it is the same on every machine.
#pragma once

#include <chrono>
#include <cstdint>
#include <limits>

namespace sim {

using Nanos = std::chrono::duration<std::int64_t, std::nano>;

struct SimClock {
  using rep = std::int64_t;
  using period = std::nano;
  using duration = Nanos;
  using time_point = std::chrono::time_point<SimClock, Nanos>;
  static constexpr bool is_steady = true;  // no now(): the engine owns the clock
};
using SimTime = SimClock::time_point;

inline constexpr SimTime never{Nanos{std::numeric_limits<std::int64_t>::max()}};

// Nanoseconds since the start of the run.
constexpr std::int64_t count(SimTime t) { return t.time_since_epoch().count(); }

using namespace std::chrono_literals;

}  // namespace sim
