#include "models/sched_rt.h"

#include <catch2/catch.hpp>

#include <deque>

namespace models {

using namespace std::chrono_literals;

struct RtBench {
  RtEntity& task(int rt_priority, SchedClass policy = SchedClass::fifo) {
    RtEntity& se = tasks.emplace_back();
    se.rt_priority = rt_priority;
    se.policy = policy;
    return se;
  }
  RtRq rq{4ms};
  std::deque<RtEntity> tasks;  // a deque: tasks are linked by address
};

TEST_CASE("an empty real-time queue has nothing to pick", "[sched_rt]") {
  RtBench bench;

  CHECK(bench.rq.pick() == nullptr);
  CHECK(bench.rq.highest_prio() == 0);
}

TEST_CASE("the highest real-time priority runs first", "[sched_rt]") {
  RtBench bench;
  for (int prio : {1, 63, 64, 99, 50}) {
    bench.rq.enqueue(bench.task(prio));
  }
  CHECK(bench.rq.nr_running() == 5);

  for (int prio : {99, 64, 63, 50, 1}) {
    CHECK(bench.rq.highest_prio() == prio);
    RtEntity* next = bench.rq.pick();
    CHECK(next->rt_priority == prio);
    bench.rq.dequeue(*next);
  }
  CHECK(bench.rq.nr_running() == 0);
  CHECK(bench.rq.pick() == nullptr);
}

TEST_CASE("equal priorities run in the order they were queued", "[sched_rt]") {
  RtBench bench;
  RtEntity& a = bench.task(10);
  RtEntity& b = bench.task(10);
  RtEntity& c = bench.task(10);
  for (RtEntity* se : {&b, &a, &c}) {
    bench.rq.enqueue(*se);
  }

  for (RtEntity* expected : {&b, &a, &c}) {
    CHECK(bench.rq.pick() == expected);
    bench.rq.dequeue(*expected);
  }
}

TEST_CASE("a task leaves the middle of its list and the rest keep their order", "[sched_rt]") {
  RtBench bench;
  RtEntity& a = bench.task(10);
  RtEntity& b = bench.task(10);
  RtEntity& c = bench.task(10);
  for (RtEntity* se : {&a, &b, &c}) {
    bench.rq.enqueue(*se);
  }

  bench.rq.dequeue(b);
  bench.rq.dequeue(a);

  CHECK(bench.rq.pick() == &c);
  bench.rq.enqueue(a);
  CHECK(bench.rq.pick() == &c);
}

TEST_CASE("a preempted real-time task resumes before its equals", "[sched_rt]") {
  RtBench bench;
  RtEntity& running = bench.task(10);
  RtEntity& equal = bench.task(10);
  RtEntity& urgent = bench.task(20);
  bench.rq.enqueue(running);
  bench.rq.enqueue(equal);

  CHECK_FALSE(bench.rq.wakeup_preempt(equal, running));
  CHECK(bench.rq.wakeup_preempt(urgent, running));
  bench.rq.enqueue(urgent);
  CHECK(bench.rq.pick() == &urgent);
  bench.rq.dequeue(urgent);

  CHECK(bench.rq.pick() == &running);
}

TEST_CASE("a yielding real-time task goes behind its equals, not behind lower priorities", "[sched_rt]") {
  RtBench bench;
  RtEntity& a = bench.task(10);
  RtEntity& b = bench.task(10);
  RtEntity& low = bench.task(5);
  for (RtEntity* se : {&a, &low, &b}) {
    bench.rq.enqueue(*se);
  }

  bench.rq.yield(a);
  CHECK(bench.rq.pick() == &b);
  bench.rq.dequeue(b);
  CHECK(bench.rq.pick() == &a);
  bench.rq.yield(a);
  CHECK(bench.rq.pick() == &a);
}

TEST_CASE("round robin takes turns of 100 ms in ticks", "[sched_rt]") {
  RtBench bench;
  RtEntity& a = bench.task(10, SchedClass::rr);
  RtEntity& b = bench.task(10, SchedClass::rr);
  bench.rq.enqueue(a);
  bench.rq.enqueue(b);

  for (int tick = 1; tick < 25; ++tick) {
    CHECK_FALSE(bench.rq.tick(a));
  }
  CHECK(bench.rq.tick(a));
  CHECK(bench.rq.pick() == &b);
  CHECK(a.time_slice == 25);
}

TEST_CASE("a turn is a whole number of ticks", "[sched_rt]") {
  RtRq at_300_hz{3'333'333ns};
  RtEntity a;
  at_300_hz.enqueue(a);
  CHECK(a.time_slice == 30);

  RtRq slow_tick{250ms};
  RtEntity b;
  slow_tick.enqueue(b);
  CHECK(b.time_slice == 1);
}

TEST_CASE("a round-robin turn continues after a sleep", "[sched_rt]") {
  RtBench bench;
  RtEntity& a = bench.task(10, SchedClass::rr);
  bench.rq.enqueue(a);
  for (int tick = 0; tick < 10; ++tick) {
    bench.rq.tick(a);
  }

  bench.rq.dequeue(a);
  bench.rq.enqueue(a);

  CHECK(a.time_slice == 15);
}

TEST_CASE("a round-robin task alone at its priority keeps running", "[sched_rt]") {
  RtBench bench;
  RtEntity& a = bench.task(10, SchedClass::rr);
  RtEntity& low = bench.task(9, SchedClass::rr);
  bench.rq.enqueue(a);
  bench.rq.enqueue(low);

  for (int tick = 0; tick < 100; ++tick) {
    CHECK_FALSE(bench.rq.tick(a));
  }
  CHECK(bench.rq.pick() == &a);
}

TEST_CASE("a FIFO task has no turns", "[sched_rt]") {
  RtBench bench;
  RtEntity& a = bench.task(10);
  RtEntity& b = bench.task(10);
  bench.rq.enqueue(a);
  bench.rq.enqueue(b);

  for (int tick = 0; tick < 100; ++tick) {
    CHECK_FALSE(bench.rq.tick(a));
  }
  CHECK(bench.rq.pick() == &a);
}

TEST_CASE("a lowered priority queues first among its new equals, a raised one last", "[sched_rt]") {
  RtBench bench;
  RtEntity& moved = bench.task(20);
  RtEntity& ten = bench.task(10);
  RtEntity& thirty = bench.task(30);
  for (RtEntity* se : {&moved, &ten, &thirty}) {
    bench.rq.enqueue(*se);
  }

  bench.rq.set_priority(moved, 30);
  CHECK(bench.rq.pick() == &thirty);
  bench.rq.dequeue(thirty);
  bench.rq.set_priority(moved, 10);
  CHECK(bench.rq.pick() == &moved);
  CHECK(bench.rq.nr_running() == 2);
}

}  // namespace models
