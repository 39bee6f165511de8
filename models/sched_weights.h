// Nice levels as weights, real time as virtual time, and the slice's scaling with the number of CPUs.
//
// Models:   kernel/sched/core.c: sched_prio_to_weight, sched_prio_to_wmult, set_load_weight;
//           fair.c: calc_delta_fair, get_update_sysctl_factor (tunable_scaling=log).
// Left out: 32-bit kernels' weight resolution; the other two values of tunable_scaling.
#pragma once

#include <cstdint>

#include "sim/time.h"

namespace models {

inline constexpr int min_nice = -20;
inline constexpr int max_nice = 19;
inline constexpr std::int64_t nice_0_load = 1024;  // the weight whose virtual time runs like real time

// A weight and the kernel's rounded 2^32/weight: virtual time is a multiplication, not a division.
struct LoadWeight {
  std::int64_t weight = nice_0_load;
  std::uint32_t inv_weight = 1U << 22;
  // load_weight::weight as 64-bit kernels store it, with 10 more bits (scale_load). Group entities have
  // fractions there: they decide whether a weight has changed and scale the lag, but not virtual time.
  std::int64_t stored = weight * 1024;
};

LoadWeight nice_load(int nice);  // nice in [-20, 19]
LoadWeight idle_policy_load();   // SCHED_IDLE: weight 3, whatever the nice value
// Any weight, for group entities: their reciprocal is floor((2^32 - 1)/weight). weight >= 2 (MIN_SHARES).
LoadWeight load_of_weight(std::int64_t weight);
// The same from a weight as the kernel stores it (update_load_set): at least MIN_SHARES in either unit.
LoadWeight load_of_stored(std::int64_t stored);

// A sum of stored weights as a sum of weights; what is not nothing is at least 2.
constexpr std::int64_t scale_load_down(std::int64_t stored) {
  return stored == 0 ? 0 : (stored >> 10 > 2 ? stored >> 10 : 2);
}

// calc_delta_fair: the virtual time that `delta` ns of running cost at this weight. delta >= 0.
// The kernel shifts zero bits out of 1024 * inv_weight before it multiplies, so this is exactly its result.
constexpr std::int64_t calc_delta_fair(std::int64_t delta, LoadWeight load) {
  if (load.weight == nice_0_load) {
    return delta;
  }
  __extension__ using Wide = unsigned __int128;
  return static_cast<std::int64_t>((static_cast<Wide>(delta) * load.inv_weight) >> 22);
}

// sysctl_sched_base_slice: `normalized` times 1 + floor(log2(min(cpus, 8))). cpus >= 1 are the online ones.
// 700 us becomes 0.7 ms on 1 CPU, 1.4 on 2-3, 2.1 on 4-7 and 2.8 on 8 and more.
sim::Nanos base_slice(sim::Nanos normalized, int cpus);

}  // namespace models
