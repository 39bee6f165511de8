// What a CPU that runs out of work pulls from others, and how often it tries.
#include <catch2/catch.hpp>

#include "tests/support/sched_bench.h"

namespace models {
namespace {

SchedConfig on(int cpu) {
  SchedConfig config;
  config.cpus = {cpu};
  return config;
}

KernelSetup two_cpus(int llc_cpus) {
  KernelSetup chosen;
  chosen.cpus = 2;
  chosen.llc_cpus = llc_cpus;
  chosen.traced = false;
  return chosen;
}

// With `idles` 1: a real-time hog has CPU 0. CPU 1 works for 1 ms out of every 2 ms and is then newly idle.
// "waits" is queued behind the hog, unless it was pulled: then it runs for 100 us and sleeps until the next
// round.
struct NewidleBench : SchedBench {
  explicit NewidleBench(const SchedConfig& waiting = {}, int llc_cpus = 0, int newly_idle = 1)
      : SchedBench{two_cpus(llc_cpus)},
        idles{newly_idle},
        waits{worker("waits", 1 - idles, 100us, waiting)},
        ends{worker("ends", idles, 1ms, on(idles))} {
    SchedConfig fifo;
    fifo.sched = SchedClass::fifo;
    hog("hog", 1 - idles, fifo);
    run_until(100us);
  }

  // How often "waits" was pulled in that many rounds; `occupied`: it waits, otherwise it stays asleep.
  int pulls(int rounds, bool occupied = true) {
    const int before = waits.rounds;
    for (int i = 0; i < rounds; ++i) {
      wake_here(ends, idles);
      if (occupied && !waits.task.on_rq()) {
        const int full = 1 - idles;  // where it was pulled from; it is woken there again, behind the hog
        waits.task.cpu = static_cast<CpuId>(full);
        wake_here(waits, full);
      }
      run_until(now() + 2ms);
    }
    return waits.rounds - before;
  }
  void wake_here(Worker& task, int cpu) {
    sched->try_to_wake_up(task.task, static_cast<CpuId>(cpu), {});
    sched->cpu(static_cast<CpuId>(cpu)).settle();
  }

  int idles;
  Worker& waits;
  Worker& ends;
};

TEST_CASE("a CPU that runs out of work pulls a task that waits elsewhere", "[newidle]") {
  NewidleBench bench;

  CHECK(bench.pulls(20) > 0);
}

TEST_CASE("a task that ran less than half a millisecond ago is cache-hot and not pulled", "[newidle]") {
  const auto [ran_before, pulled] = GENERATE(std::pair{500us, true}, std::pair{499us, false});
  NewidleBench bench;
  for (int i = 0; i < 20 && bench.waits.rounds == 0; ++i) {
    bench.waits.task.last_ran_at = sim::SimTime{bench.now() + 1ms - ran_before};  // CPU 1 ends in 1 ms
    bench.pulls(1);
  }

  CHECK((bench.waits.rounds > 0) == pulled);
}

TEST_CASE("a pinned task is not pulled", "[newidle]") {
  NewidleBench bench{on(0)};

  CHECK(bench.pulls(40) == 0);
}

TEST_CASE("a CPU of another LLC does not pull", "[newidle]") {
  const int idles = GENERATE(0, 1);
  NewidleBench bench{on(1 - idles), 1, idles};
  bench.pulls(1);
  bench.allow(bench.waits, idles);

  CHECK(bench.pulls(40) == 0);
}

// NI_RANDOM: update_newidle_stats, with a window of 512 to 1024 calls.
TEST_CASE("at first half of the tries are made", "[newidle]") {
  NewidleBench bench;

  const int pulled = bench.pulls(200);

  CHECK(pulled > 70);
  CHECK(pulled < 130);
}

// Each pull is followed by one try in vain, when the pulled task sleeps: a share p of the tries is made, and
// of 1 + p calls one helps, so p = 1 / (1 + p).
TEST_CASE("tries are made as often as they help", "[newidle]") {
  NewidleBench bench;
  bench.pulls(5 * 512);

  CHECK(bench.pulls(1000) / 1000.0 == Approx(0.618).margin(0.05));
}

TEST_CASE("where tries are in vain, they become rare", "[newidle]") {
  NewidleBench bench{on(0)};
  bench.pulls(5 * 512);
  bench.allow(bench.waits, 1);

  const int pulled = bench.pulls(200);

  CHECK(pulled < 20);
  CHECK(pulled > 0);
}

TEST_CASE("a CPU that runs out of work while nobody waits anywhere does not count as a try", "[newidle]") {
  NewidleBench bench;
  bench.pulls(50);
  bench.pulls(5 * 512, false);

  CHECK(bench.pulls(200) > 70);
}

}  // namespace
}  // namespace models
