// The menu governor, number by number.
#include "models/idle_menu.h"

#include <catch2/catch.hpp>

#include "tests/support/idle_views.h"

namespace models {
namespace {

// poll, C1 (2 us out, worth it from 20 us), C6 (100 us, 600 us).
std::vector<IdleStateConfig> three_states() {
  return {{.state = IdleState::poll},
          {.state = IdleState::c1, .target_residency = 20us, .exit_latency = 2us},
          {.state = IdleState::c6, .target_residency = 600us, .exit_latency = 100us}};
}

struct MenuBench {
  explicit MenuBench(KernelRelease release = KernelRelease::v6_12) : governor{release} {}
  // Wakeups of a device after these spans, each in C1 with the exit latency taken off: what is remembered.
  void remember(const std::vector<int>& micros) {
    const std::vector<IdleStateConfig> c1_alone{{.state = IdleState::c1},
                                                {.state = IdleState::c6, .disabled = true}};
    IdleMachine other{c1_alone};
    for (const int span : micros) {
      idle_once(governor, other, other.view(), span * 1us);
    }
    governor.select(other.view());  // takes the last one in
  }
  IdleMachine machine{three_states()};
  MenuGovernor governor;
};

TEST_CASE("without history menu goes by the next timer (KF9.1)", "[menu]") {
  const auto [timer, state] = GENERATE(std::pair{19us, 0}, std::pair{20us, 1}, std::pair{599us, 1},
                                       std::pair{600us, 2}, std::pair{1'000'000us, 2});
  MenuBench bench;

  CHECK(bench.governor.select(bench.machine.view(timer)).state == state);
}

TEST_CASE("eight equal spans are the prediction, whatever the timer says (KF9.1)", "[menu]") {
  MenuBench bench;
  bench.remember({200, 200, 200, 200, 200, 200, 200, 200});

  CHECK(bench.governor.typical_interval() == 200);
  const IdleChoice choice = bench.governor.select(bench.machine.view(1s));
  CHECK(choice.state == 1);
  CHECK(!choice.stop_tick);  // 200 us is less than a tick
}

// avg > 6 stddev with at least six samples, or a variance of at most 400 us^2.
TEST_CASE("a typical interval needs a small deviation (KF9.1)", "[menu]") {
  const auto [spans, typical] = GENERATE(
      std::pair{std::vector<int>{100, 140, 100, 140, 100, 140, 100, 140},
                std::uint64_t{120}},  // deviation 20
      std::pair{std::vector<int>{1000, 1300, 1001, 1299, 1002, 1298, 1003, 1297}, std::uint64_t{1150}},
      std::pair{std::vector<int>{1000, 1500, 1090, 1400, 1160, 1300, 1230, 1270}, std::uint64_t{1243}},
      std::pair{std::vector<int>{100, 200, 300, 400, 500, 600, 700, 800}, MenuGovernor::no_interval});
  MenuBench bench;
  bench.remember(spans);

  CHECK(bench.governor.typical_interval() == typical);
}

// The average is tried each time that the largest values are gone, and at last with six or fewer left.
TEST_CASE("6.12 drops outliers from the top, so that one short span among equal long ones prevails (KF9.1)",
          "[menu]") {
  const auto [spans, typical] = GENERATE(
      std::pair{std::vector<int>{100, 100, 100, 9000, 100, 100, 100, 5000}, std::uint64_t{100}},
      std::pair{std::vector<int>{100, 170, 240, 9000, 310, 380, 7000, 5000}, MenuGovernor::no_interval},
      std::pair{std::vector<int>{5, 900, 900, 900, 900, 900, 900, 900}, std::uint64_t{5}});
  MenuBench bench;
  bench.remember(spans);

  CHECK(bench.governor.typical_interval() == typical);
}

TEST_CASE("6.18 drops whichever extreme is farther from the mean (KF9.1)", "[menu]") {
  const auto [spans, typical] =
      GENERATE(std::pair{std::vector<int>{5, 900, 900, 900, 900, 900, 900, 900}, 900ul},
               std::pair{std::vector<int>{5, 900, 900, 900, 900, 900, 900, 9000}, 900ul},
               std::pair{std::vector<int>{100, 100, 100, 9000, 100, 100, 100, 5000}, 100ul});
  MenuBench bench{KernelRelease::v6_18};
  bench.remember(spans);

  CHECK(bench.governor.typical_interval() == typical);
}

TEST_CASE("early wakeups lower the factor of the timer's decade by an eighth of what they missed (KF9.1)",
          "[menu]") {
  MenuBench bench;
  idle_once(bench.governor, bench.machine, bench.machine.view(800us),
            300us);  // C6: 100 us of it are its exit
  bench.governor.select(bench.machine.view(2ms));

  CHECK(bench.governor.correction_factor(2) == 8192 - 1024 + 1024 * 200 / 800);
  CHECK(bench.governor.correction_factor(3) == 8192);
}

TEST_CASE("the factor of a decade bends the prediction of its timers only (KF9.1)", "[menu]") {
  MenuBench bench;
  for (int i = 0; i < 40; ++i) {
    // Far apart, so that no interval is typical.
    idle_once(bench.governor, bench.machine, bench.machine.view(800us), 110us + i % 8 * 60us);
  }

  CHECK(bench.governor.correction_factor(2) < 8192 * 6 / 10);
  CHECK(bench.governor.select(bench.machine.view(800us)).state == 1);  // half of it would not be worth C6
  CHECK(bench.governor.select(bench.machine.view(1'100us)).state == 2);
}

TEST_CASE("a span longer than the timer, or of 50 ms, counts as foreseen (KF9.1)", "[menu]") {
  MenuBench bench;
  idle_once(bench.governor, bench.machine, bench.machine.view(700us), 900us);
  idle_once(bench.governor, bench.machine, bench.machine.view(1s), 60ms);
  bench.governor.select(bench.machine.view(1s));

  CHECK(bench.governor.correction_factor(2) == 8192);
  CHECK(bench.governor.correction_factor(5) == 8192);
}

TEST_CASE("half of a span no longer than twice the exit latency is idle time (KF9.1)", "[menu]") {
  MenuBench bench;
  idle_once(bench.governor, bench.machine, bench.machine.view(800us), 200us);
  bench.governor.select(bench.machine.view(2ms));

  CHECK(bench.governor.correction_factor(2) == 8192 - 1024 + 1024 * 100 / 800);
}

TEST_CASE("a span that the kept tick ended counts as 45 ms if the timer was farther away (KF9.3)", "[menu]") {
  MenuBench bench;
  idle_once(bench.governor, bench.machine, bench.machine.view(100ms), 2ms, true);
  bench.governor.select(bench.machine.view(1s));

  CHECK(bench.governor.correction_factor(5) == 8192 - 1024 + 1024 * 45 / 100);
}

TEST_CASE("a poll that timed out counts as if it had been sleep until the timer (KF9.1)", "[menu]") {
  MenuBench bench;
  idle_once(bench.governor, bench.machine, bench.machine.view(15us), 10us, false, true);
  bench.governor.select(bench.machine.view(1s));

  CHECK(bench.governor.correction_factor(1) == 8192);  // 15 us of 15 us
}

TEST_CASE("a prediction of up to 15 us looks no timer up and sleeps polling at most (KF9.1)", "[menu]") {
  MenuBench bench;
  bench.remember({12, 12, 12, 12, 12, 12, 12, 12});

  const IdleChoice choice = bench.governor.select(bench.machine.view(1s));
  CHECK(choice.state == 0);
  CHECK(!choice.stop_tick);
}

TEST_CASE(
    "polling gives way to a physical state of a residency below 15 us, unless a timer is sooner (KF9.1)",
    "[menu]") {
  MenuBench bench;
  bench.machine.states[1].target_residency = 14us;
  bench.remember({12, 12, 12, 12, 12, 12, 12, 12});

  CHECK(bench.governor.select(bench.machine.view(1s)).state == 1);
  CHECK(bench.governor.select(bench.machine.view(13us, 3ms, true)).state == 0);
}

TEST_CASE("the tick stops for a prediction of a tick or more, and is kept below (KF9.3)", "[menu]") {
  const auto [timer, stops] = GENERATE(std::pair{3'999us, false}, std::pair{4'000us, true});
  MenuBench bench;

  const IdleChoice choice = bench.governor.select(bench.machine.view(timer, 4ms));

  CHECK(choice.state == 2);
  CHECK(choice.stop_tick == stops);
}

TEST_CASE("with the tick kept, the state fits the time to the tick (KF9.3)", "[menu]") {
  MenuBench bench;

  CHECK(bench.governor.select(bench.machine.view(2ms, 700us)).state == 2);
  CHECK(bench.governor.select(bench.machine.view(2ms, 500us)).state == 1);
  CHECK(bench.governor.select(bench.machine.view(2ms, 19us)).state == 0);
}

TEST_CASE("once the tick is stopped, a short prediction yields to the timer's (KF9.3)", "[menu]") {
  MenuBench bench;
  bench.remember({200, 200, 200, 200, 200, 200, 200, 200});

  const IdleChoice choice = bench.governor.select(bench.machine.view(50ms, 3ms, true));

  CHECK(choice.state == 2);
  CHECK(choice.stop_tick);
}

TEST_CASE("states beyond the latency limit and disabled states are passed over (KF9.1)", "[menu]") {
  MenuBench bench;
  bench.machine.latency_limit = 50us;
  CHECK(bench.governor.select(bench.machine.view(1s)).state == 1);

  bench.machine.latency_limit = 0us;
  CHECK(bench.governor.select(bench.machine.view(1s)).state == 0);

  bench.machine.latency_limit = 1s;
  bench.machine.states[2].disabled = true;
  CHECK(bench.governor.select(bench.machine.view(1s)).state == 1);
  bench.machine.states[0].disabled = true;
  CHECK(bench.governor.select(bench.machine.view(5us)).state == 1);  // whatever its residency
}

}  // namespace
}  // namespace models
