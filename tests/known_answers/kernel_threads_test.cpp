// ksoftirqd among other tasks: kernel/softirq.c:run_ksoftirqd is a SCHED_NORMAL thread of nice 0, which EEVDF
// places, makes wait and preempts like any other.
#include <catch2/catch.hpp>

#include "tests/support/sched_bench.h"

namespace models {
namespace {

// A TASKLET softirq of 50 us on CPU 0 that raises itself again for ever once it has been started.
struct EndlessSoftirq : SchedBench {
  EndlessSoftirq() : SchedBench{KernelSetup{}} {
    softirqs[0]->action[static_cast<std::size_t>(SoftirqVector::tasklet)].connect<&EndlessSoftirq::run>(
        *this);
  }
  void start_at(sim::Nanos when) {
    interrupt_at(when, 0, 0us, [this] { softirqs[0]->raise(SoftirqVector::tasklet); });
  }
  Task& ksoftirqd() { return sched->task(TaskId{0}); }

 private:
  void run() { cpus[0]->run<&EndlessSoftirq::end>(Context::softirq, 50us, *this); }
  void end() {
    softirqs[0]->raise(SoftirqVector::tasklet);
    softirqs[0]->done();
  }
};

TEST_CASE("KF7.9: ksoftirqd, woken beside a busy task without lag, waits for the end of its slice at a tick",
          "[known_answer][ksoftirqd]") {
  EndlessSoftirq bench;
  bench.hog("hog", 0);
  bench.start_at(100us);

  bench.run_until(5ms);

  // Ten passes inline from 100 us on; the hog's slice of 0.7 ms is over long before the tick at 4 ms, whose
  // own softirqs come first, so ksoftirqd follows them.
  const auto to_ksoftirqd = bench.switches().back();
  CHECK(to_ksoftirqd.what == "0: hog > ksoftirqd");
  CHECK(to_ksoftirqd.at >= 4ms);
  CHECK(to_ksoftirqd.at <= 4ms + 10 * 50us);
}

TEST_CASE("KF7.9: ksoftirqd shares a CPU by weight with whoever else wants it", "[known_answer][ksoftirqd]") {
  const auto [nice, weight] = GENERATE(std::pair{0, 1024.0}, std::pair{5, 335.0}, std::pair{-5, 3121.0});
  EndlessSoftirq bench;
  SchedConfig config;
  config.nice = nice;
  auto& hog = bench.hog("hog", 0, config);
  bench.start_at(100us);

  bench.run_until(2s);

  const auto storm = static_cast<double>(bench.ksoftirqd().se.sum_exec_runtime);
  const auto work = static_cast<double>(hog.task.se.sum_exec_runtime);
  CHECK(storm / (storm + work) == Approx(1024.0 / (1024.0 + weight)).epsilon(0.03));
}

TEST_CASE("KF7.9: a wakee preempts ksoftirqd if it is owed service, and waits otherwise",
          "[known_answer][ksoftirqd]") {
  const bool owed = GENERATE(false, true);
  EndlessSoftirq bench;
  auto& task = bench.worker("task", 0, 20us);
  bench.start_at(100us);
  bench.interrupt_at(200us, 0, 0us, [&] { task.task.se.vlag = owed ? 1'000'000 : 0; });
  bench.interrupt_at(1'010us, 0, 0us, bench.wake(task, 0));

  bench.run_until(10ms);

  const sim::Nanos done = bench.timeline.at("task done").front();
  if (owed) {
    CHECK(done == 1'050us + 20us);  // NEED_RESCHED acts once the pass that began at 1 ms has ended
  } else {
    CHECK(done > 4ms);
  }
}

}  // namespace
}  // namespace models
