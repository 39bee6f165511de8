#include "models/io_uring.h"

#include <catch2/catch.hpp>
#include <memory>
#include <vector>

#include "tests/support/kernel_bench.h"

namespace models {
namespace {

constexpr sim::Nanos entry = 10ns;           // syscall_entry
constexpr sim::Nanos leave = 20ns;           // syscall_exit
constexpr sim::Nanos sqe = 300ns;            // io_uring_submit
constexpr sim::Nanos submit = 700ns;         // block_submit
constexpr sim::Nanos task_work = 4'000ns;    // io_uring_task_work
constexpr sim::Nanos cqe = 500ns;            // cqe_post
constexpr sim::Nanos context_switch = 60ns;  // context_switch

// An agent on CPU 0 reads; the disk interrupts CPU 1.
struct UringBench : KernelBench {
  explicit UringBench(Role role = Role::agent)
      : KernelBench{{.cpus = 2,
                     .costs = {{Cost::syscall_entry, entry},
                               {Cost::syscall_exit, leave},
                               {Cost::io_uring_submit, sqe},
                               {Cost::block_submit, submit},
                               {Cost::io_uring_task_work, task_work},
                               {Cost::cqe_post, cqe},
                               {Cost::context_switch, context_switch}}}},
        reader{add_task(0, role)} {}

