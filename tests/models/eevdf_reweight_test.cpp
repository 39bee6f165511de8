// Changes of weight and slice while a task is queued, running or asleep.
#include <catch2/catch.hpp>

#include "models/eevdf.h"
#include "tests/models/fair_cpu.h"

namespace models {

using namespace std::chrono_literals;

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

TEST_CASE("renicing a running task restores its protection and gives way only downwards",
          "[eevdf][reweight]") {
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

TEST_CASE("KF18.2b: a reweighted running entity is unprotected in either version", "[eevdf][reweight]") {
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

TEST_CASE("a custom slice is held to 0.1 ms and 100 ms, and zero returns to the base slice",
          "[eevdf][slice]") {
  FairCpu cpu;

  CHECK(cpu.task(0, 1us).slice == 100'000);
  CHECK(cpu.task(0, 1s).slice == 100'000'000);
  SchedEntity& plain = cpu.task(0, 0ns);
  CHECK(plain.slice == 3'000'000);
  CHECK_FALSE(plain.custom_slice);
}

}  // namespace models
