#include "models/blk_mq.h"

#include <array>
#include <catch2/catch.hpp>
#include <deque>
#include <map>
#include <memory>
#include <vector>

#include "tests/support/kernel_bench.h"

namespace models {
namespace {

constexpr sim::Nanos handler = 500ns;     // nvme_irq_handler
constexpr sim::Nanos reap_one = 70ns;     // nvme_cqe_reap
constexpr sim::Nanos complete = 1'000ns;  // block_complete
constexpr sim::Nanos block = 3'000ns;     // softirq_block_fixed
constexpr sim::Nanos ipi = 11ns;          // ipi_handler
constexpr sim::Nanos tell = 90ns;         // nvme_doorbell

struct Ended {
  sim::Nanos at;
  int cpu;
  Context context;
  int tag;
  bool operator==(const Ended&) const = default;
};
std::ostream& operator<<(std::ostream& out, const Ended& end) {
  return out << "tag " << end.tag << " on cpu " << end.cpu << " at " << end.at.count() << " in "
             << static_cast<int>(end.context);
}
using Ends = std::vector<Ended>;

struct Setup {
  int cpus = 4;
  int llc_cpus = 0;
  int hw_queues = 4;
  int rq_affinity = 1;
  bool reaps_in_handler = true;
  IdleState idle = IdleState::hlt;
  KernelRelease release = KernelRelease::v6_12;
  bool batches = true;
};

// A disk that has done what the test says it has; all CPUs idle.
struct BlkBench : KernelBench {
  explicit BlkBench(Setup setup = {}) : KernelBench{kernel_setup(setup)}, managed(cpus.size(), 0) {
    make(setup);
    for (std::size_t i = 0; i < cpus.size(); ++i) {
      actions.push_back(std::make_unique<Action>(Action{*this, static_cast<CpuId>(i)}));
      softirqs[i]->action[static_cast<std::size_t>(SoftirqVector::block)].connect<&Action::run>(*actions[i]);
      ipis.push_back(std::make_unique<IpiReceiver>(engine, *cpus[i], costs));
      ipis.back()->drain.connect<&BlkBench::raise_block>(*this);
    }
  }
  static KernelSetup kernel_setup(const Setup& setup) {
    KernelSetup kernel{.cpus = setup.cpus, .llc_cpus = setup.llc_cpus, .idle = setup.idle};
    kernel.kernel.rq_affinity = setup.rq_affinity;
    kernel.kernel.release = setup.release;
    kernel.costs = {{Cost::nvme_irq_handler, handler}, {Cost::nvme_cqe_reap, reap_one},
                    {Cost::block_complete, complete},  {Cost::softirq_block_fixed, block},
                    {Cost::ipi_handler, ipi},          {Cost::nvme_doorbell, tell}};
    return kernel;
  }
  void make(const Setup& setup) {
    BlkMqConfig blk_config;
    blk_config.hw_queues = setup.hw_queues;
    blk_config.llc_cpus = setup.llc_cpus == 0 ? setup.cpus : setup.llc_cpus;
    blk_config.reaps_in_handler = setup.reaps_in_handler;
    blk_config.batches = setup.batches;
    blk = std::make_unique<BlkMq>(engine, blk_config, config, cpus, costs, tracepoints, completions, meter,
                                  managed);
    blk->queue_rq.connect<&BlkBench::queue_rq>(*this);
    blk->kick.connect<&BlkBench::kick>(*this);
    blk->kick_needed.connect<&BlkBench::host_sleeps>(*this);
    blk->reap.connect<&BlkBench::reap>(*this);
    blk->end_io.connect<&BlkBench::end_io>(*this);
    blk->raise_block.connect<&BlkBench::raise_block>(*this);
    blk->running.connect<&BlkBench::running>(*this);
    blk->block_done.connect<&BlkBench::block_done>(*this);
    blk->send_block_ipi.connect<&BlkBench::send_ipi>(*this);
    blk->first.connect<&BlkBench::first>(*this);
  }