  void read(int count, RingMode ring) {
    run([this, count, ring](const Continuation& next) {
      io_uring->submit_and_wait(
          reader, {.device = DeviceId{0}, .count = count, .bytes = 4096, .ring = ring, .ctx = {}}, addresses,
          next);
    });
  }
  void write() {
    run([this](const Continuation& next) {
      io_uring->pwrite(reader, DeviceId{0}, 131'072, addresses, next);
    });
  }
  void run(const std::function<void(const Continuation&)>& call) {
    script = std::make_unique<Script>(std::initializer_list<std::function<void(const Continuation&)>>{
        call, [this](const Continuation& next) {
          returned_at = now();
          sched->sleep(reader, next);
        }});
    launch(reader, script->start());
    run_until(100us);  // submitted, asleep
  }
  // The disk's interrupt on `cpu` ends the next `count` requests.
  void complete(int count, int cpu = 1) {
    Interrupt irq{*cpus[static_cast<std::size_t>(cpu)], [&] {
                    for (int i = 0; i < count; ++i) {
                      io_uring->end_io(submitted[ended++], static_cast<CpuId>(cpu));
                    }
                  }};
    irq.raise();
    run_until(now());
  }
  Times wakeups() const {  // without the launch
    Times at = times_of(Tracepoint::sched_waking);
    at.erase(at.begin());
    return at;
  }

  Task& reader;
  sim::Stream addresses = rng.stream("addresses");
  std::unique_ptr<Script> script;
  std::size_t ended = 0;
  sim::Nanos returned_at{-1};
};

TEST_CASE("each request is submitted in turn, and the doorbell's cost follows it", "[io_uring]") {
  UringBench bench;
  bench.doorbell = 5us;

  bench.read(2, RingMode::plain);

  const Times issued{context_switch + entry + sqe + submit,
                     context_switch + entry + 2 * (sqe + submit) + 5us};
  REQUIRE(bench.submitted.size() == 2);
  CHECK(bench.submitted[0].submit_cpu == CpuId{0});
  CHECK(bench.submitted[0].bytes == 4096);
  CHECK_FALSE(bench.submitted[0].write);
  CHECK(bench.submitted[0].draw_key != bench.submitted[1].draw_key);
  CHECK(bench.times_of(Tracepoint::sched_switch).back() == issued[1] + 5us + context_switch);
}

TEST_CASE("a plain ring wakes on the first completion and sleeps again until all are there", "[io_uring]") {
  UringBench bench;
  bench.read(2, RingMode::plain);

  bench.complete(1);
  bench.run_until(200us);
  CHECK(bench.returned_at < 0ns);
  bench.complete(1);
  bench.run_until(1ms);

  CHECK(bench.wakeups() == Times{100us, 200us});
  CHECK(bench.times_of(Tracepoint::io_uring_complete) ==
        Times{100us + context_switch + task_work + cqe, 200us + context_switch + task_work + cqe});
  CHECK(bench.returned_at == 200us + context_switch + task_work + cqe + leave);
}

TEST_CASE("DEFER_TASKRUN wakes only when all are there", "[io_uring]") {
  UringBench bench;
  bench.read(2, RingMode::defer_taskrun);

  bench.complete(1);
  bench.run_until(200us);
  CHECK(bench.wakeups().empty());
  CHECK(bench.hits_of(Tracepoint::io_uring_complete).empty());
  bench.complete(1);
  bench.run_until(1ms);

  CHECK(bench.wakeups() == Times{200us});
  const sim::Nanos posted = 200us + context_switch + task_work + 2 * cqe;
  CHECK(bench.times_of(Tracepoint::io_uring_complete) == Times{posted, posted});
  CHECK(bench.returned_at == posted + leave);
}

TEST_CASE("the CQE is written by the task, after its switch-in", "[io_uring]") {
  UringBench bench;
  bench.read(1, RingMode::plain);

  bench.complete(1);
  bench.run_until(1ms);

  const Hit posted = bench.hits_of(Tracepoint::io_uring_complete).front();
  CHECK(posted.cpu == 0);
  CHECK(posted.context == Context::task);
  REQUIRE(bench.finished_reads.size() == 1);
  const Completion& read = bench.finished_reads[0];
  CHECK(read.when(Stage::waking) < read.when(Stage::running));
  CHECK(read.when(Stage::running) < read.when(Stage::cqe));
  CHECK(read.when(Stage::cqe) < read.when(Stage::user));
}

TEST_CASE("completions that come together are posted together", "[io_uring]") {
  UringBench bench;
  bench.read(3, RingMode::plain);

  bench.complete(3);
  bench.run_until(1ms);

  CHECK(bench.wakeups() == Times{100us});
  CHECK(bench.returned_at == 100us + context_switch + task_work + 3 * cqe + leave);
}

TEST_CASE("a completion that comes while the task works off another is posted next, and not for nothing",
          "[io_uring]") {
  UringBench bench;
  bench.read(2, RingMode::plain);

  bench.complete(1);
  bench.run_until(102us);  // the first one's task work is under way
  bench.complete(1);
  bench.run_until(1ms);

  const sim::Nanos posted = 100us + context_switch + task_work + cqe;
  CHECK(bench.wakeups() == Times{100us});
  CHECK(bench.times_of(Tracepoint::io_uring_complete) == Times{posted, posted + cqe});
  CHECK(bench.returned_at == posted + cqe + leave);
}

TEST_CASE("io_uring's wakeups are not WF_SYNC", "[io_uring]") {
  UringBench bench;
  bench.reader.allowed.set(1);
  bench.reader.nr_allowed = 2;
  bench.read(1, RingMode::plain);
  bench.placements.clear();

  bench.complete(1);
  bench.run_until(1ms);

  REQUIRE(bench.placements.size() == 1);
  CHECK_FALSE(bench.placements[0].sync);
}

TEST_CASE("a completion for a task that runs on another CPU sends it a reschedule IPI", "[io_uring]") {
  UringBench bench;
  bench.read(3, RingMode::plain);

  SECTION("once, until the task takes its work") {
    bench.complete(1);
    bench.run_until(101us);  // running its task work
    bench.complete(1);
    bench.complete(1);
    CHECK(bench.resched_ipis == std::vector<std::pair<int, int>>{{1, 0}});
  }
  SECTION("not from its own CPU") {
    bench.complete(1);
    bench.run_until(101us);
    bench.complete(1, 0);
    CHECK(bench.resched_ipis.empty());
  }
  bench.run_until(1ms);
}

TEST_CASE("DEFER_TASKRUN never interrupts a running task", "[io_uring]") {
  UringBench bench;
  bench.doorbell = 50us;  // the task is in its submission for long
  bench.script = std::make_unique<Script>(std::initializer_list<std::function<void(const Continuation&)>>{
      [&](const Continuation& next) {
        bench.io_uring->submit_and_wait(
            bench.reader,
            {.device = DeviceId{0}, .count = 2, .bytes = 4096, .ring = RingMode::defer_taskrun, .ctx = {}},
            bench.addresses, next);
      },
      [&](const Continuation& next) { bench.sched->sleep(bench.reader, next); }});
  bench.launch(bench.reader, bench.script->start());
  bench.run_until(20us);

  bench.complete(1);
  bench.run_until(1ms);

  CHECK(bench.resched_ipis.empty());
  CHECK(bench.wakeups().empty());
  CHECK(bench.hits_of(Tracepoint::io_uring_complete).size() == 1);  // run on the way to sleep
}

TEST_CASE("a rejected read ends with an error, without the disk", "[io_uring]") {
  UringBench bench;
  bench.disk_full = true;

  bench.read(2, RingMode::plain);

  CHECK(bench.returned_at == context_switch + entry + 2 * (sqe + submit) + task_work + 2 * cqe + leave);
  CHECK(bench.completions.in_flight() == 0);
  REQUIRE(bench.finished_reads.size() == 2);
  CHECK_FALSE(bench.finished_reads[0].has(Stage::device_done));
}

TEST_CASE("a synchronous write sleeps until its bio ends and has no CQE", "[io_uring]") {
  UringBench bench{Role::background};
  bench.write();
  REQUIRE(bench.submitted.size() == 1);
  CHECK(bench.submitted[0].write);

  bench.complete(1);
  bench.run_until(1ms);

  CHECK(bench.returned_at == 100us + context_switch + leave);
  CHECK(bench.hits_of(Tracepoint::io_uring_complete).empty());
  CHECK(bench.hits_of(Tracepoint::sys_enter_io_uring_enter).empty());
}

TEST_CASE("io_uring_enter is traced from its entry to its exit", "[io_uring]") {
  UringBench bench;
  bench.read(1, RingMode::plain);
  bench.complete(1);
  bench.run_until(1ms);

  CHECK(bench.times_of(Tracepoint::sys_enter_io_uring_enter) == Times{context_switch});
  CHECK(bench.times_of(Tracepoint::sys_exit_io_uring_enter) == Times{bench.returned_at});
  CHECK(bench.meter.metrics()[Metric::io_uring_enter].max() == (bench.returned_at - context_switch).count());
}

}  // namespace
}  // namespace models
