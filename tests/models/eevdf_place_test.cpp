// Where a task joins the queue, and what it takes along when it leaves.
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

TEST_CASE("KF7.7: a placed task keeps its lag after V has moved by its coming", "[eevdf][place]") {
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

TEST_CASE("KF7.7: a negative lag places a task ahead of V, rounded toward zero", "[eevdf][place]") {
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

TEST_CASE("KF18.4c: what a task is owed when it leaves is bounded", "[eevdf][place]") {
  const auto release = GENERATE(KernelRelease::v6_12, KernelRelease::v6_18);
  const bool v6_12 = release == KernelRelease::v6_12;

  AheadOf equal{release, 20ms};
  equal.cpu.rq.dequeue(equal.b, equal.cpu.clock, {.sleep = true});
  CHECK(equal.b.vlag == (v6_12 ? 6'000'000 : 7'000'000));  // two slices; a slice and a tick

  AheadOf brief{release, 20ms, 1ms};
  brief.cpu.rq.dequeue(brief.b, brief.cpu.clock, {.sleep = true});
  CHECK(brief.b.vlag == (v6_12 ? 4'000'000 : 7'000'000));  // at least a tick; the queue's largest slice
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

TEST_CASE("leaving the fair class voids lag and request", "[eevdf][place]") {
  AheadOf bench;
  bench.cpu.rq.dequeue(bench.b, bench.cpu.clock, {});
  REQUIRE(bench.b.vlag > 0);

  switched_from_fair(bench.b);

  CHECK(bench.b.vlag == 0);
  CHECK_FALSE(bench.b.rel_deadline);
}

}  // namespace models
