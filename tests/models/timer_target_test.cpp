#include "models/timer_target.h"

#include <catch2/catch.hpp>
#include <set>

namespace models {
namespace {

// Two LLCs of two cores of two threads.
TopologyConfig eight() { return {.cpus = 8, .smt = 2, .llc_cpus = 4}; }

int target(int here, const std::set<int>& busy) {
  return static_cast<int>(get_nohz_timer_target(
      static_cast<CpuId>(here), eight(), [&](CpuId cpu) { return busy.count(static_cast<int>(cpu)) == 0; }));
}

TEST_CASE("a timer stays on the busy CPU that arms it (KF9.5)", "[timer]") {
  CHECK(target(5, {4, 5, 6}) == 5);
}

TEST_CASE("an idle CPU arms on the nearest busy one: sibling, LLC, machine, each by number (KF9.5)",
          "[timer]") {
  CHECK(target(5, {0, 4, 6, 7}) == 4);
  CHECK(target(5, {0, 6, 7}) == 6);
  CHECK(target(5, {1, 3}) == 1);
  CHECK(target(5, {}) == 5);
}

TEST_CASE("a timer that would be the other CPU's next stays, as all do without migration (KF9.5)",
          "[timer]") {
  const auto idle = [](CpuId cpu) { return cpu != CpuId{2}; };
  const auto armed_on = [&](bool migration, bool next) {
    return hrtimer_cpu(CpuId{0}, migration, eight(), idle, [&](CpuId) { return next; });
  };

  CHECK(armed_on(true, false) == CpuId{2});
  CHECK(armed_on(true, true) == CpuId{0});
  CHECK(armed_on(false, false) == CpuId{0});
}

}  // namespace
}  // namespace models
