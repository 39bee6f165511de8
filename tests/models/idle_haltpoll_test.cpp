#include "models/idle_haltpoll.h"

#include <catch2/catch.hpp>

#include "tests/support/idle_views.h"

namespace models {
namespace {

struct HaltpollBench {
  explicit HaltpollBench(const HaltpollConfig& config = {}) : governor{config} {}
  IdleChoice idle(sim::Nanos span, bool poll_timed_out = false) {
    return idle_once(governor, machine, machine.view(), span, false, poll_timed_out);
  }
  IdleMachine machine{{{.state = IdleState::poll}, {.state = IdleState::hlt, .target_residency = 1us}}};
  HaltpollGovernor governor;
};

TEST_CASE("a guest that has not polled yet halts, and its tick stops (KF9.1)", "[haltpoll]") {
  HaltpollBench bench;

  const IdleChoice choice = bench.governor.select(bench.machine.view());

  CHECK(choice.state == 1);
  CHECK(choice.stop_tick);
}

TEST_CASE("halts that a poll would have covered make it poll, 50 us at first and 200 us at most (KF9.1)",
          "[haltpoll]") {
  HaltpollBench bench;
  CHECK(bench.idle(120us).state == 1);
  CHECK(bench.governor.poll_limit() == 50us);

  IdleChoice poll = bench.idle(50us, true);  // polls in vain
  CHECK(poll.state == 0);
  CHECK(!poll.stop_tick);
  CHECK(bench.idle(120us).state == 1);  // then halts
  CHECK(bench.governor.poll_limit() == 100us);

  bench.idle(100us, true);
  bench.idle(150us);
  CHECK(bench.governor.poll_limit() == 200us);
  bench.idle(200us, true);
  bench.idle(200us);
  CHECK(bench.governor.poll_limit() == 200us);
}

TEST_CASE("a poll that was worth it is followed by another (KF9.1)", "[haltpoll]") {
  HaltpollBench bench;
  bench.idle(120us);

  CHECK(bench.idle(30us).state == 0);
  CHECK(bench.idle(40us).state == 0);
  CHECK(bench.governor.poll_limit() == 50us);
}

TEST_CASE("halts longer than the longest poll halve the limit, and below 50 us there is none (KF9.1)",
          "[haltpoll]") {
  HaltpollBench bench;
  for (const sim::Nanos halt : std::vector<sim::Nanos>{120us, 120us}) {
    bench.idle(halt);
    bench.idle(1us, true);
  }
  REQUIRE(bench.governor.poll_limit() == 100us);

  bench.idle(201us);
  CHECK(bench.governor.poll_limit() == 50us);
  bench.idle(1us, true);
  bench.idle(201us);
  CHECK(bench.governor.poll_limit() == 0us);
  CHECK(bench.idle(10ms).state == 1);
}

TEST_CASE("with guest_halt_poll_ns 0 it always halts and always stops the tick (KF9.1)", "[haltpoll]") {
  HaltpollBench bench{{.guest_halt_poll_ns = 0ns}};

  for (const sim::Nanos halt : std::vector<sim::Nanos>{5us, 20us, 60us, 150us, 10ms, 40us}) {
    const IdleChoice choice = bench.idle(halt);
    CHECK(choice.state == 1);
    CHECK(choice.stop_tick);
    CHECK(bench.governor.poll_limit() == 0us);
  }
}

TEST_CASE("a latency limit of 0 keeps it polling with the tick on (KF9.1)", "[haltpoll]") {
  HaltpollBench bench;
  bench.machine.latency_limit = 0us;

  const IdleChoice choice = bench.governor.select(bench.machine.view());

  CHECK(choice.state == 0);
  CHECK(!choice.stop_tick);
}

}  // namespace
}  // namespace models
