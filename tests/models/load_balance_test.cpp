// Periodic and nohz balancing: who balances when, what moves, and what stays.
#include "models/load_balance.h"

#include <catch2/catch.hpp>

#include "tests/support/balance_bench.h"

namespace models {
namespace {

// ---- what moves ----

TEST_CASE("three hogs on one of two CPUs: an idle one takes one by periodic balance", "[load_balance]") {
  BalanceBench bench{{.cpus = 2}};
  for (int i = 0; i < 3; ++i) {
    bench.busy(0);
  }

  bench.run(40ms, true);

  CHECK(bench.moves == Moves{{0, 1}});
}

// busiest 3, local 1: neither idles, so loads decide, (3072 - 2048) of them, one task.
TEST_CASE("of two overloaded CPUs the one with less load takes the difference to the mean",
          "[load_balance]") {
  BalanceBench bench{{.cpus = 2}};
  for (int i = 0; i < 6; ++i) {
    bench.busy(0);
  }
  bench.busy(1);
  bench.busy(1);

  bench.run(2s);

  CHECK(bench.rqs.nr_running(CpuId{0}) == 4);
  CHECK(bench.rqs.nr_running(CpuId{1}) == 4);
}

TEST_CASE("a difference below imbalance_pct stays", "[load_balance]") {
  BalanceBench bench{{.cpus = 2}};
  for (int i = 0; i < 8; ++i) {
    bench.busy(0);
  }
  for (int i = 0; i < 7; ++i) {
    bench.busy(1);
  }

  bench.run(2s);

  CHECK(bench.moves.empty());
}

TEST_CASE("a heavier task is moved when lighter ones do not add up", "[load_balance]") {
  BalanceBench bench{{.cpus = 2}};
  SchedConfig heavy;
  heavy.nice = -10;  // 9548
  bench.busy(0, heavy);
  bench.busy(0, heavy);
  bench.busy(1);
  bench.busy(1);

  bench.run(3s);

  int heavy_on_0 = 0;
  for (std::size_t i = 0; i < bench.rqs.task_count(); ++i) {
    const Task& task = bench.rqs.task(static_cast<TaskId>(i));
    heavy_on_0 += task.se.nice == -10 && task.cpu == CpuId{0} ? 1 : 0;
  }
  CHECK(heavy_on_0 == 1);
}

TEST_CASE("cache-hot tasks stay at first and move after failures", "[load_balance]") {
  BalanceBench bench{{.cpus = 2}};
  bench.busy(0);
  Task& hot = bench.busy(0);
  bench.pass(4ms);
  const auto balance = [&] {
    hot.se.exec_start = bench.now.count();
    if (Task* curr = bench.rqs.curr(CpuId{0}); curr != &hot) {
      curr->se.exec_start = bench.now.count();
    }
    bench.domain(1).last_balance = -1000;
    bench.balance.trigger(CpuId{1}, sim::SimTime{bench.now});
    bench.balance.run_rebalance_domains(CpuId{1}, sim::SimTime{bench.now});
  };

  balance();
  CHECK(bench.moves.empty());
  CHECK(bench.domain(1).nr_balance_failed == 1);
  balance();
  CHECK(bench.domain(1).nr_balance_failed == 2);
  balance();  // more often than cache_nice_tries

  CHECK(bench.moves == Moves{{0, 1}});
  CHECK(bench.domain(1).nr_balance_failed == 0);
}

TEST_CASE("with SMT one task a core comes first: an idle core takes a thread of a full one",
          "[load_balance]") {
  BalanceBench bench{{.cpus = 4, .smt = 2}};
  bench.busy(0);
  bench.busy(1);

  bench.run(200ms, true);

  // Both run, so their core's balancing fails until the stopper is asked to push one.
  REQUIRE(!bench.pushes.empty());
  CHECK(bench.pushes.front().first / 2 == 0);
  CHECK(bench.pushes.front().second / 2 == 1);
}

TEST_CASE("a stopper pushes the task that ran before it to where it was asked to", "[load_balance]") {
  BalanceBench bench{{.cpus = 4, .smt = 2}};
  bench.busy(0);
  bench.busy(1);
  bench.run(200ms, true);
  REQUIRE(!bench.pushes.empty());
  const auto [busiest, to] = bench.pushes.front();
  const auto from = static_cast<CpuId>(busiest);

  bench.clock(from);
  bench.rqs.switch_to(from, nullptr);  // to the stopper, as far as the fair class can tell
  bench.balance.push_running(from, sim::SimTime{bench.now});

  CHECK(bench.moves == Moves{{busiest, to}});
}

TEST_CASE("two LLCs are levelled by tasks", "[load_balance]") {
  BalanceBench bench{{.cpus = 4, .llc_cpus = 2}};
  for (const int cpu : {0, 0, 1, 1}) {
    bench.busy(cpu);
  }

  bench.run(1s, true);

  int first_llc = bench.rqs.nr_running(CpuId{0}) + bench.rqs.nr_running(CpuId{1});
  CHECK(first_llc == 2);
}

TEST_CASE("what is pinned to a CPU may show its LLC as imbalanced, and others move instead",
          "[load_balance]") {
  BalanceBench bench{{.cpus = 4, .llc_cpus = 2}};
  bench.busy(0, on_cpus({0}));
  bench.busy(0, on_cpus({0}));
  bench.busy(1);
  bench.busy(1);

  bench.run(1s, true);

  CHECK(bench.rqs.nr_running(CpuId{0}) == 2);
  CHECK(bench.rqs.nr_running(CpuId{1}) <= 1);
}

TEST_CASE("6.18 leaves a task that is owed nothing at first, where the other CPU has tasks",
          "[load_balance]") {
  const KernelRelease release = GENERATE(KernelRelease::v6_12, KernelRelease::v6_18);
  KernelConfig kernel;
  kernel.release = release;
  BalanceBench bench{{.cpus = 2}, kernel};
  bench.busy(1);
  bench.busy(1);
  for (int i = 0; i < 6; ++i) {
    bench.busy(0);
  }
  bench.pass(200ms);
  for (std::size_t i = 0; i < bench.rqs.task_count(); ++i) {
    Task& task = bench.rqs.task(static_cast<TaskId>(i));
    task.se.exec_start = 0;
  }
  Task& tail = *bench.rqs.cfs_tasks_tail(CpuId{0});
  const bool ineligible = !tail.se.cfs_rq->eligible(tail.se);
  CAPTURE(ineligible);

  CHECK(bench.rqs.fair().ineligible_on_dst_cpu(tail.se, CpuId{1}) == ineligible);
}

// ---- when ----

TEST_CASE("a busy CPU balances a domain of n CPUs every 16 n ms less a jiffy, an idle one every n ms",
          "[load_balance]") {
  const auto [idle, interval] = GENERATE(std::pair{false, 7}, std::pair{true, 1});  // jiffies of 4 ms
  BalanceBench bench{{.cpus = 2}};
  bench.busy(0);
  bench.run(400ms, false);
  bench.softirqs = 0;
  if (idle) {
    bench.block(*bench.rqs.curr(CpuId{0}));
  }
  bench.domain(0).balance_interval = 2;
  bench.domain(0).max_interval = 2;
  bench.run(40ms, true);  // settles
  bench.softirqs = 0;

  for (int i = 0; i < 70; ++i) {
    bench.pass(4ms);
    if (bench.balance.trigger(CpuId{0}, sim::SimTime{bench.now})) {
      bench.softirq(0);
    }
  }

  CHECK(bench.softirqs >= 70 / interval - 1);
  CHECK(bench.softirqs <= 70 / interval);
}

TEST_CASE("a balanced domain is looked at half as often, up to its longest interval", "[load_balance]") {
  BalanceBench bench{{.cpus = 8}};
  bench.busy(0);

  bench.run(2s);

  CHECK(bench.domain(0).balance_interval == 16);
}

TEST_CASE("of a group's CPUs the first idle one balances, or the first if none idles", "[load_balance]") {
  BalanceBench bench{{.cpus = 4, .llc_cpus = 2}};
  bench.busy(0);
  for (int i = 0; i < 4; ++i) {
    bench.busy(2);
  }
  const auto top_balanced = [&](int cpu) {
    bench.domain(cpu, 1).nr_balance_failed = 7;
    bench.domain(cpu, 1).last_balance = -100'000;
    bench.balance.trigger(static_cast<CpuId>(cpu), sim::SimTime{bench.now});
    bench.balance.run_rebalance_domains(static_cast<CpuId>(cpu), sim::SimTime{bench.now});
    return bench.domain(cpu, 1).nr_balance_failed == 0 && !bench.moves.empty();
  };

  CHECK(!top_balanced(0));  // CPU 1 idles
  CHECK(top_balanced(1));
}

// y = 1024 - x^2 117^2 / (10000 * 1024), of two CPUs.
TEST_CASE("KF8.12: a periodic balance sets the scan budget by utilisation; newidle leaves it",
          "[load_balance]") {
  BalanceBench bench{{.cpus = 2}};
  bench.busy(0, on_cpus({0}));
  bench.llc(0).nr_idle_scan = 77;
  bench.newidle(1);
  CHECK(bench.llc(0).nr_idle_scan == 77);

  bench.run(1s);
  CHECK(bench.llc(0).nr_idle_scan == 1);  // half used: y = 0.66
  bench.busy(1, on_cpus({1}));
  bench.run(1s);
  CHECK(bench.llc(0).nr_idle_scan == 0);
}

TEST_CASE("interrupts reduce a CPU's capacity, as of the next balance", "[load_balance]") {
  BalanceBench bench{{.cpus = 2}};
  bench.busy(0);
  bench.run(100ms);
  REQUIRE(bench.rqs.rq(CpuId{0}).cpu_capacity == 1024);

  for (int i = 0; i < 400; ++i) {
    bench.stolen += 1ms;
    bench.pass(4ms);
  }
  CHECK(bench.rqs.rq(CpuId{0}).cpu_capacity == 1024);
  bench.run(40ms);

  CHECK(bench.rqs.rq(CpuId{0}).cpu_capacity == Approx(768).margin(60));
}

// ---- nohz ----

TEST_CASE("a busy CPU with two tasks kicks an idle one without tick, which balances", "[load_balance]") {
  BalanceBench bench{{.cpus = 4}};
  bench.busy(0, on_cpus({0}));
  Task& waits = bench.busy(0);
  for (const int cpu : {1, 2, 3}) {
    bench.balance.enter_nohz_idle(static_cast<CpuId>(cpu));
  }
  while (bench.now < 200ms || bench.rqs.curr(CpuId{0}) == &waits) {
    bench.pass(4ms);
  }
  waits.se.exec_start = 0;

  bench.balance.trigger(CpuId{0}, sim::SimTime{bench.now});
  REQUIRE(bench.kicks == Moves{{0, 1}});
  CHECK(bench.balance.nohz_kicked(CpuId{1}));
  bench.softirq(1);

  REQUIRE(bench.moves.size() == 1);
  CHECK(bench.moves[0].first == 0);
}

TEST_CASE("no second kick is sent while the first is on its way, nor to a CPU that has work",
          "[load_balance]") {
  BalanceBench bench{{.cpus = 2}};
  bench.busy(0);
  bench.busy(0);
  bench.balance.enter_nohz_idle(CpuId{1});
  bench.pass(200ms);

  bench.balance.trigger(CpuId{0}, sim::SimTime{bench.now});
  bench.pass(8ms);
  bench.balance.trigger(CpuId{0}, sim::SimTime{bench.now});
  CHECK(bench.kicks.size() == 1);

  bench.busy(1);
  CHECK(!bench.balance.nohz_kicked(CpuId{1}));
}

TEST_CASE("one task among busy CPUs of an LLC kicks too; alone it does not, except to update loads",
          "[load_balance]") {
  BalanceBench bench{{.cpus = 3}};
  bench.busy(0);
  for (const int cpu : {1, 2}) {
    bench.balance.enter_nohz_idle(static_cast<CpuId>(cpu));
  }
  bench.pass(200ms);
  bench.balance.trigger(CpuId{0}, sim::SimTime{bench.now});
  REQUIRE(bench.kicks.size() == 1);
  bench.balance.nohz_kicked(CpuId{1});
  bench.softirq(1);
  CHECK(bench.moves.empty());

  bench.busy(1);
  bench.balance.trigger(CpuId{1}, sim::SimTime{bench.now});  // its first busy tick
  CHECK(bench.llc(0).nr_busy_cpus == 2);
}

}  // namespace
}  // namespace models
