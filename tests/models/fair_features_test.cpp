// What the feature flags and the kernel versions change: HRTICK, NEXT_BUDDY, the yield of 6.12.0, the wakeup
// check of 6.18.26, and the scheduling policies of the fair class.
#include <catch2/catch.hpp>

#include "tests/models/fair_bench.h"

namespace models {

using namespace std::chrono_literals;

namespace {

constexpr CpuId cpu0{0};

CfsConfig config_of(FairVersion version) {
  CfsConfig config = fair_config(KernelRelease::v6_12);
  config.features = sched_features(version);
  return config;
}

}  // namespace

TEST_CASE("HRTICK knows when the slice of a task that is not alone ends", "[fair][features]") {
  FairBench bench;
  SchedEntity& hog = bench.task();
  bench.wake(hog);
  CHECK(bench.fair.hrtick_delay(cpu0) < 0);  // alone

  bench.spend(1ms);
  bench.enqueue(bench.task());
  CHECK(bench.fair.hrtick_delay(cpu0) == 2'000'000);  // of 3 ms; the enqueue charged 1 ms

  bench.spend(1995us);
  bench.fair.update_curr(cpu0, bench.clock);
  CHECK(bench.fair.hrtick_delay(cpu0) == 10'000);  // no timer is set for less
}

TEST_CASE("the slice's timer asks for a reschedule, protected or not", "[fair][features]") {
  FairBench bench;
  SchedEntity& hog = bench.task();
  SchedEntity& waits = bench.task();
  bench.wake(hog);
  bench.enqueue(waits);

  bench.spend(sim::Nanos{bench.fair.hrtick_delay(cpu0)});
  bench.fair.hrtick(cpu0, bench.clock);

  CHECK(bench.fair.need_resched(cpu0));
  bench.schedule();
  CHECK(bench.running() == &waits);
  CHECK(hog.sum_exec_runtime == 3'000'000);
}

TEST_CASE("with NEXT_BUDDY a wakee that does not preempt is next, if it is eligible", "[fair][features]") {
  const auto release = GENERATE(KernelRelease::v6_12, KernelRelease::v6_18);
  const bool next_buddy = GENERATE(true, false);
  CfsConfig config = fair_config(release);
  config.features.next_buddy = next_buddy;
  FairBench bench{config};
  SchedEntity& hog = bench.task();
  SchedEntity& first = bench.task();
  SchedEntity& last = bench.task();
  bench.wake(hog);
  bench.enqueue(first);  // forked or moved here, say: no wakeup check
  bench.fair.enqueue_task(cpu0, last, bench.clock, {.wakeup = true});
  const bool preempts = bench.fair.wakeup_preempt(cpu0, last, bench.clock);

  // 6.18.33 looks at the buddy in the check itself, and lets it win.
  CHECK(preempts == (next_buddy && release == KernelRelease::v6_18));
  CHECK(bench.fair.pick_task(cpu0, bench.clock) == (next_buddy ? &last : &hog));
}

TEST_CASE("6.12.0 takes a yield as a later deadline, later kernels as time forfeited", "[fair][features]") {
  const auto version = GENERATE(FairVersion::v6_12_0, FairVersion::v6_12_117, FairVersion::v6_18_33);
  FairBench bench{config_of(version)};
  SchedEntity& yields = bench.task();
  bench.wake(yields);
  bench.enqueue(bench.task());
  const std::int64_t vruntime = yields.vruntime;
  const std::int64_t deadline = yields.deadline;

  bench.fair.yield(cpu0, bench.clock);

  CHECK(yields.vruntime == (version == FairVersion::v6_12_0 ? vruntime : deadline));
  CHECK(yields.deadline == deadline + 3'000'000);
}

TEST_CASE("6.18.26 shortens protection only for a wakee with a shorter slice, and lets forks preempt",
          "[fair][features]") {
  const bool v33 = GENERATE(false, true);
  FairBench bench{config_of(v33 ? FairVersion::v6_18_33 : FairVersion::v6_18_26)};
  SchedEntity& hog = bench.task();
  SchedEntity& brief = bench.task();
  SchedEntity& wakee = bench.task();
  bench.fair.set_slice(cpu0, brief, 500us, 0);
  bench.wake(hog);
  brief.vlag = -2'000'000;  // not eligible for long
  bench.enqueue(brief);
  const std::int64_t vprot = hog.vlag;

  bench.fair.enqueue_task(cpu0, wakee, bench.clock, {.wakeup = true});
  CHECK_FALSE(bench.fair.wakeup_preempt(cpu0, wakee, bench.clock));
  CHECK(hog.vlag == (v33 ? hog.vruntime + 500'000 : vprot));

  SchedEntity& child = bench.task();
  child.vlag = 9'000'000;  // owed enough to make the hog ineligible
  bench.fair.enqueue_task(cpu0, child, bench.clock, {});
  CHECK(bench.fair.wakeup_preempt(cpu0, child, bench.clock, true) == !v33);
}

TEST_CASE("SCHED_BATCH never preempts by waking; SCHED_IDLE is preempted by all others", "[fair][features]") {
  const auto release = GENERATE(KernelRelease::v6_12, KernelRelease::v6_18);
  FairBench bench{release};
  SchedEntity& hog = bench.task();
  SchedEntity& batch = bench.task();
  SchedEntity& idle = bench.task();
  SchedEntity& late = bench.task();
  batch.policy = SchedClass::batch;
  idle.policy = SchedClass::idle;
  bench.fair.set_user_nice(cpu0, idle, 0, 0);
  CHECK(idle.load.weight == 3);
  bench.wake(idle);
  CHECK(bench.fair.h_nr_idle(cpu0) == 1);

  CHECK_FALSE(bench.fair.wakeup_preempt(cpu0, idle, bench.clock));
  batch.vlag = 1'000'000;
  CHECK(bench.wake(batch));  // it is idle that gives way, not batch that preempts

  bench.fair.dequeue_task(cpu0, batch, bench.clock, {.sleep = true, .special = true});
  bench.schedule();
  CHECK(bench.wake(hog));
  batch.vlag = 1'000'000;
  CHECK_FALSE(bench.wake(batch));
  late.vlag = 1'000'000;
  CHECK(bench.wake(late));
}

}  // namespace models
