// Delayed dequeue: a sleeper that owes service competes on until it is paid.
#include <catch2/catch.hpp>

#include "models/eevdf.h"
#include "tests/models/fair_cpu.h"

namespace models {

using namespace std::chrono_literals;

TEST_CASE("KF7.5: a sleeper that overran its share stays queued until its lag is paid", "[eevdf][delayed]") {
  const auto release = GENERATE(KernelRelease::v6_12, KernelRelease::v6_18);
  AheadOf bench{release};
  FairCpu& cpu = bench.cpu;

  CHECK_FALSE(cpu.block());

  CHECK(bench.a.on_rq);
  CHECK(bench.a.sched_delayed);
  CHECK(cpu.running() == &bench.b);
  CHECK(cpu.rq.nr_queued() == 2);
  CHECK(cpu.rq.nr_runnable() == 1);
  CHECK(cpu.rq.load() == 2048);
}

TEST_CASE("KF7.5: a sleeper that is owed service leaves at once and keeps its lag", "[eevdf][delayed]") {
  AheadOf bench;
  FairCpu& cpu = bench.cpu;
  cpu.schedule();
  REQUIRE(cpu.running() == &bench.b);

  CHECK(cpu.block());

  CHECK_FALSE(bench.b.on_rq);
  CHECK(bench.b.vlag == 500'000);
  CHECK(cpu.rq.nr_queued() == 1);
  CHECK(cpu.rq.load() == 1024);
}

TEST_CASE("an exiting task is never delayed, nor is any without DELAY_DEQUEUE", "[eevdf][delayed]") {
  AheadOf exits;
  CHECK(exits.cpu.block({.sleep = true, .special = true}));
  CHECK(exits.a.vlag == -500'000);

  CfsConfig config = fair_config(KernelRelease::v6_12);
  config.features.delay_dequeue = false;
  FairCpu cpu{config};
  SchedEntity& a = cpu.task();
  SchedEntity& b = cpu.task();
  cpu.wake(a);
  cpu.wake(b);
  cpu.spend(1ms);
  CHECK(cpu.block());
  CHECK(a.vlag == -500'000);
}

TEST_CASE("KF7.5: a delayed sleeper woken before its lag is paid resumes where it was", "[eevdf][delayed]") {
  AheadOf bench;
  FairCpu& cpu = bench.cpu;
  cpu.block();
  const std::int64_t vruntime = bench.a.vruntime;
  const std::int64_t deadline = bench.a.deadline;
  cpu.spend(400us);
  cpu.rq.update_curr(cpu.clock);

  CHECK_FALSE(cpu.wake(bench.a));

  CHECK_FALSE(bench.a.sched_delayed);
  CHECK(bench.a.vruntime == vruntime);
  CHECK(bench.a.deadline == deadline);
  CHECK(cpu.rq.nr_runnable() == 2);
}

TEST_CASE("KF7.5: a delayed sleeper woken after its lag was paid starts afresh at V", "[eevdf][delayed]") {
  AheadOf bench;
  FairCpu& cpu = bench.cpu;
  cpu.block();
  cpu.spend(2ms);
  cpu.rq.update_curr(cpu.clock);

  cpu.rq.enqueue(bench.a, cpu.clock, {.wakeup = true});

  CHECK(bench.a.vruntime == bench.b.vruntime);  // V of the others: the lag of waiting asleep is not credited
  CHECK(bench.a.deadline == bench.a.vruntime + 3'000'000);
  CHECK(cpu.rq.nr_queued() == 2);
}

TEST_CASE("a requeue goes by V as of the last clock update", "[eevdf][delayed]") {
  AheadOf bench;
  FairCpu& cpu = bench.cpu;
  cpu.block();
  const std::int64_t vruntime = bench.a.vruntime;
  cpu.spend(2ms);  // not charged yet

  cpu.rq.enqueue(bench.a, cpu.clock, {.wakeup = true});

  CHECK(bench.a.vruntime == vruntime);
}

TEST_CASE("a pick that meets a delayed sleeper ends its stay, without credit for the waiting",
          "[eevdf][delayed]") {
  AheadOf bench;
  FairCpu& cpu = bench.cpu;
  cpu.block();

  cpu.run(4ms);  // b's slice ends, a has the earlier deadline

  CHECK_FALSE(bench.a.on_rq);
  CHECK_FALSE(bench.a.sched_delayed);
  CHECK(bench.a.vlag == 0);
  CHECK(cpu.running() == &bench.b);
  CHECK(cpu.rq.nr_queued() == 1);
  CHECK(cpu.rq.load() == 1024);
}

TEST_CASE("without DELAY_ZERO the waiting of a delayed sleeper is credited", "[eevdf][delayed]") {
  CfsConfig config = fair_config(KernelRelease::v6_12);
  config.features.delay_zero = false;
  FairCpu cpu{config};
  SchedEntity& a = cpu.task();
  SchedEntity& b = cpu.task();
  cpu.wake(a);
  cpu.wake(b);
  cpu.spend(1ms);
  cpu.block();

  cpu.run(4ms);

  CHECK(a.vlag == 1'000'000);  // b ran 3 ms, to the tick at 4 ms
}

TEST_CASE("without DELAY_ZERO a delayed sleeper resumes where it was whenever it is woken",
          "[eevdf][delayed]") {
  CfsConfig config = fair_config(KernelRelease::v6_12);
  config.features.delay_zero = false;
  FairCpu cpu{config};
  SchedEntity& a = cpu.task();
  SchedEntity& b = cpu.task();
  cpu.wake(a);
  cpu.wake(b);
  cpu.spend(1ms);
  cpu.block();
  const std::int64_t vruntime = a.vruntime;
  cpu.spend(2ms);
  cpu.rq.update_curr(cpu.clock);

  cpu.rq.enqueue(a, cpu.clock, {.wakeup = true});

  CHECK(a.vruntime == vruntime);
  CHECK_FALSE(a.sched_delayed);
}

TEST_CASE("when everyone sleeps, the delayed leave too and the queue is empty", "[eevdf][delayed]") {
  AheadOf bench;
  FairCpu& cpu = bench.cpu;
  cpu.block();
  cpu.spend(200us);

  CHECK(cpu.block());  // b is owed service, so it leaves; then a is all there is

  CHECK(cpu.running() == nullptr);
  CHECK(cpu.rq.nr_queued() == 0);
  CHECK(cpu.rq.load() == 0);
  CHECK_FALSE(bench.a.on_rq);
}

TEST_CASE("a delayed sleeper that is moved stays delayed on the other queue", "[eevdf][delayed]") {
  AheadOf bench;
  bench.cpu.block();
  FairCpu to;

  CHECK(bench.cpu.rq.dequeue(bench.a, bench.cpu.clock, {}));
  CHECK(bench.cpu.rq.nr_queued() == 1);
  CHECK(bench.cpu.rq.nr_runnable() == 1);
  to.rq.enqueue(bench.a, to.clock, {.migrated = true});

  CHECK(to.rq.nr_queued() == 1);
  CHECK(to.rq.nr_runnable() == 0);
  CHECK(to.rq.pick(to.clock) == nullptr);
  CHECK_FALSE(bench.a.on_rq);
}

}  // namespace models
