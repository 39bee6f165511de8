#include "models/ksoftirqd.h"

#include <catch2/catch.hpp>

#include "tests/support/sched_bench.h"

namespace models {
namespace {

// A softirq (TASKLET here) that takes `cost` and raises itself again `repeats` times.
struct StormBench : SchedBench {
  explicit StormBench(KernelSetup setup = {}) : SchedBench{std::move(setup)} {
    softirqs[0]->action[static_cast<std::size_t>(SoftirqVector::tasklet)].connect<&StormBench::run>(*this);
  }
  void storm_at(sim::Nanos when, sim::Nanos each, int times) {
    interrupt_at(when, 0, 0us, [this, each, times] {
      cost = each;
      repeats = times;
      softirqs[0]->raise(SoftirqVector::tasklet);
    });
  }
  Task& ksoftirqd() { return sched->task(TaskId{0}); }
  std::int64_t accounted(CpuTime time) {
    cpus[0]->account_now();
    return cpus[0]->accounted()[static_cast<std::size_t>(time)];
  }

  sim::Nanos cost{};
  int repeats = 0;
  std::vector<std::pair<sim::Nanos, bool>> runs;  // when each began, and whether in ksoftirqd

 private:
  void run() {
    runs.emplace_back(now(), sched->curr(CpuId{0}) == &ksoftirqd());
    cpus[0]->run<&StormBench::end>(Context::softirq, cost, *this);
  }
  void end() {
    if (repeats-- > 0) {
      softirqs[0]->raise(SoftirqVector::tasklet);
    }
    softirqs[0]->done();
  }
};

TEST_CASE("on an idle CPU ksoftirqd takes over after ten passes, and sleeps when nothing is left",
          "[ksoftirqd]") {
  KernelSetup setup;
  setup.costs = {{Cost::context_switch, 3us}, {Cost::idle_loop_exit, 2us}};
  StormBench bench{setup};
  bench.storm_at(100us, 7us, 12);

  bench.run_until(1ms);

  REQUIRE(bench.runs.size() == 13);
  CHECK(bench.runs[9] == std::pair{sim::Nanos{163us}, false});
  CHECK(bench.runs[10] == std::pair{sim::Nanos{170us + 2us + 3us}, true});
  CHECK(bench.runs[12] == std::pair{sim::Nanos{189us}, true});
  CHECK(bench.switches() == Moments{{"0: idle > ksoftirqd", 175us}, {"0: ksoftirqd > idle", 196us + 3us}});
  CHECK(bench.meter.metrics()[Counter::ksoftirqd_wakeups] == 1);
}

TEST_CASE("softirqs that ksoftirqd runs are its own time; those run inline are softirq time", "[ksoftirqd]") {
  StormBench bench;
  bench.storm_at(100us, 7us, 29);

  bench.run_until(1ms);

  CHECK(bench.accounted(CpuTime::softirq) == 10 * 7'000);
  CHECK(bench.accounted(CpuTime::ksoftirqd) == 20 * 7'000);
  // Its wakeup, inside the inline section, counted that section as task time, which its first 70 us pay back.
  CHECK(bench.ksoftirqd().se.sum_exec_runtime == 10 * 7'000);
}

TEST_CASE(
    "behind a busy task ksoftirqd waits; the next interrupt runs the leftovers inline before it (KF2.6)",
    "[ksoftirqd]") {
  StormBench bench;
  bench.hog("hog", 0);
  bench.storm_at(100us, 7us, 11);
  bench.interrupt_at(1ms, 0, 0us, [] {});

  bench.run_until(6ms);

  REQUIRE(bench.runs.size() == 12);
  CHECK(bench.runs[10] == std::pair{sim::Nanos{1ms}, false});
  CHECK(bench.runs[11] == std::pair{sim::Nanos{1'007us}, false});
  // It still gets its turn at the tick, finds nothing, and sleeps.
  CHECK(bench.switches() ==
        Moments{{"0: idle > hog", 0us}, {"0: hog > ksoftirqd", 4ms}, {"0: ksoftirqd > hog", 4ms}});
}

TEST_CASE("under a lasting storm ksoftirqd competes at nice 0: a busy task keeps half of the CPU (KF2.5)",
          "[ksoftirqd]") {
  StormBench bench;
  auto& hog = bench.hog("hog", 0);
  bench.storm_at(100us, 50us, 1'000'000);

  bench.run_until(400ms);

  const auto storm = static_cast<double>(bench.ksoftirqd().se.sum_exec_runtime);
  const auto work = static_cast<double>(hog.task.se.sum_exec_runtime);
  CHECK(storm / (storm + work) == Approx(0.5).epsilon(0.03));
  CHECK(bench.accounted(CpuTime::softirq) < 10'000'000);  // what ticks ran inline
}

TEST_CASE("ksoftirqd gives way between its runs, not within one (KF2.5)", "[ksoftirqd]") {
  StormBench bench;
  bench.storm_at(100us, 50us, 1'000'000);
  SchedConfig fifo;
  fifo.sched = SchedClass::fifo;
  auto& rt = bench.worker("rt", 0, 20us, fifo);
  bench.run_until(1ms);  // deep in the storm, in ksoftirqd
  REQUIRE(bench.sched->curr(CpuId{0}) == &bench.ksoftirqd());
  bench.interrupt_at(1'010us, 0, 0us, bench.wake(rt, 0));

  bench.run_until(2ms);

  // NEED_RESCHED ends the loop at the end of the pass that began at 1 ms.
  CHECK(bench.timeline.at("rt done") == Instants{1'050us + 20us});
}

TEST_CASE(
    "a wakeup from a softirq over idle ends the loop: leftovers go to ksoftirqd, behind the wakee (KF2.4)",
    "[ksoftirqd]") {
  StormBench bench;
  auto& task = bench.worker("task", 0, 300us);
  bench.storm_at(100us, 7us, 3);
  bench.interrupt_at(103us, 0, 0us, bench.wake(task, 0));

  bench.run_until(3ms);

  REQUIRE(bench.runs.size() == 4);
  CHECK(bench.runs[0] == std::pair{sim::Nanos{100us}, false});
  CHECK(bench.runs[1] == std::pair{sim::Nanos{407us}, true});
  CHECK(bench.timeline.at("task done") == Instants{407us});
}

}  // namespace
}  // namespace models