  // The disk has finished requests that were submitted on `submit_cpu`; entries of a queue's CQ.
  void finish(int queue, int tag, int submit_cpu, LatencyClass latency = LatencyClass::normal) {
    cq[queue].push_back(
        {.submit_cpu = CpuId{static_cast<std::int16_t>(submit_cpu)}, .tag = tag, .latency_class = latency});
  }
  void interrupt(int queue) { blk->interrupt(QueueId{static_cast<std::int16_t>(queue)}); }
  std::vector<int> effective_cpus(int queues) {
    std::vector<int> found;
    found.reserve(static_cast<std::size_t>(queues));
    for (int q = 0; q < queues; ++q) {
      found.push_back(static_cast<int>(blk->effective_cpu(QueueId{static_cast<std::int16_t>(q)})));
    }
    return found;
  }
  int hctx_of(int cpu) {
    bool accepted = false;
    blk->submit({.submit_cpu = CpuId{static_cast<std::int16_t>(cpu)}}, accepted);
    return issued.back();
  }

  bool queue_rq(QueueId queue, const Request&) {
    issued.push_back(static_cast<int>(queue));
    return !full;
  }
  void kick(QueueId) { ++kicks; }
  bool host_sleeps() { return asleep; }
  bool reap(QueueId queue, Request& request) {
    auto& done = cq[static_cast<int>(queue)];
    if (done.empty()) {
      return false;
    }
    request = done.front();
    done.pop_front();
    return true;
  }
  void end_io(const Request& request, CpuId cpu) {
    ends.push_back({now(), static_cast<int>(cpu), cpus[index(cpu)]->context(), request.tag});
  }
  std::vector<int> order() const {  // of the tags, as their requests ended
    std::vector<int> tags;
    for (const Ended& each : ends) {
      tags.push_back(each.tag);
    }
    return tags;
  }
  SoftirqRun running(CpuId cpu) { return softirqs[index(cpu)]->running(); }
  void raise_block(CpuId cpu) { softirqs[index(cpu)]->raise(SoftirqVector::block); }
  void block_done(CpuId cpu) { softirqs[index(cpu)]->done(); }
  void send_ipi(CpuId from, CpuId to) {
    ipis_sent.emplace_back(static_cast<int>(from), static_cast<int>(to));
    ipis[index(to)]->send_call_function(*cpus[index(from)]);
  }
  bool first(const Request& request) {
    return class_first && request.latency_class == LatencyClass::agent_interactive;
  }

  struct Action {
    BlkBench& bench;
    CpuId cpu;
    void run() { bench.blk->block_action(cpu); }
  };

