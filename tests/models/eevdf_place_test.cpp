// Placement, lag across sleeps and moves, delayed dequeue, weight and slice changes.
#include <catch2/catch.hpp>

#include "models/eevdf.h"
#include "tests/models/fair_cpu.h"

namespace models {

using namespace std::chrono_literals;

TEST_CASE("on an empty queue a task starts at V and its lag is forgotten", "[eevdf][place]") {
  FairCpu cpu;
  SchedEntity& a = cpu.task();
  const std::int64_t v = cpu.rq.avg_vruntime();

  a.vlag = 2'000'000;
  cpu.wake(a);

  CHECK(a.vruntime == v);
  CHECK(a.deadline == v + 3'000'000);
}

TEST_CASE("the last to leave leaves its vruntime behind as V", "[eevdf][place]") {
  FairCpu cpu;
  SchedEntity& a = cpu.task();
  cpu.wake(a);
  cpu.spend(1ms);
  CHECK(cpu.block());

  CHECK(a.vlag == 0);
  CHECK(cpu.rq.avg_vruntime() == a.vruntime);
}

TEST_CASE("a placed task keeps its lag after V has moved by its coming", "[eevdf][place]") {
  FairCpu cpu;
  SchedEntity& heavy = cpu.task(-5);
  SchedEntity& wakee = cpu.task();
  cpu.wake(heavy);
  const std::int64_t v = cpu.rq.avg_vruntime();

  wakee.vlag = 1'000'000;
  cpu.rq.enqueue(wakee, cpu.clock, {.wakeup = true});

  CHECK(wakee.vruntime == v - 1'328'099);  // 1e6 * (3121 + 1024) / 3121, toward zero
  CHECK(cpu.rq.avg_vruntime() - wakee.vruntime == 1'000'000 - 1);
}

TEST_CASE("a negative lag places a task ahead of V, rounded toward zero", "[eevdf][place]") {
  FairCpu cpu;
  SchedEntity& heavy = cpu.task(-5);
  SchedEntity& wakee = cpu.task();
  cpu.wake(heavy);
  const std::int64_t v = cpu.rq.avg_vruntime();

  wakee.vlag = -1'000'000;
  cpu.rq.enqueue(wakee, cpu.clock, {.wakeup = true});

  CHECK(wakee.vruntime == v + 1'328'099);
}

TEST_CASE("a new task gets half a request first", "[eevdf][place]") {
  FairCpu cpu;
  SchedEntity& parent = cpu.task();
  SchedEntity& child = cpu.task(5);
  cpu.wake(parent);

  cpu.rq.enqueue(child, cpu.clock, {.initial = true});

  CHECK(child.deadline == child.vruntime + real_to_v(3'000'000, child) / 2);
}

TEST_CASE("a custom slice sets the deadline of each request", "[eevdf][place]") {
  FairCpu cpu;
  SchedEntity& brief = cpu.task(5, 500us);
  SchedEntity& other = cpu.task();
  cpu.wake(brief);
  CHECK(brief.deadline == brief.vruntime + real_to_v(500'000, brief));

  cpu.wake(other);
  cpu.spend(600us);
  cpu.rq.update_curr(cpu.clock);

  CHECK(brief.deadline == brief.vruntime + real_to_v(500'000, brief));
}

TEST_CASE("without PLACE_LAG a sleeper starts at V", "[eevdf][place]") {
  CfsConfig config = fair_config(KernelRelease::v6_12);
  config.features.place_lag = false;
  FairCpu cpu{config};
  SchedEntity& a = cpu.task();
  SchedEntity& b = cpu.task();
  cpu.wake(a);

  b.vlag = 1'000'000;
  cpu.rq.enqueue(b, cpu.clock, {.wakeup = true});

  CHECK(b.vruntime == a.vruntime);
}

// a has run `span` while b waited at V.
struct AheadOf {
  explicit AheadOf(KernelRelease release = KernelRelease::v6_12, sim::Nanos span = 1ms, sim::Nanos slice = 0ns)
      : cpu{release}, a{cpu.task()}, b{cpu.task(0, slice)} {
    cpu.wake(a);
    cpu.rq.enqueue(b, cpu.clock, {.wakeup = true});
    cpu.spend(span);
  }
  FairCpu cpu;
  SchedEntity& a;
  SchedEntity& b;
};

TEST_CASE("a moved task takes its lag and the rest of its request along", "[eevdf][place]") {
  AheadOf from;
  FairCpu to;
  SchedEntity& local = to.task(-5);
  to.wake(local);
  to.spend(700us);

  CHECK(from.cpu.rq.dequeue(from.a, from.cpu.clock, {}));
  CHECK(from.a.vlag == -500'000);
  CHECK(from.a.rel_deadline);
  CHECK(from.a.deadline == 2'000'000);
  from.cpu.rq.put_prev(from.cpu.clock);
  to.rq.enqueue(from.a, to.clock, {.migrated = true});

  CHECK(from.a.vruntime == local.vruntime + 664'049);  // 0.5e6 * (3121 + 1024) / 3121
  CHECK(from.a.deadline == from.a.vruntime + 2'000'000);
  CHECK_FALSE(from.a.rel_deadline);
  CHECK(from.a.exec_start == 0);
  CHECK(from.cpu.rq.nr_queued() == 1);
  CHECK(to.rq.nr_queued() == 2);
}

TEST_CASE("a sleep ends the request: the next one starts at the wakeup", "[eevdf][place]") {
  AheadOf bench;
  FairCpu& cpu = bench.cpu;
  cpu.schedule();  // to b, which is owed 0.5 ms
  cpu.spend(400us);
  CHECK(cpu.block());
  CHECK(bench.b.vlag == 300'000);
  CHECK_FALSE(bench.b.rel_deadline);

  cpu.rq.enqueue(bench.b, cpu.clock, {.wakeup = true});

  CHECK(bench.b.vruntime == bench.a.vruntime - 600'000);
  CHECK(bench.b.deadline == bench.b.vruntime + 3'000'000);
}

TEST_CASE("what a task is owed when it leaves is bounded", "[eevdf][place]") {
  const auto release = GENERATE(KernelRelease::v6_12, KernelRelease::v6_18);
  const bool v6_12 = release == KernelRelease::v6_12;

  AheadOf equal{release, 20ms};
  equal.cpu.rq.dequeue(equal.b, equal.cpu.clock, {.sleep = true});
  CHECK(equal.b.vlag == (v6_12 ? 6'000'000 : 7'000'000));  // two slices; a slice and a tick

  AheadOf brief{release, 20ms, 1ms};
  brief.cpu.rq.dequeue(brief.b, brief.cpu.clock, {.sleep = true});
  CHECK(brief.b.vlag == (v6_12 ? 4'000'000 : 7'000'000));  // a tick at least; the queue's largest slice counts
}

TEST_CASE("the bound of the lag is real time, scaled by the weight", "[eevdf][place]") {
  FairCpu cpu;
  SchedEntity& a = cpu.task();
  SchedEntity& heavy = cpu.task(-5);
  cpu.wake(a);
  cpu.rq.enqueue(heavy, cpu.clock, {.wakeup = true});
  cpu.spend(20ms);

  cpu.rq.dequeue(heavy, cpu.clock, {.sleep = true});

  CHECK(heavy.vlag == real_to_v(6'000'000, heavy));
}

TEST_CASE("a sleeper that overran its share stays queued until its lag is paid", "[eevdf][delayed]") {
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

TEST_CASE("a sleeper that is owed service leaves at once and keeps its lag", "[eevdf][delayed]") {
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

TEST_CASE("a delayed sleeper woken before its lag is paid resumes where it was", "[eevdf][delayed]") {
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

TEST_CASE("a delayed sleeper woken after its lag was paid starts afresh at V", "[eevdf][delayed]") {
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

TEST_CASE("a pick that meets a delayed sleeper ends its stay, without credit for the waiting", "[eevdf][delayed]") {
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

TEST_CASE("without DELAY_ZERO a delayed sleeper resumes where it was whenever it is woken", "[eevdf][delayed]") {
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

TEST_CASE("renicing scales what a waiting task is owed and its deadline", "[eevdf][reweight]") {
  const auto release = GENERATE(KernelRelease::v6_12, KernelRelease::v6_18);
  AheadOf bench{release};
  FairCpu& cpu = bench.cpu;
  cpu.rq.update_curr(cpu.clock);

  cpu.rq.set_user_nice(bench.b, -5, cpu.clock);

  // vlag 0.5 ms * 1024 / 3121 = 164049, inflated by (1024 + 3121) / 1024; the queue it rejoins has V = v_a.
  CHECK(bench.b.vruntime == bench.a.vruntime - 664'046);
  // 6.12 keeps the request's virtual length, 6.18 its real length.
  const std::int64_t length = release == KernelRelease::v6_12 ? 3'000'000 : 3'000'000LL * 1024 / 3121;
  CHECK(bench.b.deadline - bench.b.vruntime == length);
  CHECK(cpu.rq.load() == 1024 + 3121);
}

TEST_CASE("renicing a running task restores its protection and gives way only downwards", "[eevdf][reweight]") {
  AheadOf bench;
  FairCpu& cpu = bench.cpu;

  cpu.rq.set_user_nice(bench.a, -5, cpu.clock);
  CHECK_FALSE(cpu.rq.need_resched());
  CHECK(cpu.running() == &bench.a);
  CHECK(cpu.rq.protected_slice(bench.a));

  cpu.rq.set_user_nice(bench.a, 5, cpu.clock);
  CHECK(cpu.rq.need_resched());
  CHECK(bench.a.load.weight == 335);
}

TEST_CASE("renicing an idle-policy task changes no weight", "[eevdf][reweight]") {
  FairCpu cpu;
  SchedEntity& a = cpu.task();
  a.policy = SchedClass::idle;
  a.load = idle_policy_load();

  cpu.rq.set_user_nice(a, -10, cpu.clock);

  CHECK(a.load.weight == 3);
}

TEST_CASE("6.12 reweights in place around V", "[eevdf][reweight]") {
  AheadOf bench;
  FairCpu& cpu = bench.cpu;
  cpu.rq.update_curr(cpu.clock);
  const std::int64_t v = cpu.rq.avg_vruntime();
  REQUIRE(bench.b.vruntime == v - 500'000);
  REQUIRE(bench.b.deadline == v + 2'500'000);

  cpu.rq.reweight_entity(bench.b, load_of_weight(2048), cpu.clock);

  CHECK(bench.b.vruntime == v - 250'000);
  CHECK(bench.b.deadline == v + 1'250'000);
  CHECK(cpu.rq.avg_vruntime() == v);
  CHECK(cpu.rq.load() == 1024 + 2048);
}

TEST_CASE("6.18 reweights by placing again, with the lag inflated", "[eevdf][reweight]") {
  AheadOf bench{KernelRelease::v6_18};
  FairCpu& cpu = bench.cpu;
  cpu.rq.update_curr(cpu.clock);

  cpu.rq.reweight_entity(bench.b, load_of_weight(2048), cpu.clock);

  CHECK(bench.b.vruntime == bench.a.vruntime - 250'000 * 3);  // V of the rest is v_a; (1024 + 2048) / 1024
  CHECK(bench.b.deadline == bench.b.vruntime + 1'500'000);
}

TEST_CASE("a reweighted running entity is unprotected in either version", "[eevdf][reweight]") {
  const auto release = GENERATE(KernelRelease::v6_12, KernelRelease::v6_18);
  AheadOf bench{release, 100us};
  FairCpu& cpu = bench.cpu;
  REQUIRE(cpu.rq.protected_slice(bench.a));

  cpu.rq.reweight_entity(bench.a, load_of_weight(2048), cpu.clock);

  CHECK_FALSE(cpu.rq.protected_slice(bench.a));
  CHECK(cpu.running() == &bench.a);
  CHECK(cpu.rq.nr_queued() == 2);
}

TEST_CASE("a slice set for a queued task counts from its next request", "[eevdf][slice]") {
  AheadOf bench;
  FairCpu& cpu = bench.cpu;
  cpu.rq.update_curr(cpu.clock);

  cpu.rq.set_slice(bench.a, 1ms, cpu.clock);

  CHECK(bench.a.slice == 1'000'000);
  CHECK(bench.a.deadline == bench.a.vruntime + 2'000'000);  // the rest of the 3 ms
  CHECK(cpu.running() == &bench.a);
}

TEST_CASE("a custom slice is held to 0.1 ms and 100 ms, and zero returns to the base slice", "[eevdf][slice]") {
  FairCpu cpu;

  CHECK(cpu.task(0, 1us).slice == 100'000);
  CHECK(cpu.task(0, 1s).slice == 100'000'000);
  SchedEntity& plain = cpu.task(0, 0ns);
  CHECK(plain.slice == 3'000'000);
  CHECK_FALSE(plain.custom_slice);
}

TEST_CASE("leaving the fair class voids lag and request", "[eevdf][place]") {
  AheadOf bench;
  bench.cpu.rq.dequeue(bench.b, bench.cpu.clock, {});
  REQUIRE(bench.b.vlag > 0);

  switched_from_fair(bench.b);

  CHECK(bench.b.vlag == 0);
  CHECK_FALSE(bench.b.rel_deadline);
}

}  // namespace models
