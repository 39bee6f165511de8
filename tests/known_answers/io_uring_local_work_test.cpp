// How much task work one run takes under DEFER_TASKRUN (io_uring/io_uring.c:__io_run_local_work).
#include <catch2/catch.hpp>
#include <memory>
#include <vector>

#include "models/io_uring.h"
#include "tests/support/kernel_bench.h"

namespace models {
namespace {

// An agent that makes one call after the other; the disk completes when the test says so.
struct LocalWorkBench : KernelBench {
  explicit LocalWorkBench(KernelRelease release)
      : KernelBench{{.cpus = 2, .kernel = {.release = release}}}, reader{add_task(0, Role::agent)} {}

  // Submits `count` reads and waits for `min_complete` CQEs, of them or of earlier ones.
  void call(int count, int min_complete) {
    script.push_back(std::make_unique<Script>(std::initializer_list<std::function<void(const Continuation&)>>{
        [this, count, min_complete](const Continuation& next) {
          io_uring->submit_and_wait(reader,
                                    {.device = DeviceId{0},
                                     .count = count,
                                     .bytes = 4096,
                                     .ring = RingMode::defer_taskrun,
                                     .ctx = {},
                                     .min_complete = min_complete},
                                    addresses, next);
        },
        [this](const Continuation& next) {
          ++returned;
          sched->sleep(reader, next);
        }}));
    launch(reader, script.back()->start());
    run_until(now() + 1us);
  }
  void complete(int count) {
    Interrupt irq{*cpus[1], [&] {
                    for (int i = 0; i < count; ++i) {
                      io_uring->end_io(submitted[ended++], CpuId{1});
                    }
                  }};
    irq.raise();
    run_until(now() + 1us);
  }
  int posted() const { return static_cast<int>(hits_of(Tracepoint::io_uring_complete).size()); }

  Task& reader;
  sim::Stream addresses = rng.stream("addresses");
  std::vector<std::unique_ptr<Script>> script;
  std::size_t ended = 0;
  int returned = 0;
};

TEST_CASE("KF18.6a: at the entry of a wait 6.18 runs at most 20 items and keeps the rest, 6.12 runs all",
          "[known_answer][io_uring]") {
  const auto release = GENERATE(KernelRelease::v6_12, KernelRelease::v6_18);
  LocalWorkBench bench{release};
  bench.call(31, 1);
  bench.complete(1);  // the wait of the first call
  REQUIRE(bench.returned == 1);
  bench.complete(30);  // nobody waits
  REQUIRE(bench.posted() == 1);

  bench.call(0, 5);

  CHECK(bench.returned == 2);
  CHECK(bench.posted() == 1 + (release == KernelRelease::v6_18 ? 20 : 30));
}

TEST_CASE("KF18.6a: a wait for more than 20 may run as many as it waits for", "[known_answer][io_uring]") {
  LocalWorkBench bench{KernelRelease::v6_18};
  bench.call(41, 1);
  bench.complete(1);
  bench.complete(40);

  bench.call(0, 33);

  CHECK(bench.returned == 2);
  CHECK(bench.posted() == 1 + 33);
}

TEST_CASE("KF18.6a: after a wakeup 6.18 runs exactly as many items as were waited for, 6.12 all that came",
          "[known_answer][io_uring]") {
  const auto release = GENERATE(KernelRelease::v6_12, KernelRelease::v6_18);
  LocalWorkBench bench{release};
  bench.call(6, 2);

  bench.complete(6);  // in one interrupt: the second of them wakes the task, the others come before it runs

  CHECK(bench.returned == 1);
  CHECK(bench.posted() == (release == KernelRelease::v6_18 ? 2 : 6));
}

TEST_CASE("KF18.6a: what a run leaves is on the retry list, pending, and runs first next time",
          "[known_answer][io_uring]") {
  LocalWorkBench bench{KernelRelease::v6_18};
  bench.call(4, 2);
  bench.complete(3);  // two run, the third is left
  REQUIRE(bench.posted() == 2);
  REQUIRE(bench.finished_reads.size() == 2);

  bench.call(0, 1);  // it is pending: no sleep

  REQUIRE(bench.finished_reads.size() == 3);
  CHECK(bench.returned == 2);
  CHECK(bench.finished_reads[2].cause.cookie == static_cast<std::int64_t>(bench.submitted[2].draw_key));
  CHECK(bench.hits_of(Tracepoint::sched_waking).size() == 2 + 1);  // two launches, one completion
  bench.complete(1);
}

// The loop runs an item before it looks at its bound.
TEST_CASE("KF18.6a: a retry list that fills the bound lets one new item run with it",
          "[known_answer][io_uring]") {
  LocalWorkBench bench{KernelRelease::v6_18};
  bench.call(43, 1);
  bench.complete(1);
  bench.complete(40);
  bench.call(0, 1);  // 20 run, 20 are left on the retry list
  REQUIRE(bench.posted() == 1 + 20);
  bench.complete(2);

  bench.call(0, 1);

  CHECK(bench.posted() == 1 + 20 + 21);
}

}  // namespace
}  // namespace models
