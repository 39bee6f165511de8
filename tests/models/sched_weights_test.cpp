#include "models/sched_weights.h"

#include <catch2/catch.hpp>

namespace models {

using namespace std::chrono_literals;

TEST_CASE("a nice level is worth a factor of about 1.25 in weight", "[sched_weights]") {
  CHECK(nice_load(-20).weight == 88761);
  CHECK(nice_load(-5).weight == 3121);
  CHECK(nice_load(0).weight == 1024);
  CHECK(nice_load(1).weight == 820);
  CHECK(nice_load(19).weight == 15);
  CHECK(idle_policy_load().weight == 3);

  for (int nice = min_nice; nice < max_nice; ++nice) {
    const double ratio =
        static_cast<double>(nice_load(nice).weight) / static_cast<double>(nice_load(nice + 1).weight);
    CHECK(ratio == Approx(1.25).epsilon(0.05));
  }
}

TEST_CASE("the stored reciprocals are within one of 2^32/weight", "[sched_weights]") {
  int rounded_up = 0;
  for (int nice = min_nice; nice <= max_nice; ++nice) {
    const LoadWeight load = nice_load(nice);
    const std::int64_t floor = (std::int64_t{1} << 32) / load.weight;
    const std::int64_t above = load.inv_weight - floor;
    CHECK((above == 0 || above == 1));
    rounded_up += static_cast<int>(above);
  }

  CHECK(rounded_up == 13);
}

TEST_CASE("virtual time runs like real time at nice 0 and is real * 1024 * inv >> 32 elsewhere",
          "[sched_weights]") {
  CHECK(calc_delta_fair(2'800'000, nice_load(0)) == 2'800'000);
  CHECK(calc_delta_fair(1'000'000, nice_load(-5)) == 328'099);     // 1376151 * 1024e6 / 2^32 = 328099.96
  CHECK(calc_delta_fair(1'000'000, nice_load(5)) == 3'056'716);    // 12820798: 3056716.4
  CHECK(calc_delta_fair(1'000'000, nice_load(19)) == 68'266'666);  // 286331153: 68266666.6
  CHECK(calc_delta_fair(3, idle_policy_load()) == 1023);           // 1431655765: 1023.99
}

TEST_CASE("an hour at the lightest weight does not overflow virtual time", "[sched_weights]") {
  constexpr std::int64_t hour = 3'600'000'000'000;

  CHECK(calc_delta_fair(hour, idle_policy_load()) == 1'228'799'999'713'897);
}

TEST_CASE("a group's reciprocal is that of 2^32 - 1, which differs at powers of two", "[sched_weights]") {
  CHECK(load_of_weight(2048).inv_weight == 2'097'151);
  CHECK(load_of_weight(1000).inv_weight == 4'294'967);
}

TEST_CASE("the base slice grows with the logarithm of the CPUs, up to eight", "[sched_weights]") {
  const auto slice = [](int cpus) { return base_slice(700us, cpus); };

  CHECK(slice(1) == 700us);
  CHECK(slice(2) == 1400us);
  CHECK(slice(3) == 1400us);
  CHECK(slice(4) == 2100us);
  CHECK(slice(7) == 2100us);
  CHECK(slice(8) == 2800us);
  CHECK(slice(256) == 2800us);
  CHECK(base_slice(750us, 8) == 3ms);
}

}  // namespace models
