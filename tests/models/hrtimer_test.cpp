// A CPU's timers: sleepers' hrtimers and the tick behind one local timer interrupt.
#include "models/timer.h"

#include <catch2/catch.hpp>

#include <algorithm>
#include <map>

#include "tests/support/timer_bench.h"

namespace models {
namespace {

using Kind = CpuBench::Kind;

TEST_CASE(
    "a sleeper expires in hardirq context, and the interrupted task pays for the whole interrupt (KF9.5)",
    "[timer]") {
  TimerBench bench;
  bench.run_task([&] { bench.task("work", 1ms, Kind::user, [&] { bench.rest(); }); });
  bench.arm(7, 200us, 200us);

  bench.engine.run_for(3ms);

  CHECK(bench.timeline.at("expired 7") == Instants{200us + to_callbacks});
  CHECK(bench.timeline.at("work") == Instants{1ms + 1us + 2us + 13us + 4us});
  CHECK(bench.cpu.interrupts()[static_cast<std::size_t>(IrqKind::timer)] == 1);
}

TEST_CASE(
    "slack coalesces: the earliest hard expiry interrupts, and every soft expiry then passed runs (KF9.4)",
    "[timer]") {
  TimerBench bench;
  bench.run_hog();
  bench.arm(4, 153'501ns, 600us);  // a nanosecond too late
  bench.arm(3, 153us, 203us);      // its soft expiry passes while the interrupt is on its way
  bench.arm(2, 120us, 170us);
  bench.arm(1, 100us, 150us);

  bench.engine.run_for(3ms);

  CHECK(bench.timeline.moments == Moments{{"expired 1", 150us + to_callbacks},
                                          {"expired 2", 150us + to_callbacks},
                                          {"expired 3", 150us + to_callbacks},
                                          {"expired 4", 600us + to_callbacks}});
}

// __hrtimer_run_queues walks the timers by hard expiry and stops at the first that is not due.
TEST_CASE("a sleeper behind one that is not due waits for it, though its own soft expiry has passed (KF9.4)",
          "[timer]") {
  TimerBench bench;
  bench.run_hog();
  bench.arm(1, 100us, 150us);
  bench.arm(2, 290us, 300us);
  bench.arm(3, 120us, 310us);

  bench.engine.run_for(3ms);

  CHECK(bench.timeline.at("expired 2") == Instants{300us + to_callbacks});
  CHECK(bench.timeline.at("expired 3") == Instants{300us + to_callbacks});
}

TEST_CASE("sleepers of one expiry wake in the order in which they went to sleep", "[timer]") {
  TimerBench bench;
  bench.run_hog();
  for (const int task : {3, 1, 4, 2}) {
    bench.arm(task, 100us, 100us);
  }

  bench.engine.run_for(3ms);

  REQUIRE(bench.timeline.moments.size() == 4);
  CHECK(bench.timeline.moments[0].what == "expired 3");
  CHECK(bench.timeline.moments[1].what == "expired 1");
  CHECK(bench.timeline.moments[2].what == "expired 4");
  CHECK(bench.timeline.moments[3].what == "expired 2");
}

TEST_CASE("a CPU with a sleeper and no slack interrupts for each expiry", "[timer]") {
  TimerBench bench;
  bench.run_hog();
  bench.arm(1, 100us, 100us);
  bench.arm(2, 200us, 200us);

  bench.engine.run_for(3ms);

  CHECK(bench.timeline.moments ==
        Moments{{"expired 1", 100us + to_callbacks}, {"expired 2", 200us + to_callbacks}});
}

TEST_CASE("an interrupt that waits for an irqs-off region serves what fell due meanwhile", "[timer]") {
  TimerBench bench;
  bench.run_task([&] { bench.task("region", 1ms, Kind::irqs_off, [&] { bench.rest(); }); });
  bench.arm(1, 100us, 100us);
  bench.arm(2, 900us, 900us);

  bench.engine.run_for(3ms);

  CHECK(bench.timeline.at("expired 1") == Instants{1ms + 3us});
  CHECK(bench.timeline.at("expired 2") == Instants{1ms + 3us});
  CHECK(bench.cpu.interrupts()[static_cast<std::size_t>(IrqKind::timer)] == 1);
}

TEST_CASE("arming a timer while an expiry is on its way to the CPU sends no second interrupt", "[timer]") {
  TimerBench bench;
  bench.run_hog();
  bench.arm(1, 100us, 100us);
  bench.at(100'200ns, [&] { bench.arm(2, 500us, 500us); });  // between expiry and delivery

  bench.engine.run_for(3ms);

  CHECK(bench.timeline.at("expired 2") == Instants{500us + to_callbacks});
  CHECK(bench.cpu.interrupts()[static_cast<std::size_t>(IrqKind::timer)] == 2);
}

TEST_CASE("ticks of a busy CPU fall on the global grid, one interrupt each", "[timer]") {
  TimerBench bench;
  bench.engine.run_until(sim::SimTime{1'300us});
  bench.run_hog();

  bench.engine.run_until(sim::SimTime{13ms});

  CHECK(bench.timeline.at("tick") == Instants{4ms + to_callbacks, 8ms + to_callbacks, 12ms + to_callbacks});
  CHECK(bench.cpu.interrupts()[static_cast<std::size_t>(IrqKind::timer)] == 3);
}

TEST_CASE("the tick's own cost is hardirq time", "[timer]") {
  TimerBench bench;
  bench.run_hog();

  bench.engine.run_until(sim::SimTime{5ms});
  bench.cpu.account_now();

  CHECK(bench.accounted(CpuTime::hardirq) == 1'000 + 2'000 + 13'000 + 4'000 + 30'000);
}

TEST_CASE("the tick stops when the CPU goes idle and restarts in phase when it leaves (KF9.3)", "[timer]") {
  TimerBench bench;
  bench.run_hog();
  bench.at(5ms, [&] { bench.timers.idle_changed(true); });
  bench.at(17'900us, [&] { bench.timers.idle_changed(false); });

  bench.engine.run_until(sim::SimTime{25ms});

  CHECK(bench.timeline.at("tick") == Instants{4ms + to_callbacks, 20ms + to_callbacks, 24ms + to_callbacks});
}

TEST_CASE("an idle CPU still interrupts for its sleepers", "[timer]") {
  TimerBench bench;
  bench.cpu.settle();
  bench.arm(1, 10ms, 10ms);

  bench.engine.run_until(sim::SimTime{30ms});

  CHECK(bench.timeline.at("expired 1") == Instants{10ms + to_callbacks});
  CHECK(bench.timeline.at("tick").empty());
}

TEST_CASE("a tick that had to wait is not repeated for the edges it missed", "[timer]") {
  TimerBench bench;
  bench.run_task([&] { bench.task("region", 9ms, Kind::irqs_off, [&] { bench.rest(); }); });

  bench.engine.run_until(sim::SimTime{13ms});

  CHECK(bench.timeline.at("tick") == Instants{9ms + 3us, 12ms + to_callbacks});
}

TEST_CASE("a sleeper that expires at the tick shares its interrupt", "[timer]") {
  TimerBench bench;
  bench.run_hog();
  bench.arm(1, 4ms, 4ms);

  bench.engine.run_until(sim::SimTime{7ms});

  CHECK(bench.timeline.at("expired 1") == Instants{4ms + to_callbacks});
  CHECK(bench.timeline.at("tick") == Instants{4ms + to_callbacks});
  CHECK(bench.cpu.interrupts()[static_cast<std::size_t>(IrqKind::timer)] == 1);
}

TEST_CASE("the governor hears of the next hard expiry, or of a long time without one, whatever the tick does",
          "[timer]") {
  TimerBench bench;
  CHECK(bench.timers.next_timer() == 1s);
  bench.timers.idle_changed(true);
  CHECK(bench.timers.next_timer() == 1s);

  bench.arm(1, 300us, 350us);
  CHECK(bench.timers.next_timer() == 350us);

  bench.timers.idle_changed(false);
  bench.arm(2, 200us, 220us);
  CHECK(bench.timers.next_timer() == 220us);
}

TEST_CASE("timer, rcu and balancing softirqs are raised at tick edges only", "[timer]") {
  KernelConfig kernel;
  kernel.timer_softirq_interval = 3ms;
  kernel.rcu_softirq_interval = 7ms;
  TimerBench bench{250, kernel};
  bench.run_hog();

  bench.engine.run_until(sim::SimTime{200ms});

  const Instants ticks = bench.timeline.at("tick");
  std::map<SoftirqVector, int> runs;
  for (const auto& [vector, when] : bench.softirqs) {
    ++runs[vector];
    // Right after the tick's interrupt: callbacks, then the clock event, the tick and the exit.
    CHECK(std::count(ticks.begin(), ticks.end(), when - (13us + 4us + 30us)) == 1);
  }
  CHECK(runs[SoftirqVector::timer] > 25);
  CHECK(runs[SoftirqVector::rcu] > 10);
  CHECK(runs[SoftirqVector::sched] == 16);  // one busy CPU at HZ=250 balances every 16 ms less a jiffy
  CHECK(runs.size() == 3);
}

TEST_CASE("an expiry stamps its completion with when its interrupt runs it, not when it was due", "[timer]") {
  TimerBench bench;
  bench.run_hog();
  const CompletionId id = bench.completions.acquire({}, TaskId{1});
  bench.timers.arm(Sleeper{TaskId{1}, sim::SimTime{100us}, sim::SimTime{150us}, id});

  bench.engine.run_for(3ms);

  CHECK(bench.completions[id].when(Stage::timer) == sim::SimTime{150us + to_callbacks});
  CHECK_FALSE(bench.completions[id].has(Stage::hardirq_entry));  // the local APIC's is no irq_handler
}

// Callbacks that take longer than the gaps between timers.
TEST_CASE("a timer that expires while the interrupt runs callbacks is run by it, without programming (KF9.5)",
          "[timer]") {
  TimerBench bench;
  bench.run_task([&] { bench.task("work", 1ms, Kind::user, [&] { bench.rest(); }); });
  bench.on_expiry = [&] { bench.cpu.charge(40us); };
  bench.arm(1, 200us, 200us);
  bench.arm(2, 230us, 230us);  // while the first is woken

  bench.engine.run_for(3ms);

  CHECK(bench.timeline.at("expired 1") == Instants{200us + to_callbacks});
  CHECK(bench.timeline.at("expired 2") == Instants{200us + to_callbacks + 40us});
  CHECK(bench.timeline.at("work") == Instants{1ms + 1us + 2us + 2 * 40us + 13us + 4us});
  CHECK(bench.cpu.interrupts()[static_cast<std::size_t>(IrqKind::timer)] == 1);
}

TEST_CASE("an interrupt that is late three times backs off for as long as it has taken (KF9.5)", "[timer]") {
  TimerBench bench;
  bench.run_hog();
  bench.on_expiry = [&] { bench.cpu.charge(40us); };
  for (int i = 0; i < 5; ++i) {
    bench.arm(i, 200us + i * 30us, 200us + i * 30us);
  }

  bench.engine.run_for(3ms);

  const sim::Nanos first = 200us + to_callbacks;
  CHECK(bench.timeline.at("expired 1") == Instants{first + 40us});
  CHECK(bench.timeline.at("expired 2") == Instants{first + 80us});
  // 120 us after the first it gives up, and 120 us after that the clock event comes.
  CHECK(bench.timeline.at("expired 3") == Instants{first + 240us + to_callbacks});
  CHECK(bench.timeline.at("expired 4") == Instants{first + 240us + to_callbacks});
}

TEST_CASE("a back-off is 100 ms at most (KF9.5)", "[timer]") {
  TimerBench bench;
  bench.run_hog();
  bench.timers.idle_changed(true);  // no tick
  bench.on_expiry = [&] { bench.cpu.charge(200ms); };
  int number = 0;
  for (const sim::Nanos when : Instants{0ms, 100ms, 300ms, 500ms}) {
    bench.arm(number++, 200us + when, 200us + when);
  }

  bench.engine.run_for(900ms);

  const sim::Nanos first = 200us + to_callbacks;
  CHECK(bench.timeline.at("expired 1") == Instants{first + 200ms});
  CHECK(bench.timeline.at("expired 2") == Instants{first + 400ms});
  CHECK(bench.timeline.at("expired 3")[0] == first + 600ms + 100ms + to_callbacks);
}

TEST_CASE("what a callback arms is left to the interrupt's end, which programs the clock event once (KF9.5)",
          "[timer]") {
  TimerBench bench;
  bench.run_task([&] { bench.task("work", 1ms, Kind::user, [&] { bench.rest(); }); });
  bool armed = false;
  bench.on_expiry = [&] {
    if (!std::exchange(armed, true)) {
      bench.arm(2, 600us, 600us);
      bench.arm(3, 500us, 500us);
    }
  };
  bench.arm(1, 200us, 200us);

  bench.engine.run_for(3ms);

  CHECK(bench.timeline.at("expired 3") == Instants{500us + to_callbacks});
  CHECK(bench.timeline.at("expired 2") == Instants{600us + to_callbacks});
  CHECK(bench.timeline.at("work") ==
        Instants{1ms + 3 * (1us + 2us + 13us + 4us)});  // three interrupts' worth
}

}  // namespace
}  // namespace models
