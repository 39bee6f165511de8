// V, eligibility, charging, slices, protection and picking. Placement and preemption have files of their own.
#include "models/eevdf.h"

#include <catch2/catch.hpp>

#include "tests/models/fair_cpu.h"

namespace models {

using namespace std::chrono_literals;

TEST_CASE("a lone entity is the mean: V is its vruntime", "[eevdf]") {
  FairCpu cpu;
  SchedEntity& a = cpu.task(5);
  cpu.wake(a);
  const std::int64_t start = a.vruntime;

  cpu.spend(1ms);
  cpu.rq.update_curr(cpu.clock);

  CHECK(a.vruntime == start + 3'056'716);
  CHECK(a.sum_exec_runtime == 1'000'000);
  CHECK(cpu.rq.avg_vruntime() == a.vruntime);
}

TEST_CASE("KF7.1: V weighs each vruntime with its weight", "[eevdf]") {
  FairCpu cpu;
  SchedEntity& a = cpu.task(0);
  SchedEntity& b = cpu.task(5);
  cpu.wake(a);
  cpu.wake(b);
  const std::int64_t start = b.vruntime;

  cpu.spend(1ms);
  cpu.rq.update_curr(cpu.clock);

  CHECK(cpu.rq.avg_vruntime() == start + 1'000'000 * 1024 / (1024 + 335));
}

TEST_CASE("KF7.1: V is rounded down, also below its zero point", "[eevdf]") {
  FairCpu cpu;
  SchedEntity& heavy = cpu.task(0);
  SchedEntity& light = cpu.task(19);  // weight 15
  cpu.wake(heavy);
  const std::int64_t v = cpu.rq.avg_vruntime();

  light.vlag = 3;
  cpu.rq.enqueue(light, cpu.clock, {.wakeup = true});

  REQUIRE(light.vruntime == v - 3);       // 3 * 1039 / 1024 = 3
  CHECK(cpu.rq.avg_vruntime() == v - 1);  // -45 / 1039, rounded down and not toward zero
  CHECK_FALSE(cpu.rq.eligible(heavy));
}

TEST_CASE("KF7.2: an entity exactly at V is eligible, one nanosecond beyond it is not", "[eevdf]") {
  FairCpu cpu;
  SchedEntity& a = cpu.task();
  SchedEntity& b = cpu.task();
  cpu.wake(a);
  cpu.wake(b);
  REQUIRE(a.vruntime == b.vruntime);
  CHECK(cpu.rq.eligible(a));
  CHECK(cpu.rq.eligible(b));

  cpu.spend(1ns);
  cpu.rq.update_curr(cpu.clock);

  CHECK_FALSE(cpu.rq.eligible(a));  // V is half a nanosecond ahead of b: rounding it first would say so too
  CHECK(cpu.rq.eligible(b));
}

TEST_CASE("an earlier deadline that is not eligible yet is passed over", "[eevdf]") {
  FairCpu cpu;
  SchedEntity& brief = cpu.task(0, 1ms);
  SchedEntity& slow = cpu.task();
  cpu.wake(brief);
  cpu.wake(slow);
  cpu.spend(500us);

  cpu.rq.put_prev(cpu.clock);

  CHECK(brief.deadline < slow.deadline);
  CHECK(cpu.rq.pick(cpu.clock) == &slow);
}

TEST_CASE("of the eligible ones the earliest deadline is picked, not the smallest vruntime", "[eevdf]") {
  FairCpu cpu;
  SchedEntity& runner = cpu.task();
  SchedEntity& slow = cpu.task(0, 10ms);
  SchedEntity& brief = cpu.task(0, 1ms);
  cpu.wake(runner);
  cpu.wake(slow);
  cpu.spend(2ms);
  cpu.wake(brief);  // placed at V, ahead of slow

  cpu.rq.put_prev(cpu.clock);

  CHECK(slow.vruntime < brief.vruntime);
  CHECK(cpu.rq.pick(cpu.clock) == &brief);
}

TEST_CASE("equal deadlines are picked in the order they were queued", "[eevdf]") {
  FairCpu cpu;
  SchedEntity& a = cpu.task();
  SchedEntity& b = cpu.task();
  SchedEntity& c = cpu.task();
  for (SchedEntity* se : {&b, &c, &a}) {
    cpu.rq.enqueue(*se, cpu.clock, {.wakeup = true});
  }
  REQUIRE(a.deadline == b.deadline);

  CHECK(cpu.rq.pick(cpu.clock) == &b);
  cpu.rq.dequeue(b, cpu.clock, {});
  CHECK(cpu.rq.pick(cpu.clock) == &c);
  cpu.rq.enqueue(b, cpu.clock, {});
  CHECK(b.deadline == a.deadline);
  CHECK(cpu.rq.pick(cpu.clock) == &c);
}

TEST_CASE("a waiting entity wins a tie on the deadline against an unprotected running one", "[eevdf]") {
  CfsConfig config = fair_config(KernelRelease::v6_12);
  config.features.run_to_parity = false;
  FairCpu cpu{config};
  SchedEntity& a = cpu.task();
  SchedEntity& b = cpu.task();
  cpu.wake(a);
  cpu.rq.enqueue(b, cpu.clock, {.wakeup = true});

  CHECK(cpu.rq.pick(cpu.clock) == &b);
}

TEST_CASE("a slice ends exactly when vruntime reaches the deadline", "[eevdf]") {
  const auto release = GENERATE(KernelRelease::v6_12, KernelRelease::v6_18);
  FairCpu cpu{release};
  SchedEntity& a = cpu.task(5);
  SchedEntity& b = cpu.task(5);
  cpu.wake(a);
  cpu.wake(b);
  const std::int64_t deadline = a.deadline;

  cpu.spend(3ms - 1ns);
  cpu.rq.update_curr(cpu.clock);
  CHECK_FALSE(cpu.rq.need_resched());
  CHECK(a.deadline == deadline);

  cpu.spend(2ns);  // to_v rounds down, so two parts of a slice need not add up to it
  cpu.rq.update_curr(cpu.clock);
  CHECK(cpu.rq.need_resched());
  CHECK(a.deadline == a.vruntime + real_to_v(3'000'000, a));
}

TEST_CASE("KF7.4, KF18.3c: the end of a slice waits for the next tick", "[eevdf]") {
  const auto release = GENERATE(KernelRelease::v6_12, KernelRelease::v6_18);
  FairCpu cpu{release};
  SchedEntity& a = cpu.task();
  SchedEntity& b = cpu.task();
  cpu.spend(500us);
  cpu.wake(a);
  cpu.wake(b);

  cpu.run(3499us);
  CHECK(cpu.running() == &a);
  cpu.run(1us);  // the tick at 4 ms

  CHECK(cpu.running() == &b);
  CHECK(a.sum_exec_runtime == 3'500'000);
}

TEST_CASE("a task that is alone is never asked to reschedule", "[eevdf]") {
  const auto release = GENERATE(KernelRelease::v6_12, KernelRelease::v6_18);
  FairCpu cpu{release};
  SchedEntity& a = cpu.task();
  cpu.wake(a);

  cpu.spend(10ms);
  cpu.rq.tick(cpu.clock);

  CHECK_FALSE(cpu.rq.need_resched());
  CHECK(a.deadline == a.vruntime + 3'000'000);
}

TEST_CASE("KF7.3: a task that outlived a slice alone has lost its protection", "[eevdf]") {
  const auto release = GENERATE(KernelRelease::v6_12, KernelRelease::v6_18);
  FairCpu cpu{release};
  SchedEntity& hog = cpu.task();
  cpu.wake(hog);
  CHECK(cpu.rq.protected_slice(hog));

  cpu.run(5ms);
  CHECK_FALSE(cpu.rq.protected_slice(hog));

  SchedEntity& wakee = cpu.task();
  CHECK_FALSE(cpu.wake(wakee));  // as old as V: no preemption
  cpu.run(3ms);                  // the tick at 8 ms
  CHECK(cpu.running() == &wakee);
  CHECK(cpu.rq.protected_slice(wakee));
}

TEST_CASE("KF7.3: picking the running task again gives no new protection", "[eevdf]") {
  const auto release = GENERATE(KernelRelease::v6_12, KernelRelease::v6_18);
  FairCpu cpu{release};
  SchedEntity& a = cpu.task();
  SchedEntity& b = cpu.task();
  cpu.wake(a);
  b.vlag = -5'000'000;  // b has had too much: a is picked again when its slice ends
  cpu.wake(b);

  cpu.run(4ms);

  CHECK(cpu.running() == &a);
  CHECK(cpu.switches == 1);
  CHECK_FALSE(cpu.rq.protected_slice(a));
}

TEST_CASE("KF18.3b: 6.12 reschedules an unprotected task once it is ineligible, 6.18 at every clock update",
          "[eevdf]") {
  const auto release = GENERATE(KernelRelease::v6_12, KernelRelease::v6_18);
  FairCpu cpu{release};
  SchedEntity& a = cpu.task();
  SchedEntity& b = cpu.task();
  cpu.wake(a);
  cpu.run(5ms);  // outlives its slice: unprotected
  b.vlag = -1'000'000;
  cpu.wake(b);  // 2 ms ahead of a

  cpu.spend(1500us);
  cpu.rq.update_curr(cpu.clock);
  CHECK(cpu.rq.eligible(a));
  CHECK(cpu.rq.need_resched() == (release == KernelRelease::v6_18));
  CHECK(cpu.rq.pick(cpu.clock) == &a);  // asking changes nothing

  cpu.rq.clear_resched();
  cpu.spend(501us);
  cpu.rq.update_curr(cpu.clock);
  CHECK_FALSE(cpu.rq.eligible(a));
  CHECK(cpu.rq.need_resched());
}

TEST_CASE("KF7.3: RUN_TO_PARITY keeps an eligible task on the CPU against an earlier deadline", "[eevdf]") {
  const auto release = GENERATE(KernelRelease::v6_12, KernelRelease::v6_18);
  CfsConfig config = fair_config(release);
  config.features.preempt_short = false;  // else the shorter slice would end the protection
  FairCpu cpu{config};
  SchedEntity& a = cpu.task(0, 10ms);
  SchedEntity& b = cpu.task(0, 2ms);
  cpu.wake(a);

  b.vlag = -500'000;  // a has 1 ms until b catches up with V
  CHECK_FALSE(cpu.wake(b));
  REQUIRE(b.deadline < a.deadline);
  cpu.spend(999us);
  CHECK(cpu.rq.pick(cpu.clock) == &a);
  cpu.spend(2us);
  CHECK(cpu.rq.pick(cpu.clock) == &b);  // a is not eligible any more
}

TEST_CASE("KF18.3a: 6.18 protects only for the smallest slice waiting, 6.12 for the whole request",
          "[eevdf]") {
  const auto release = GENERATE(KernelRelease::v6_12, KernelRelease::v6_18);
  FairCpu cpu{release};
  SchedEntity& big = cpu.task(5, 10ms);
  SchedEntity& small = cpu.task(0, 1ms);
  for (SchedEntity* se : {&big, &small}) {
    cpu.rq.enqueue(*se, cpu.clock, {.wakeup = true});
  }

  cpu.rq.set_next(big, cpu.clock);

  CHECK(big.vlag ==
        (release == KernelRelease::v6_18 ? big.vruntime + real_to_v(1'000'000, big) : big.deadline));
}

TEST_CASE("slices that have left the queue count no longer", "[eevdf]") {
  FairCpu cpu{KernelRelease::v6_18};
  SchedEntity& runner = cpu.task(0, 50ms);
  SchedEntity& small = cpu.task(0, 1ms);
  SchedEntity& middle = cpu.task(0, 2ms);
  SchedEntity& large = cpu.task(0, 40ms);
  for (SchedEntity* se : {&small, &middle, &large, &runner}) {
    cpu.rq.enqueue(*se, cpu.clock, {.wakeup = true});
  }
  cpu.rq.dequeue(small, cpu.clock, {});
  cpu.rq.dequeue(large, cpu.clock, {});

  cpu.rq.set_next(runner, cpu.clock);
  CHECK(runner.vlag == runner.vruntime + 2'000'000);

  cpu.spend(200ms);
  cpu.rq.dequeue(middle, cpu.clock, {});
  CHECK(middle.vlag == 54'000'000);  // the runner's slice is the largest now, and a tick
  cpu.rq.put_prev(cpu.clock);
  cpu.rq.enqueue(small, cpu.clock, {});
  cpu.rq.set_next(small, cpu.clock);
  cpu.rq.dequeue(runner, cpu.clock, {});
  cpu.spend(200ms);
  cpu.rq.enqueue(middle, cpu.clock, {});
  cpu.spend(200ms);
  cpu.rq.update_curr(cpu.clock);
  CHECK(cpu.rq.entity_lag(middle) == 6'000'000);  // the largest is 2 ms
}

TEST_CASE("KF18.3a: without RUN_TO_PARITY a 6.18 task is protected for the unscaled base slice", "[eevdf]") {
  CfsConfig config = fair_config(KernelRelease::v6_18);
  config.features.run_to_parity = false;
  FairCpu cpu{config};
  SchedEntity& a = cpu.task();

  cpu.wake(a);

  CHECK(a.vlag == a.vruntime + 750'000);
}

TEST_CASE("a preempted task goes back to the queue with what it has used", "[eevdf]") {
  FairCpu cpu;
  SchedEntity& a = cpu.task();
  cpu.wake(a);
  const std::int64_t start = a.vruntime;
  const std::int64_t deadline = a.deadline;
  cpu.spend(1ms);

  cpu.rq.put_prev(cpu.clock);

  CHECK(cpu.rq.curr() == nullptr);
  CHECK(cpu.rq.nr_queued() == 1);
  CHECK(a.vruntime == start + 1'000'000);
  CHECK(a.deadline == deadline);
  CHECK(cpu.rq.pick(cpu.clock) == &a);
}

TEST_CASE("a clock that stands still charges nothing", "[eevdf]") {
  FairCpu cpu;
  SchedEntity& a = cpu.task();
  cpu.wake(a);
  const std::int64_t start = a.vruntime;

  cpu.rq.update_curr(cpu.clock);
  cpu.rq.tick(cpu.clock);

  CHECK(a.vruntime == start);
}

TEST_CASE("a yielding task gives up the rest of its request", "[eevdf]") {
  FairCpu cpu;
  SchedEntity& a = cpu.task();
  SchedEntity& b = cpu.task();
  cpu.wake(a);
  cpu.rq.enqueue(b, cpu.clock, {.wakeup = true});
  const std::int64_t deadline = a.deadline;

  cpu.rq.yield(cpu.clock);

  CHECK(a.vruntime == deadline);
  CHECK(a.deadline == deadline + 3'000'000);
  CHECK(cpu.rq.pick(cpu.clock) == &b);
}

TEST_CASE("a yield costs nothing when the task is alone or has no right to run anyway", "[eevdf]") {
  FairCpu cpu;
  SchedEntity& a = cpu.task();
  SchedEntity& b = cpu.task();
  cpu.wake(a);
  const std::int64_t start = a.vruntime;
  cpu.rq.yield(cpu.clock);
  CHECK(a.vruntime == start);

  cpu.rq.enqueue(b, cpu.clock, {.wakeup = true});
  cpu.spend(1ms);
  cpu.rq.yield(cpu.clock);
  CHECK(a.vruntime == start + 1'000'000);
}

}  // namespace models
