#include "sim/engine.h"

#include <sys/wait.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <csignal>
#include <cstdio>
#include <utility>
#include <vector>

namespace {

using namespace std::chrono_literals;
using sim::Engine;
using sim::EventId;
using sim::Nanos;
using sim::SimTime;
using sim::Timer;

constexpr SimTime at(Nanos since_start) { return SimTime{since_start}; }

using Log = std::vector<std::pair<Nanos, std::uint64_t>>;

// Notes when it was called, and with what; then does what the test asked for.
struct Probe {
  explicit Probe(Engine& on) : engine{on} {}

  void note(std::uint64_t what) { log.emplace_back(engine.now().time_since_epoch(), what); }
  void note_zero() { note(0); }
  void stop(std::uint64_t what) {
    note(what);
    engine.stop();
  }
  void again_now(std::uint64_t left) {
    note(left);
    if (left > 0) {
      engine.after<&Probe::again_now>(0ns, *this, left - 1);
    }
  }
  void cancel_kept(std::uint64_t what) {
    note(what);
    was_pending = engine.pending(kept);
    engine.cancel(kept);
  }

  Engine& engine;
  EventId kept = EventId::none;
  bool was_pending = true;
  Log log;
};

// Whether `act` ends in a failed sim::check, tried in a child process.
template <class Act>
bool fails_a_check(Act act) {
  std::fflush(nullptr);
  const pid_t child = fork();
  if (child == 0) {
    std::signal(SIGABRT, SIG_DFL);
    if (std::freopen("/dev/null", "w", stderr) != nullptr) {
      act();
    }
    _exit(0);
  }
  int status = 0;
  waitpid(child, &status, 0);
  return WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT;
}

TEST_CASE("events run in the order of their times, each at its time", "[engine]") {
  Engine engine;
  Probe probe{engine};
  engine.after<&Probe::note>(300us, probe, 3);
  engine.after<&Probe::note_zero>(1us, probe);
  engine.at<&Probe::note>(at(20us), probe, 2);

  engine.run_for(1ms);

  CHECK(probe.log == Log{{1us, 0}, {20us, 2}, {300us, 3}});
  CHECK(engine.executed() == 3);
  CHECK(engine.now() == at(1ms));
}

TEST_CASE("everything at the horizon runs, also what is scheduled for it there, and nothing later",
          "[engine]") {
  Engine engine;
  Probe probe{engine};
  engine.after<&Probe::again_now>(20us, probe, 2);
  engine.after<&Probe::note>(20us, probe, 9);
  const EventId later = engine.after<&Probe::note>(20'001ns, probe, 7);

  engine.run_until(at(20us));

  CHECK(probe.log == Log{{20us, 2}, {20us, 9}, {20us, 1}, {20us, 0}});
  CHECK(engine.now() == at(20us));
  CHECK(engine.pending(later));
}

TEST_CASE("the clock reaches the horizon when nothing happens", "[engine]") {
  Engine engine;

  engine.run_for(3ms);
  engine.run_until(at(3ms));

  CHECK(engine.now() == at(3ms));
}

TEST_CASE("events at one instant run in the order of scheduling, a rescheduled one as if new", "[engine]") {
  Engine engine;
  Probe probe{engine};
  const EventId first = engine.after<&Probe::note>(5us, probe, 1);
  engine.after<&Probe::note>(5us, probe, 2);
  const EventId third = engine.after<&Probe::note>(1us, probe, 3);
  engine.after<&Probe::note>(5us, probe, 4);

  engine.reschedule(third, at(5us));
  engine.reschedule(first, at(5us));
  engine.run_for(10us);

  CHECK(probe.log == Log{{5us, 2}, {5us, 4}, {5us, 3}, {5us, 1}});
}

TEST_CASE("a rescheduled event runs once, at its new time, under its old id", "[engine]") {
  Engine engine;
  Probe probe{engine};
  const EventId sooner = engine.after<&Probe::note>(300us, probe, 1);
  const EventId later = engine.after<&Probe::note>(1us, probe, 2);

  engine.reschedule(sooner, at(20us));
  engine.reschedule(later, at(40us));
  CHECK(engine.pending(sooner));
  engine.run_for(1ms);

  CHECK(probe.log == Log{{20us, 1}, {40us, 2}});
  CHECK_FALSE(engine.pending(sooner));
}

TEST_CASE("a cancelled event does not run", "[engine]") {
  Engine engine;
  Probe probe{engine};
  const EventId cancelled = engine.after<&Probe::note>(1us, probe, 1);
  engine.after<&Probe::note>(20us, probe, 2);

  engine.cancel(cancelled);
  engine.run_for(1ms);

  CHECK(probe.log == Log{{20us, 2}});
  CHECK(engine.executed() == 1);
}

TEST_CASE("cancelling what is over changes nothing, though its slot is in use again", "[engine]") {
  Engine engine;
  Probe probe{engine};
  const EventId ran = engine.after<&Probe::note>(1us, probe, 1);
  engine.run_for(1us);
  const EventId cancelled = engine.after<&Probe::note>(1us, probe, 2);
  engine.cancel(cancelled);
  const EventId heir = engine.after<&Probe::note>(1us, probe, 3);

  engine.cancel(ran);
  engine.cancel(cancelled);
  engine.cancel(EventId::none);
  CHECK(engine.pending(heir));
  engine.run_for(1us);

  CHECK(probe.log == Log{{1us, 1}, {2us, 3}});
}

TEST_CASE("an event is no longer pending while it runs", "[engine]") {
  Engine engine;
  Probe probe{engine};
  probe.kept = engine.after<&Probe::cancel_kept>(1us, probe, 1);

  engine.run_for(1us);

  CHECK_FALSE(probe.was_pending);
  CHECK(engine.pending_count() == 0);
}

TEST_CASE("stop ends the run after the current event, and a later run goes on from there", "[engine]") {
  Engine engine;
  Probe probe{engine};
  engine.after<&Probe::stop>(20us, probe, 1);
  engine.after<&Probe::note>(20us, probe, 2);

  engine.run_for(1ms);
  CHECK(probe.log == Log{{20us, 1}});
  CHECK(engine.now() == at(20us));

  engine.run_until(at(1ms));
  CHECK(probe.log == Log{{20us, 1}, {20us, 2}});
  CHECK(engine.now() == at(1ms));
}

TEST_CASE("an engine takes more events than it expected", "[engine]") {
  Engine engine{1};
  Probe probe{engine};
  constexpr std::uint64_t events = 20'000;
  for (std::uint64_t i = 0; i < events; ++i) {
    engine.after<&Probe::note>(Nanos{i * 7919 % events}, probe, i * 7919 % events);
  }
  CHECK(engine.pending_count() == events);

  engine.run_for(1ms);

  REQUIRE(probe.log.size() == events);
  bool in_order = true;
  for (std::uint64_t i = 0; i < events; ++i) {
    in_order = in_order && probe.log[i] == std::pair{Nanos{i}, i};
  }
  CHECK(in_order);
}

TEST_CASE("an event for the end of time waits for it", "[engine]") {
  Engine engine;
  Probe probe{engine};
  engine.at<&Probe::note>(sim::never, probe, 1);

  engine.run_until(at(24h));
  CHECK(probe.log.empty());

  engine.run_until(sim::never);
  CHECK(probe.log.size() == 1);
}

TEST_CASE("misuse of the engine is a failed check", "[engine]") {
  Engine engine;
  Probe probe{engine};
  engine.run_for(10us);
  const EventId over = engine.after<&Probe::note>(0ns, probe, 1);
  engine.run_for(0ns);
  Timer unbound;

  CHECK(fails_a_check([&] { engine.at<&Probe::note>(at(9us), probe, 1); }));
  CHECK(fails_a_check([&] { engine.after<&Probe::note>(-1ns, probe, 1); }));
  CHECK(fails_a_check([&] { engine.after<&Probe::note>(Nanos::max(), probe, 1); }));
  CHECK(fails_a_check([&] { engine.reschedule(over, at(20us)); }));
  CHECK(fails_a_check([&] { engine.run_until(at(9us)); }));
  CHECK(fails_a_check([&] { unbound.arm(1us); }));
  CHECK(fails_a_check([&] { Engine{0}; }));
  CHECK_FALSE(fails_a_check([&] { engine.at<&Probe::note>(at(10us), probe, 1); }));
}

}  // namespace
