// Wakeup preemption: who gets the CPU when a task wakes beside a running one.
#include <algorithm>
#include <catch2/catch.hpp>
#include <vector>

#include "models/eevdf.h"
#include "tests/models/fair_cpu.h"

namespace models {

using namespace std::chrono_literals;

// A hog in the middle of its first request, protected.
struct BesideHog {
  explicit BesideHog(const CfsConfig& config, sim::Nanos hog_slice = 0ns)
      : cpu{config}, hog{cpu.task(0, hog_slice)}, wakee{cpu.task()} {
    cpu.wake(hog);
    cpu.spend(1ms);
  }
  explicit BesideHog(KernelRelease release = KernelRelease::v6_12, sim::Nanos hog_slice = 0ns)
      : BesideHog{fair_config(release), hog_slice} {}

  bool wake() {
    cpu.rq.enqueue(wakee, cpu.clock, {.wakeup = true});
    return cpu.rq.wakeup_preempt(wakee, cpu.clock);
  }
  FairCpu cpu;
  SchedEntity& hog;
  SchedEntity& wakee;
};

TEST_CASE("a wakee that is owed nothing waits for the hog's slice to end", "[eevdf][preempt]") {
  const auto release = GENERATE(KernelRelease::v6_12, KernelRelease::v6_18);
  BesideHog bench{release};

  CHECK_FALSE(bench.wake());
  CHECK(bench.wakee.vruntime == bench.hog.vruntime);
  CHECK_FALSE(bench.cpu.rq.need_resched());

  bench.cpu.run(2999us);
  CHECK(bench.cpu.running() == &bench.hog);
  bench.cpu.run(1us);  // the tick at 4 ms; the slice was used up at 3 ms
  CHECK(bench.cpu.running() == &bench.wakee);
}

TEST_CASE("a wakee that is owed service preempts at once", "[eevdf][preempt]") {
  const auto release = GENERATE(KernelRelease::v6_12, KernelRelease::v6_18);
  BesideHog bench{release};

  bench.wakee.vlag = 1;

  CHECK(bench.wake());
  CHECK(bench.cpu.rq.need_resched());
  CHECK(bench.cpu.rq.pick(bench.cpu.clock) == &bench.wakee);
}

TEST_CASE("a wakee that has had more than its share waits", "[eevdf][preempt]") {
  const auto release = GENERATE(KernelRelease::v6_12, KernelRelease::v6_18);
  BesideHog bench{release};

  bench.wakee.vlag = -1;

  CHECK_FALSE(bench.wake());
  CHECK_FALSE(bench.cpu.rq.eligible(bench.wakee));
}

TEST_CASE("a wakee with a shorter slice breaks the hog's protection and wins", "[eevdf][preempt]") {
  const auto release = GENERATE(KernelRelease::v6_12, KernelRelease::v6_18);
  BesideHog bench{release};
  bench.cpu.rq.set_slice(bench.wakee, 500us, bench.cpu.clock);

  CHECK(bench.wake());  // its deadline is 0.5 ms away, the hog's 2 ms

  CHECK_FALSE(bench.cpu.rq.protected_slice(bench.hog));
}

TEST_CASE("a shorter slice does not help a wakee with a later deadline", "[eevdf][preempt]") {
  const auto release = GENERATE(KernelRelease::v6_12, KernelRelease::v6_18);
  BesideHog bench{release};
  bench.cpu.rq.set_slice(bench.wakee, 2500us, bench.cpu.clock);  // the hog has 2 ms left

  CHECK_FALSE(bench.wake());
  CHECK(bench.cpu.rq.protected_slice(bench.hog));
}

TEST_CASE("a shorter slice does not help a wakee that is not eligible", "[eevdf][preempt]") {
  const auto release = GENERATE(KernelRelease::v6_12, KernelRelease::v6_18);
  BesideHog bench{release};
  bench.cpu.rq.set_slice(bench.wakee, 500us, bench.cpu.clock);
  bench.wakee.vlag = -1000;

  CHECK_FALSE(bench.wake());
  CHECK(bench.cpu.rq.protected_slice(bench.hog));
}

TEST_CASE("without PREEMPT_SHORT a shorter slice does not break protection", "[eevdf][preempt]") {
  CfsConfig config = fair_config(GENERATE(KernelRelease::v6_12, KernelRelease::v6_18));
  config.features.preempt_short = false;
  BesideHog bench{config};
  bench.cpu.rq.set_slice(bench.wakee, 500us, bench.cpu.clock);

  CHECK_FALSE(bench.wake());
}

TEST_CASE("KF18.4a: a short wakee that does not win ends 6.12's protection but only shortens 6.18's",
          "[eevdf][preempt]") {
  const auto release = GENERATE(KernelRelease::v6_12, KernelRelease::v6_18);
  BesideHog bench{release, 10ms};
  SchedEntity& rival = bench.cpu.task(0, 300us);
  bench.cpu.rq.set_slice(bench.wakee, 500us, bench.cpu.clock);
  bench.cpu.rq.enqueue(rival, bench.cpu.clock, {.wakeup = true});  // not asked for; the earliest deadline

  CHECK_FALSE(bench.wake());

  const bool v6_18 = release == KernelRelease::v6_18;
  CHECK(bench.cpu.rq.protected_slice(bench.hog) == v6_18);
  if (v6_18) {
    CHECK(bench.hog.vlag == bench.hog.vruntime + 300'000);
  }
}

TEST_CASE("KF18.4a: in 6.18 every wakeup that does not preempt shortens the protection", "[eevdf][preempt]") {
  BesideHog bench{KernelRelease::v6_18, 2ms};
  CHECK(bench.hog.vlag == bench.hog.deadline);
  SchedEntity& brief = bench.cpu.task(0, 100us);
  brief.vlag = -100'000;
  bench.cpu.rq.enqueue(brief, bench.cpu.clock, {.wakeup = true});

  CHECK_FALSE(bench.wake());  // its slice is the longer one

  CHECK(bench.hog.vlag == bench.hog.vruntime + 100'000);
}

TEST_CASE("batch and idle wakees never preempt a normal task", "[eevdf][preempt]") {
  const auto release = GENERATE(KernelRelease::v6_12, KernelRelease::v6_18);
  const auto policy = GENERATE(SchedClass::batch, SchedClass::idle);
  BesideHog bench{release};
  bench.wakee.policy = policy;
  bench.wakee.vlag = 1'000'000;

  CHECK_FALSE(bench.wake());
}

TEST_CASE("any other task preempts a running idle-policy task", "[eevdf][preempt]") {
  const auto release = GENERATE(KernelRelease::v6_12, KernelRelease::v6_18);
  BesideHog bench{release};
  bench.hog.policy = SchedClass::idle;
  bench.wakee.policy = GENERATE(SchedClass::normal, SchedClass::batch);
  bench.wakee.vlag = 0;

  CHECK(bench.wake());
  CHECK_FALSE(bench.cpu.rq.protected_slice(bench.hog));
}

TEST_CASE("an idle-policy task does not preempt another", "[eevdf][preempt]") {
  BesideHog bench;
  bench.hog.policy = SchedClass::idle;
  bench.wakee.policy = SchedClass::idle;
  bench.wakee.vlag = 1'000'000;

  CHECK_FALSE(bench.wake());
}

TEST_CASE("KF18.4a: a forked child can preempt in 6.12 and cannot in 6.18", "[eevdf][preempt]") {
  const auto release = GENERATE(KernelRelease::v6_12, KernelRelease::v6_18);
  FairCpu cpu{release};
  SchedEntity& parent = cpu.task();
  SchedEntity& child = cpu.task();
  cpu.wake(parent);
  cpu.run(4ms);  // unprotected, a fresh deadline 3 ms away; the child's half request ends in 1.5 ms

  cpu.rq.enqueue(child, cpu.clock, {.initial = true});

  CHECK(cpu.rq.wakeup_preempt(child, cpu.clock, true) == (release == KernelRelease::v6_12));
}

TEST_CASE("a wakeup asks nothing while a reschedule is pending", "[eevdf][preempt]") {
  BesideHog bench;
  bench.cpu.rq.resched_curr();
  bench.wakee.vlag = 1'000'000;

  CHECK_FALSE(bench.wake());
  CHECK(bench.cpu.rq.need_resched());
}

TEST_CASE("the enqueue that charges an expired slice raises the reschedule itself", "[eevdf][preempt]") {
  BesideHog bench;
  SchedEntity& other = bench.cpu.task();
  bench.cpu.rq.enqueue(other, bench.cpu.clock, {.wakeup = true});
  bench.cpu.spend(2ms);  // the hog's slice ends now

  bench.cpu.rq.enqueue(bench.wakee, bench.cpu.clock, {.wakeup = true});

  CHECK(bench.cpu.rq.need_resched());
}

TEST_CASE("the wakeup check charges the running task, which the requeue of a delayed sleeper does not",
          "[eevdf][preempt]") {
  const auto release = GENERATE(KernelRelease::v6_12, KernelRelease::v6_18);
  FairCpu cpu{release};
  SchedEntity& sleeper = cpu.task();
  SchedEntity& hog = cpu.task(0, 10ms);
  cpu.wake(sleeper);
  cpu.rq.enqueue(hog, cpu.clock, {.wakeup = true});
  cpu.spend(1ms);
  cpu.block();
  cpu.spend(2ms);

  cpu.rq.enqueue(sleeper, cpu.clock, {.wakeup = true});

  CHECK(cpu.rq.wakeup_preempt(sleeper, cpu.clock));
}

TEST_CASE("without WAKEUP_PREEMPTION every wakee waits", "[eevdf][preempt]") {
  CfsConfig config = fair_config(GENERATE(KernelRelease::v6_12, KernelRelease::v6_18));
  config.features.wakeup_preemption = false;
  BesideHog bench{config};
  bench.wakee.vlag = 1'000'000;

  CHECK_FALSE(bench.wake());
}

TEST_CASE("KF18.4b: only 6.18's wakeup check can finish a delayed dequeue", "[eevdf][preempt]") {
  const auto release = GENERATE(KernelRelease::v6_12, KernelRelease::v6_18);
  FairCpu cpu{release};
  SchedEntity& sleeper = cpu.task();
  SchedEntity& hog = cpu.task(0, 10ms);
  SchedEntity& wakee = cpu.task();
  cpu.wake(sleeper);
  cpu.rq.enqueue(hog, cpu.clock, {.wakeup = true});
  cpu.spend(1ms);
  cpu.block();  // the sleeper owes 0.5 ms and is delayed
  REQUIRE(sleeper.sched_delayed);
  REQUIRE(cpu.running() == &hog);
  cpu.spend(2ms);  // paid: the sleeper is eligible, the hog is not

  const bool v6_18 = release == KernelRelease::v6_18;
  CHECK(cpu.wake(wakee) == v6_18);  // 6.12 compares with the sleeper and lets the hog go on

  CHECK(sleeper.on_rq == !v6_18);
  CHECK(cpu.rq.nr_queued() == (v6_18 ? 2 : 3));
}

TEST_CASE("a light task beside a hog waits a slice, then preempts until its credit is spent",
          "[eevdf][preempt]") {
  const auto release = GENERATE(KernelRelease::v6_12, KernelRelease::v6_18);
  FairCpu cpu{release};
  SchedEntity& hog = cpu.task();
  SchedEntity& agent = cpu.task();
  cpu.wake(hog);
  cpu.spend(100us);

  std::vector<bool> immediate;
  for (int wakeup = 0; wakeup < 12; ++wakeup) {
    immediate.push_back(cpu.wake(agent));
    while (cpu.running() != &agent) {
      cpu.run(100us);
    }
    cpu.spend(400us);
    cpu.block();
    cpu.run(600us);
  }

  CHECK_FALSE(immediate.front());
  const auto preempted = std::count(immediate.begin(), immediate.end(), true);
  CHECK(preempted >= 6);
  CHECK(preempted < 12);
  CHECK(hog.sum_exec_runtime > agent.sum_exec_runtime);
}

}  // namespace models
