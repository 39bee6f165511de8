// What a sleep adds to the wakeup that ends it.
//
// Models:   behind a halted virtual CPU, and behind the thread that serves a virtual disk, stands a host
// whose CPU cools
//           down: its halt polling ends, it picks a deeper state, its caches go. In the events of a 6.18
//           guest both grow with the square root of the time asleep: a timer's wakeup of a halted CPU takes
//           21, 25, 30, 39, 55 us after 0.03, 0.1, 0.6, 2, 5 ms (20 + 13 sqrt(t) within 2 us up to 2 ms), a
//           disk's answer 72, 83, 95, 107 us after 0.6, 1.3, 2.5, 4 ms of rest (49 + 29 sqrt(t) within 2 us).
// Left out: the host's own states and governor, which would make steps of it.
#pragma once

#include <algorithm>
#include <cmath>

#include "sim/time.h"

namespace models {

// `at_1ms`: what a sleep of a millisecond adds; grows up to `slept` of 10 ms.
inline sim::Nanos deepened(sim::Nanos at_1ms, sim::Nanos slept) {
  constexpr double unit_ns = 1e6;
  constexpr std::int64_t longest_ns = 10'000'000;
  const auto ns = static_cast<double>(std::min(slept.count(), longest_ns));
  return sim::Nanos{static_cast<std::int64_t>(static_cast<double>(at_1ms.count()) * std::sqrt(ns / unit_ns))};
}

}  // namespace models