  std::vector<int> managed;
  std::unique_ptr<BlkMq> blk;
  std::vector<std::unique_ptr<Action>> actions;
  std::vector<std::unique_ptr<IpiReceiver>> ipis;
  std::map<int, std::deque<Request>> cq;
  std::vector<int> issued;
  std::vector<std::pair<int, int>> ipis_sent;
  Ends ends;
  int kicks = 0;
  bool asleep = true;
  bool full = false;
  bool class_first = false;
};

// ---- mapping ----

TEST_CASE("with a queue per CPU each CPU has its own", "[blk_mq]") {
  BlkBench bench;

  for (int cpu = 0; cpu < 4; ++cpu) {
    CHECK(bench.hctx_of(cpu) == cpu);
  }
  CHECK(bench.effective_cpus(4) == std::vector<int>{0, 1, 2, 3});
}

TEST_CASE("CPUs that do not divide among the queues go to the first ones", "[blk_mq]") {
  BlkBench bench{{.cpus = 8, .hw_queues = 3}};

  std::array<int, 8> hctx{};
  for (int cpu = 0; cpu < 8; ++cpu) {
    hctx[static_cast<std::size_t>(cpu)] = bench.hctx_of(cpu);
  }
  CHECK(hctx == std::array{0, 0, 0, 1, 1, 1, 2, 2});
}

TEST_CASE("a queue for which there is no CPU is not used", "[blk_mq]") {
  BlkBench bench{{.cpus = 2, .hw_queues = 8}};

  CHECK(bench.hctx_of(0) == 0);
  CHECK(bench.hctx_of(1) == 1);
}

TEST_CASE("a managed vector interrupts the CPU of its mask with fewest managed vectors, the highest on a tie",
          "[blk_mq]") {
  BlkBench bench{{.cpus = 4, .hw_queues = 2}};
  CHECK(bench.effective_cpus(2) == std::vector<int>{1, 3});

  bench.make({.cpus = 4, .hw_queues = 2});  // a second device
  CHECK(bench.effective_cpus(2) == std::vector<int>{0, 2});

  bench.make({.cpus = 4, .hw_queues = 1});
  CHECK(bench.effective_cpus(1) == std::vector<int>{3});
}

// ---- submission ----

TEST_CASE("a full device rejects, is not kicked, and nothing counts as issued", "[blk_mq]") {
  BlkBench bench;
  bench.full = true;
  bool accepted = true;

  CHECK(bench.blk->submit({.submit_cpu = CpuId{0}}, accepted) == 0ns);

  CHECK_FALSE(accepted);
  CHECK(bench.kicks == 0);
  CHECK(bench.meter.metrics()[Counter::rejected_requests] == 1);
  CHECK(bench.hits_of(Tracepoint::block_rq_issue).empty());
}

TEST_CASE("telling the device is paid for only if it has to be told", "[blk_mq]") {
  BlkBench bench;
  bool accepted = false;

  CHECK(bench.blk->submit({.submit_cpu = CpuId{0}}, accepted) == tell);
  bench.asleep = false;  // a virtio host thread that is awake
  CHECK(bench.blk->submit({.submit_cpu = CpuId{0}}, accepted) == 0ns);

  CHECK(bench.hits_of(Tracepoint::block_rq_issue).size() == 2);
}

// ---- completion ----

TEST_CASE("a multi-queue device completes in hardirq, on the CPU of its vector", "[blk_mq]") {
  BlkBench bench{{.cpus = 4, .hw_queues = 2}};
  bench.finish(0, 5, 0);

  bench.interrupt(0);
  bench.run_until(1ms);

  CHECK(bench.ends == Ends{{handler + reap_one + complete, 1, Context::hardirq, 5}});
  CHECK(bench.times_of(Tracepoint::irq_handler_exit) == Times{handler + reap_one + complete});
  CHECK(bench.hits_of(Tracepoint::softirq_raise).empty());
}

TEST_CASE("nvme_irq takes every completion, also those that come while it reaps, then ends them",
          "[blk_mq]") {
  BlkBench bench;
  bench.finish(0, 1, 0);
  bench.finish(0, 2, 0);

  bench.interrupt(0);
  bench.run_until(handler + 2 * reap_one - 1ns);
  bench.finish(0, 3, 0);
  bench.run_until(1ms);

  const sim::Nanos reaped = handler + 3 * reap_one;
  CHECK(bench.ends == Ends{{reaped + complete, 0, Context::hardirq, 3},
                           {reaped + 2 * complete, 0, Context::hardirq, 2},
                           {reaped + 3 * complete, 0, Context::hardirq, 1}});
  CHECK(bench.hits_of(Tracepoint::irq_handler_entry).size() == 1);
}

TEST_CASE("KF18.6b: the batch of one interrupt ends in CQ order in 6.18, last come first ended in 6.12",
          "[blk_mq]") {
  const auto release = GENERATE(KernelRelease::v6_12, KernelRelease::v6_18);
  BlkBench bench{{.release = release}};
  for (int tag = 1; tag <= 3; ++tag) {
    bench.finish(0, tag, 0);
  }

  bench.interrupt(0);
  bench.run_until(1ms);

  CHECK(bench.order() == (release == KernelRelease::v6_18 ? std::vector{1, 2, 3} : std::vector{3, 2, 1}));
}

TEST_CASE("KF18.6b: what the BLOCK softirq completes, it completes in CQ order in either release",
          "[blk_mq]") {
  const auto release = GENERATE(KernelRelease::v6_12, KernelRelease::v6_18);
  BlkBench bench{{.hw_queues = 1, .reaps_in_handler = false, .release = release}};
  for (int tag = 1; tag <= 3; ++tag) {
    bench.finish(0, tag, 3);
  }

  bench.interrupt(0);
  bench.run_until(1ms);

  CHECK(bench.order() == std::vector{1, 2, 3});
}

TEST_CASE("KF5.1: with an I/O scheduler each completion ends before the next is reaped, in CQ order",
          "[blk_mq]") {
  const auto release = GENERATE(KernelRelease::v6_12, KernelRelease::v6_18);
  BlkBench bench{{.release = release, .batches = false}};
  for (int tag = 1; tag <= 3; ++tag) {
    bench.finish(0, tag, 0);
  }

  bench.interrupt(0);
  bench.run_until(1ms);

  const Ends ends = bench.ends;
  CHECK(bench.order() == std::vector{1, 2, 3});
  REQUIRE(ends.size() == 3);
  for (int i = 0; i < 3; ++i) {
    CHECK(ends[static_cast<std::size_t>(i)].at == handler + (i + 1) * (reap_one + complete));
  }
}

TEST_CASE("KF5.1: with an I/O scheduler, what one queue alone completes still goes through BLOCK",
          "[blk_mq]") {
  BlkBench bench{{.hw_queues = 1, .reaps_in_handler = false, .batches = false}};
  bench.finish(0, 1, 3);

  bench.interrupt(0);
  bench.run_until(1ms);

  REQUIRE(bench.ends.size() == 1);
  CHECK(bench.ends[0].context == Context::softirq);
}

TEST_CASE("a completion that comes while the batch ends waits for its own interrupt", "[blk_mq]") {
  BlkBench bench;
  bench.finish(0, 1, 0);

  bench.interrupt(0);
  bench.run_until(handler + reap_one + complete - 1ns);
  bench.finish(0, 2, 0);
  bench.run_until(1ms);
  CHECK(bench.ends.size() == 1);
  bench.interrupt(0);
  bench.run_until(2ms);

  CHECK(bench.ends.size() == 2);
}

TEST_CASE("an interrupt whose completion has been taken already finds nothing", "[blk_mq]") {
  BlkBench bench;
  bench.finish(0, 1, 0);

  bench.interrupt(0);
  bench.run_until(handler);
  bench.interrupt(0);  // latched while the handler runs
  bench.run_until(1ms);

  CHECK(bench.ends.size() == 1);
  CHECK(bench.times_of(Tracepoint::irq_handler_exit) ==
        Times{handler + reap_one + complete, 2 * handler + reap_one + complete});
}

TEST_CASE("a single-queue device completes in the BLOCK softirq behind its handler", "[blk_mq]") {
  BlkBench bench{{.hw_queues = 1, .reaps_in_handler = false}};
  bench.finish(0, 1, 3);
  bench.finish(0, 2, 3);

  bench.interrupt(0);
  bench.run_until(1ms);

  CHECK(bench.times_of(Tracepoint::irq_handler_exit) == Times{handler});
  CHECK(bench.ends == Ends{{handler + block + complete, 3, Context::softirq, 1},
                           {handler + block + 2 * complete, 3, Context::softirq, 2}});
  CHECK(bench.count_of(Tracepoint::softirq_raise, 4) == 1);  // only the first one found the list empty
}

TEST_CASE("without its own LLC a completion stays where the interrupt came", "[blk_mq]") {
  BlkBench bench{{.cpus = 4, .hw_queues = 1, .reaps_in_handler = false}};  // rq_affinity 1, one LLC
  bench.finish(0, 1, 0);

  bench.interrupt(0);
  bench.run_until(1ms);

  CHECK(bench.ends[0].cpu == 3);
  CHECK(bench.ipis_sent.empty());
}

// Two LLCs of two CPUs; queue 0 interrupts CPU 1, queue 1 CPU 3.
TEST_CASE("rq_affinity decides which completions go back to their submitter's CPU", "[blk_mq]") {
  const auto completed_on = [](int rq_affinity, int submit_cpu) {
    BlkBench bench{{.cpus = 4, .llc_cpus = 2, .hw_queues = 2, .rq_affinity = rq_affinity}};
    bench.finish(0, 1, submit_cpu);
    bench.interrupt(0);
    bench.run_until(1ms);
    REQUIRE(bench.ends.size() == 1);
    CHECK(bench.ipis_sent.size() == (bench.ends[0].cpu == 1 ? 0U : 1U));
    CHECK(bench.ends[0].context == (bench.ends[0].cpu == 1 ? Context::hardirq : Context::softirq));
    return bench.ends[0].cpu;
  };

  SECTION("0: never") {
    CHECK(completed_on(0, 0) == 1);
    CHECK(completed_on(0, 2) == 1);
  }
  SECTION("1: across LLCs") {
    CHECK(completed_on(1, 0) == 1);
    CHECK(completed_on(1, 1) == 1);
    CHECK(completed_on(1, 2) == 2);
    CHECK(completed_on(1, 3) == 3);
  }
  SECTION("2: always") {
    CHECK(completed_on(2, 0) == 0);
    CHECK(completed_on(2, 1) == 1);
    CHECK(completed_on(2, 2) == 2);
  }
}

TEST_CASE("one IPI carries every completion that finds the list not empty", "[blk_mq]") {
  BlkBench bench{{.cpus = 4, .llc_cpus = 2, .hw_queues = 2}};
  Task& task = bench.add_task(2);
  Script program{[&](const Continuation& next) {  // interrupts off on CPU 2 for 10 us
                   Work work = next;
                   work.remaining = 10us;
                   work.irqs_off = true;
                   bench.cpus[2]->set_work(Context::task, work);
                 },
                 [&](const Continuation& next) { bench.sched->sleep(task, next); }};
  bench.launch(task, program.start());
  for (int tag = 1; tag <= 3; ++tag) {
    bench.finish(0, tag, 2);
  }

  bench.interrupt(0);
  bench.run_until(1ms);

  CHECK(bench.ipis_sent == std::vector<std::pair<int, int>>{{1, 2}});
  CHECK(bench.ends == Ends{{10us + ipi + block + complete, 2, Context::softirq, 1},
                           {10us + ipi + block + 2 * complete, 2, Context::softirq, 2},
                           {10us + ipi + block + 3 * complete, 2, Context::softirq, 3}});
}

TEST_CASE("once the target has taken the list, the next completion needs an IPI of its own", "[blk_mq]") {
  BlkBench bench{{.cpus = 4, .llc_cpus = 2, .hw_queues = 2}};
  bench.finish(0, 1, 2);
  bench.finish(0, 2, 2);  // reaped 70 ns later; the IPI takes 11 ns

  bench.interrupt(0);
  bench.run_until(1ms);

  CHECK(bench.ipis_sent == std::vector<std::pair<int, int>>{{1, 2}, {1, 2}});
  CHECK(bench.ends.size() == 2);
}

TEST_CASE("the interrupted CPU reaps a completion that it then sends away", "[blk_mq]") {
  BlkBench bench{{.cpus = 4, .llc_cpus = 2, .hw_queues = 2}};
  bench.finish(0, 1, 2);

  bench.interrupt(0);
  bench.run_until(1ms);

  CHECK(bench.times_of(Tracepoint::irq_handler_exit) == Times{handler + reap_one});
  CHECK(bench.ends == Ends{{handler + reap_one + ipi + block + complete, 2, Context::softirq, 1}});
}

TEST_CASE(
    "stage_block counts from the message, or from the device for what an earlier message's handler finds",
    "[blk_mq]") {
  BlkBench bench{{.release = KernelRelease::v6_18}};
  bench.run_until(100us);
  const CompletionId announced = bench.completions.acquire({}, TaskId::none);
  const CompletionId found = bench.completions.acquire({}, TaskId::none);
  for (const CompletionId id : {announced, found}) {
    bench.completions.stamp(id, Stage::device_done, sim::SimTime{90us});
  }
  bench.completions.stamp(announced, Stage::irq, sim::SimTime{95us});
  bench.cq[0] = {{.submit_cpu = CpuId{0}, .completion = announced},
                 {.submit_cpu = CpuId{0}, .completion = found}};

  bench.interrupt(0);
  bench.run_until(1ms);

  const sim::Nanos reaped = handler + 2 * reap_one;
  CHECK(bench.meter.metrics()[Metric::stage_block].min() == (5us + reaped + complete).count());
  CHECK(bench.meter.metrics()[Metric::stage_block].max() == (10us + reaped + 2 * complete).count());
}

// ---- the completion class ----

TEST_CASE("requests of the class complete before the others reaped with them, in their own order",
          "[blk_mq]") {
  const auto release = GENERATE(KernelRelease::v6_12, KernelRelease::v6_18);
  BlkBench bench{{.release = release}};
  bench.class_first = true;
  bench.finish(0, 1, 0);
  bench.finish(0, 2, 0, LatencyClass::agent_interactive);
  bench.finish(0, 3, 0);
  bench.finish(0, 4, 0, LatencyClass::agent_interactive);

  bench.interrupt(0);
  bench.run_until(1ms);

  CHECK(bench.order() ==
        (release == KernelRelease::v6_18 ? std::vector{2, 4, 1, 3} : std::vector{2, 4, 3, 1}));
}

TEST_CASE("on a single queue the class completes in the interrupt, the others in the softirq behind it",
          "[blk_mq]") {
  BlkBench bench{{.hw_queues = 1, .reaps_in_handler = false}};
  bench.class_first = true;
  bench.finish(0, 1, 3);
  bench.finish(0, 2, 3, LatencyClass::agent_interactive);

  bench.interrupt(0);
  bench.run_until(1ms);

  CHECK(bench.ends == Ends{{handler + complete, 3, Context::hardirq, 2},
                           {handler + complete + block + complete, 3, Context::softirq, 1}});
}

// ---- conservation ----

TEST_CASE("every completion ends exactly once, wherever it is sent", "[blk_mq][property]") {
  for (std::uint64_t seed = 0; seed < 100; ++seed) {
    sim::Stream random = sim::Rng{seed}.stream("requests");
    const auto below = [&](int most) {
      return static_cast<int>(random.below(static_cast<std::uint64_t>(most)));
    };
    const int queues = 1 + below(4);
    BlkBench bench{{.cpus = 4,
                    .llc_cpus = 2,
                    .hw_queues = queues,
                    .rq_affinity = below(3),
                    .reaps_in_handler = below(2) == 0}};
    bench.class_first = below(2) == 0;
    int finished = 0;
    sim::Nanos at{0};
    for (int i = 0; i < 60; ++i) {
      const int queue = below(queues);
      for (int n = below(4); n >= 0; --n) {
        bench.finish(queue, finished++, below(4),
                     below(2) == 0 ? LatencyClass::agent_interactive : LatencyClass::normal);
      }
      bench.interrupt(queue);
      at += sim::Nanos{below(8000)};
      bench.run_until(at);
      REQUIRE(bench.ends.size() <= static_cast<std::size_t>(finished));
    }
    bench.run_until(at + 10ms);

    std::vector<int> tags = bench.order();
    std::sort(tags.begin(), tags.end());
    std::vector<int> expected(static_cast<std::size_t>(finished));
    for (int i = 0; i < finished; ++i) {
      expected[static_cast<std::size_t>(i)] = i;
    }
    REQUIRE(tags == expected);
  }
}

}  // namespace
}  // namespace models
