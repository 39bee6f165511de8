// What a CPU that runs out of work pulls from others, and how often it tries.
#include <catch2/catch.hpp>

#include "tests/support/balance_bench.h"

namespace models {
namespace {

TEST_CASE("a CPU that runs out of work pulls one task that waits elsewhere", "[newidle]") {
  BalanceBench bench{{.cpus = 2}, without_dice()};
  bench.busy(0);
  Task& waits = bench.waits(0);
  bench.waits(0);
  bench.run(8ms);
  bench.moves.clear();
  bench.moved.clear();
  waits.se.exec_start = 0;

  CHECK(bench.newidle(1));

  REQUIRE(bench.moves == Moves{{0, 1}});
  CHECK(bench.rqs.curr(CpuId{1}) == bench.moved[0]);
}

TEST_CASE("a running task is not pulled, and a CPU with one task gives none", "[newidle]") {
  BalanceBench bench{{.cpus = 2}, without_dice()};
  bench.busy(0);
  bench.rqs.set_overloaded(true);

  CHECK(!bench.newidle(1));
  CHECK(bench.searches == 1);
}

TEST_CASE("a task that ran less than half a millisecond ago is cache-hot and not pulled", "[newidle]") {
  const auto [ran_before, pulled] = GENERATE(std::pair{500'000, true}, std::pair{499'999, false});
  BalanceBench bench{{.cpus = 2}, without_dice()};
  bench.busy(0);
  Task& waits = bench.waits(0);
  waits.se.exec_start = bench.now.count() - ran_before;

  CHECK(bench.newidle(1) == pulled);
}

TEST_CASE("SCHED_IDLE tasks are never cache-hot, nor anything between threads of a core", "[newidle]") {
  SchedConfig idle;
  idle.sched = SchedClass::idle;
  BalanceBench flat{{.cpus = 2}, without_dice()};
  flat.busy(0);
  flat.waits(0, idle).se.exec_start = flat.now.count();
  CHECK(flat.newidle(1));

  BalanceBench smt{{.cpus = 2, .smt = 2}, without_dice()};
  smt.busy(0);
  smt.waits(0).se.exec_start = smt.now.count();
  CHECK(smt.newidle(1));
}

TEST_CASE("a pinned task is not pulled, nor a per-CPU kernel thread", "[newidle]") {
  const Role role = GENERATE(Role::background, Role::kernel);
  BalanceBench bench{{.cpus = 2}, without_dice()};
  bench.busy(0);
  bench.busy(0, on_cpus({0}), role).se.exec_start = 0;

  CHECK(!bench.newidle(1));
}

TEST_CASE("the task that ran or came longest ago is tried first; those passed over go to the front",
          "[newidle]") {
  BalanceBench bench{{.cpus = 2}, without_dice()};
  bench.busy(0);
  Task& oldest = bench.waits(0, on_cpus({0}));
  Task& older = bench.waits(0);
  bench.waits(0);

  CHECK(bench.newidle(1));

  CHECK(bench.moved[0] == &older);
  CHECK(bench.rqs.rq(CpuId{0}).cfs_head == &oldest);
}

TEST_CASE("within an LLC a delayed sleeper may be pulled by 6.12, not by 6.18", "[newidle]") {
  const KernelRelease release = GENERATE(KernelRelease::v6_12, KernelRelease::v6_18);
  KernelConfig kernel = without_dice();
  kernel.release = release;
  BalanceBench bench{{.cpus = 2}, kernel};
  bench.busy(0);
  Task& delayed = bench.waits(0);
  delayed.se.sched_delayed = true;

  CHECK(bench.newidle(1) == (release == KernelRelease::v6_12));
}

TEST_CASE("a CPU of another LLC is pulled from too, if there is nothing nearer", "[newidle]") {
  BalanceBench bench{{.cpus = 4, .llc_cpus = 2}, without_dice()};
  bench.busy(2);
  bench.busy(1);
  for (int i = 0; i < 4; ++i) {
    bench.waits(3);
  }
  bench.run(4ms);
  bench.moves.clear();
  bench.searches = 0;

  CHECK(bench.newidle(0));
  CHECK(bench.moves == Moves{{3, 0}});
  CHECK(bench.searches == 2);
}

TEST_CASE("a wakeup on its way ends the search before it starts", "[newidle]") {
  BalanceBench bench{{.cpus = 2}, without_dice()};
  bench.busy(0);
  bench.waits(0);
  bench.rqs.add_to_wake_list(CpuId{1}, bench.sleeper(1));

  CHECK(!bench.newidle(1));
  CHECK(bench.searches == 0);
}

TEST_CASE("nobody searches while no CPU had two tasks since the last look at all of them", "[newidle]") {
  BalanceBench bench{{.cpus = 2}, without_dice()};
  bench.busy(0);

  CHECK(!bench.newidle(1));
  CHECK(bench.searches == 0);

  Task& second = bench.waits(0);
  CHECK(bench.rqs.overloaded());
  bench.block(second);
  CHECK(!bench.newidle(1));
  CHECK(bench.searches == 1);
  CHECK(!bench.newidle(1));  // it saw that nobody is overloaded any more
  CHECK(bench.searches == 1);
}

// avg_idle against max_newidle_lb_cost, which decays by 3/256 a second.
TEST_CASE("a CPU that idles for less than a search takes does not search", "[newidle]") {
  BalanceBench bench{{.cpus = 2}, without_dice()};
  bench.busy(0);
  bench.busy(0, on_cpus({0}));
  bench.cost = 100us;
  bench.newidle(1);
  REQUIRE(bench.searches == 1);
  CHECK(bench.domain(1).max_newidle_lb_cost == 100'000);

  bench.rqs.rq(CpuId{1}).avg_idle = 99'999;
  bench.newidle(1);
  CHECK(bench.searches == 1);

  bench.rqs.rq(CpuId{1}).avg_idle = 100'000;
  bench.newidle(1);
  CHECK(bench.searches == 2);
}

TEST_CASE("the longest search is forgotten by one percent a second", "[newidle]") {
  BalanceBench bench{{.cpus = 2}, without_dice()};
  bench.busy(0, on_cpus({0}));
  bench.busy(0, on_cpus({0}));
  bench.cost = 256us;
  bench.newidle(1);
  bench.cost = 1us;

  bench.run(1'100ms);
  bench.newidle(1);

  CHECK(bench.domain(1).max_newidle_lb_cost == 253'000);
}

// NI_RANDOM: update_newidle_stats, with a window of 512 to 1024 calls.
struct DiceBench : BalanceBench {
  explicit DiceBench(const SchedConfig& waiting = {}) : BalanceBench{{.cpus = 2}}, wait_config{waiting} {
    busy(0, on_cpus({0}));
    pulled = &waits(0, waiting);
  }
  // CPU 1 runs out of work that often; what it pulls goes back to CPU 0 afterwards.
  int pulls(int rounds) {
    int count = 0;
    for (int i = 0; i < rounds; ++i) {
      rqs.set_overloaded(true);
      if (newidle(1)) {
        ++count;
        block(*pulled);
        newidle(1);  // and it runs out of work again, in vain
        pulled->state = TaskState::interruptible;
        rqs.set_task_cpu(*pulled, CpuId{0});
        activate(*pulled);
        pulled->se.exec_start = 0;
      }
    }
    return count;
  }
  SchedConfig wait_config;
  Task* pulled;
};

TEST_CASE("at first half of the tries are made", "[newidle]") {
  DiceBench bench;

  const int pulled = bench.pulls(200);

  CHECK(pulled > 70);
  CHECK(pulled < 130);
}

TEST_CASE("where tries are in vain, they become rare", "[newidle]") {
  DiceBench bench{on_cpus({0})};
  bench.pulls(5 * 512);
  const int before = bench.searches;

  bench.pulls(1000);

  CHECK(bench.searches - before < 20);
  CHECK(bench.searches - before > 0);
}

TEST_CASE("where every try helps, nearly all are made", "[newidle]") {
  Newidle newidle;
  for (int i = 0; i < 5000; ++i) {
    newidle.update(1);
  }
  CHECK(newidle.ratio >= 1022);
}

}  // namespace
}  // namespace models
