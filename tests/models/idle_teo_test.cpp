#include "models/idle_teo.h"

#include <catch2/catch.hpp>
#include <tuple>

#include "tests/support/idle_views.h"

namespace models {
namespace {

// poll, C1 (2 us out, from 20 us), C6 (100 us, from 600 us).
std::vector<IdleStateConfig> three_states() {
  return {{.state = IdleState::poll},
          {.state = IdleState::c1, .target_residency = 20us, .exit_latency = 2us},
          {.state = IdleState::c6, .target_residency = 600us, .exit_latency = 100us}};
}

struct TeoBench {
  explicit TeoBench(KernelRelease release = KernelRelease::v6_12) : governor{release, 3} {}
  IdleChoice idle(sim::Nanos timer, sim::Nanos span, bool got_tick = false) {
    return idle_once(governor, machine, machine.view(timer), span, got_tick);
  }
  IdleChoice choose(sim::Nanos timer, bool tick_stopped = false) {
    return governor.select(machine.view(timer, 3ms, tick_stopped));
  }
  unsigned hits(std::size_t state) const { return governor.bins()[state].hits; }
  unsigned intercepts(std::size_t state) const { return governor.bins()[state].intercepts; }

  IdleMachine machine{three_states()};
  TeoGovernor governor;
};

TEST_CASE("without history teo goes by the next timer (KF9.1)", "[teo]") {
  const auto [timer, state] = GENERATE(std::pair{19us, 0}, std::pair{20us, 1}, std::pair{599us, 1},
                                       std::pair{600us, 2}, std::pair{1'000'000us, 2});
  TeoBench bench;

  CHECK(bench.choose(timer).state == state);
}

TEST_CASE(
    "a span that lasted to the timer is a hit of the timer's bin; a tick's length has a bin of its own "
    "(KF9.1)",
    "[teo]") {
  TeoBench bench;
  bench.idle(800us, 800us);
  bench.choose(800us);
  CHECK(bench.hits(2) == 1024);

  bench.idle(10ms, 10ms);  // beyond the tick: in no state's bin
  bench.choose(800us);
  CHECK(bench.hits(2) == 1024 - 128);
  CHECK(bench.intercepts(2) == 0);
}

TEST_CASE("a shorter span is an intercept of its own bin, half of the exit latency taken off (KF9.1)",
          "[teo]") {
  TeoBench bench;
  bench.idle(800us, 300us);
  bench.choose(800us);
  CHECK(bench.intercepts(1) == 1024);

  TeoBench other;
  other.idle(800us, 649us);  // 599 us without half of C6's 100 us
  other.choose(800us);
  CHECK(other.intercepts(1) == 1024);
  CHECK(other.intercepts(2) == 0);
}

TEST_CASE("bins decay by an eighth at each wakeup (KF9.1)", "[teo]") {
  TeoBench bench;
  bench.idle(800us, 300us);
  bench.idle(800us, 800us);
  bench.idle(800us, 800us);
  bench.choose(800us);

  CHECK(bench.intercepts(1) == (1024 - 128) - (1024 - 128) / 8);
}

TEST_CASE("intercepts of over half of all wakeups make it choose the state that suits them (KF9.1)",
          "[teo]") {
  TeoBench bench;
  for (int i = 0; i < 4; ++i) {
    bench.idle(800us, 300us);
  }
  CHECK(bench.choose(1s).state == 1);

  for (int i = 0; i < 8; ++i) {
    bench.idle(800us, 800us);  // in C1, to the timer: hits of C6's bin
  }
  CHECK(bench.choose(1s).state == 2);
}

TEST_CASE("most wakeups within a tick keep the tick (KF9.3)", "[teo]") {
  TeoBench bench;
  const IdleChoice at_first = bench.idle(1s, 1s);
  CHECK(at_first.stop_tick);
  for (int i = 0; i < 10; ++i) {
    bench.idle(1s, 1ms);  // in C6's bin: deep enough, but no tick long
  }

  const IdleChoice choice = bench.choose(1s);
  CHECK(choice.state == 2);
  CHECK(!choice.stop_tick);
}

TEST_CASE("a span that the kept tick ended counts as a hit (KF9.3)", "[teo]") {
  TeoBench bench;
  for (int i = 0; i < 10; ++i) {
    bench.idle(1s, 1ms, true);
  }

  CHECK(bench.intercepts(2) == 0);
  CHECK(bench.choose(1s).stop_tick);
}

TEST_CASE("with the tick stopped a state that would be left soon is not taken for intercepts (KF9.3)",
          "[teo]") {
  TeoBench bench;
  for (int i = 0; i < 4; ++i) {
    bench.idle(800us, 300us);
  }

  CHECK(bench.choose(1s, true).state == 2);
}

TEST_CASE(
    "beside polling, 6.12 looks no timer up for a shallow candidate; 6.18 only if most spans are short "
    "(KF9.1)",
    "[teo]") {
  const auto [release, span, state] =
      GENERATE(std::tuple{KernelRelease::v6_12, 300us, 1}, std::tuple{KernelRelease::v6_18, 300us, 0},
               std::tuple{KernelRelease::v6_18, 12us, 1});
  TeoBench bench{release};
  bench.machine.states[1].target_residency = 10us;
  bench.machine.states[2].disabled = true;
  for (int i = 0; i < 4; ++i) {
    bench.idle(800us, span);
  }

  CHECK(bench.choose(3us).state == state);  // the timer is too near for C1, if it is known
}

TEST_CASE("the latency limit caps what teo chooses (KF9.1)", "[teo]") {
  TeoBench bench;
  bench.machine.latency_limit = 50us;

  CHECK(bench.choose(1s).state == 1);
}

}  // namespace
}  // namespace models
