#include <catch2/catch.hpp>
#include <optional>
#include <utility>
#include <vector>

#include "sim/engine.h"

namespace {

using namespace std::chrono_literals;
using sim::Engine;
using sim::Nanos;
using sim::SimTime;
using sim::Timer;

constexpr SimTime at(Nanos since_start) { return SimTime{since_start}; }

// Notes what called it.
struct Probe {
  void note(std::uint64_t what) { log.push_back(what); }
  std::vector<std::uint64_t> log;
};

// Ticks until told otherwise.
struct Ticker {
  Ticker(Engine& engine, Nanos every) : period{every} { timer.bind<&Ticker::tick>(engine, *this, 42); }

  void tick(std::uint64_t argument) {
    armed_in_handler = timer.armed();
    last_argument = argument;
    if (++ticks < most) {
      timer.arm(period);
    }
  }

  Timer timer;
  Nanos period;
  int ticks = 0;
  int most = 1'000'000;
  bool armed_in_handler = false;
  std::uint64_t last_argument = 0;
};

TEST_CASE("a timer re-arms in its own handler", "[timer]") {
  Engine engine;
  Ticker ticker{engine, 20us};
  CHECK_FALSE(ticker.timer.armed());
  ticker.timer.arm_at(at(1us));

  engine.run_until(at(101us));

  CHECK(ticker.ticks == 6);
  CHECK_FALSE(ticker.armed_in_handler);
  CHECK(ticker.last_argument == 42);
  CHECK(ticker.timer.when() == at(121us));
}

TEST_CASE("arming an armed timer moves it, and behind its new neighbours", "[timer]") {
  Engine engine;
  Probe probe;
  Timer timer;
  timer.bind<&Probe::note>(engine, probe, 1);
  timer.arm(1us);
  engine.after<&Probe::note>(20us, probe, 2);

  timer.arm(20us);
  engine.run_for(1ms);

  CHECK(probe.log == std::vector<std::uint64_t>{2, 1});
}

TEST_CASE("a disarmed timer stays quiet until it is armed again", "[timer]") {
  Engine engine;
  Ticker ticker{engine, 20us};
  ticker.timer.arm(1us);

  ticker.timer.disarm();
  engine.run_until(at(50us));
  CHECK(ticker.ticks == 0);
  CHECK(engine.pending_count() == 0);

  ticker.most = 1;
  ticker.timer.arm(1us);
  engine.run_until(at(1ms));
  CHECK(ticker.ticks == 1);
  CHECK_FALSE(ticker.timer.armed());
}

TEST_CASE("a timer that goes away takes its event along and leaves its slot", "[timer]") {
  Engine engine{1};
  Probe probe;
  for (int i = 0; i < 1'100'000; ++i) {  // more than an engine has slots
    Timer timer;
    timer.bind<&Probe::note>(engine, probe, 1);
    timer.arm(1us);
  }
  engine.after<&Probe::note>(1us, probe, 2);

  engine.run_for(1ms);

  CHECK(probe.log == std::vector<std::uint64_t>{2});
}

struct OneShot {
  explicit OneShot(Engine& engine) : timer{std::in_place} { timer->bind<&OneShot::fire>(engine, *this); }
  void fire() { timer.reset(); }
  std::optional<Timer> timer;
};

TEST_CASE("a timer may go away in its own handler", "[timer]") {
  Engine engine;
  OneShot one_shot{engine};
  one_shot.timer->arm(1us);

  engine.run_for(1ms);

  CHECK_FALSE(one_shot.timer.has_value());
  CHECK(engine.executed() == 1);
  CHECK(engine.pending_count() == 0);
}

}  // namespace
