#include "models/sched_weights.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <limits>

#include "sim/check.h"

namespace models {
namespace {

struct NiceRow {
  std::int32_t weight;
  std::uint32_t inv_weight;
};

// sched_prio_to_weight and sched_prio_to_wmult, core.c. The reciprocals are data, not a formula: most are
// 2^32/weight rounded down, thirteen (-18, -17, -8, -7, -4, -2, -1, 1, 2, 4, 5, 6, 12) are one more.
constexpr std::array<NiceRow, max_nice - min_nice + 1> nice_rows{{
    {88761, 48388},  {71755, 59856},  {56483, 76040},  {46273, 92818},  {36291, 118348},  // -20
    {29154, 147320}, {23254, 184698}, {18705, 229616}, {14949, 287308}, {11916, 360437},  // -15
    {9548, 449829},  {7620, 563644},  {6100, 704093},  {4904, 875809},  {3906, 1099582},  // -10
    {3121, 1376151}, {2501, 1717300}, {1991, 2157191}, {1586, 2708050}, {1277, 3363326},  // -5
    {1024, 4194304}, {820, 5237765},  {655, 6557202},  {526, 8165337},  {423, 10153587},  // 0
    {335, 12820798}, {272, 15790321}, {215, 19976592}, {172, 24970740}, {137, 31350126},  // 5
    {110, 39045157}, {87, 49367440},  {70, 61356676},  {56, 76695844},  {45, 95443717},   // 10
    {36, 119304647}, {29, 148102320}, {23, 186737708}, {18, 238609294}, {15, 286331153},  // 15
}};

}  // namespace

LoadWeight nice_load(int nice) {
  sim::check(nice >= min_nice && nice <= max_nice, "nice is in [-20, 19]");
  const NiceRow& row = nice_rows[static_cast<std::size_t>(nice - min_nice)];
  return {row.weight, row.inv_weight};
}

LoadWeight idle_policy_load() { return {3, 1431655765}; }  // WEIGHT_IDLEPRIO, WMULT_IDLEPRIO

LoadWeight load_of_weight(std::int64_t weight) {
  sim::check(weight >= 2, "a weight is at least MIN_SHARES");
  constexpr std::int64_t wmult_const = std::numeric_limits<std::uint32_t>::max();
  return {weight, static_cast<std::uint32_t>(std::max<std::int64_t>(wmult_const / weight, 1))};
}

LoadWeight load_of_stored(std::int64_t stored) {
  LoadWeight load = load_of_weight(scale_load_down(stored));
  load.stored = stored;
  return load;
}

sim::Nanos base_slice(sim::Nanos normalized, int cpus) {
  sim::check(cpus >= 1, "a machine has a CPU online");
  return normalized * std::bit_width(static_cast<unsigned>(std::min(cpus, 8)));
}

}  // namespace models
