// Threaded NAPI: net/core/dev.c:____napi_schedule, napi_threaded_poll_loop, napi_thread_wait.
#include <catch2/catch.hpp>
#include <memory>
#include <vector>

#include "models/napi_thread.h"
#include "scenarios/scenario.h"
#include "tests/models/napi_bench.h"
#include "tests/support/busy_host.h"

namespace models {
namespace {

constexpr sim::Nanos fixed = 2us;    // napi_poll_fixed
constexpr sim::Nanos frame = 100ns;  // napi_packet
constexpr sim::Nanos stack = 1us;    // tcp_deliver

// A driver's queue on CPU 0 whose NAPI has a thread.
struct ThreadBench : KernelBench {
  explicit ThreadBench(int cpu_count = 1, KernelConfig kernel = {})
      : KernelBench{{.cpus = cpu_count,
                     .kernel = kernel,
                     .costs = {{Cost::napi_poll_fixed, fixed},
                               {Cost::napi_packet, frame},
                               {Cost::tcp_deliver, stack}}}},
        queue{*this, 1},
        task{sched->add_task("napi/eth0-1", Role::kernel, SchedConfig{})},
        thread{*sched, softnets, config, costs, tracepoints, completions, meter, task, queue.napi} {
    sockets_listen = false;
    thread.deliver().connect<&ThreadBench::take>(*this);
  }
  void take(const Packet& packet, CpuId) { delivered.push_back(packet); }
  std::vector<std::int64_t> polled() const {
    std::vector<std::int64_t> work;
    for (const Hit& poll : hits_of(Tracepoint::napi_poll)) {
      work.push_back(poll.b);
    }
    return work;
  }
  int switches_to_thread() const {
    int found = 0;
    for (const Hit& each : hits_of(Tracepoint::sched_switch)) {
      found += each.c == static_cast<std::int64_t>(task.id) ? 1 : 0;
    }
    return found;
  }

  DriverQueue queue;
  Task& task;
  NapiThread thread;
};

using Works = std::vector<std::int64_t>;

TEST_CASE("KF3.5: a NAPI with a thread wakes it and raises no softirq; it polls as a task and sleeps",
          "[known_answer][napi]") {
  ThreadBench bench;
  bench.queue.add(3, message(7));

  bench.queue.interrupt();
  bench.run_until(1ms);

  CHECK(bench.count_of(Tracepoint::softirq_raise, 3) == 0);
  CHECK(bench.polled() == Works{3});
  CHECK(bench.hits_of(Tracepoint::napi_poll)[0].context == Context::task);
  CHECK(bench.hits_of(Tracepoint::netif_receive_skb)[0].context == Context::task);
  CHECK(bench.queue.enabled_at == Times{fixed + 3 * frame + 3 * stack});
  CHECK(bench.switches_to_thread() == 1);
  const Hit last = bench.hits_of(Tracepoint::sched_switch).back();
  CHECK(last.a == static_cast<std::int64_t>(bench.task.id));
  CHECK(last.b == 1);  // it sleeps
}

TEST_CASE("KF3.5: the thread polls on for as long as its weight is used up, whatever netdev_budget says",
          "[known_answer][napi]") {
  KernelConfig kernel;
  kernel.netdev_budget = 1;
  ThreadBench bench{1, kernel};
  bench.queue.add(150, message(7));

  bench.queue.interrupt();
  bench.run_until(1ms);

  CHECK(bench.polled() == Works{64, 64, 22});
  CHECK(bench.meter.metrics()[Counter::time_squeeze] == 0);
  CHECK(bench.switches_to_thread() == 1);
  CHECK(bench.queue.enabled_at == Times{3 * fixed + 150 * (frame + stack)});
}

TEST_CASE("KF3.5: an interrupt during a poll is remembered: the thread polls once more without a wakeup",
          "[known_answer][napi]") {
  ThreadBench bench;
  bench.queue.add(3, message(7));

  bench.queue.interrupt();
  bench.run_until(3us);
  bench.queue.interrupt();
  bench.run_until(1ms);

  CHECK(bench.polled() == Works{3, 0});
  CHECK(bench.switches_to_thread() == 1);
  CHECK(bench.hits_of(Tracepoint::sched_waking).size() == 1);
  CHECK_FALSE(bench.queue.napi.scheduled);
}

TEST_CASE(
    "KF3.6: softirqs raised during the poll run when it turns bottom halves on, not at the interrupt's end",
    "[known_answer][napi]") {
  ThreadBench bench;
  bench.queue.add(3, message(7));
  sim::Nanos raised{0};
  Interrupt other{*bench.cpus[0], [&] {
                    raised = bench.now();
                    bench.softirqs[0]->raise(SoftirqVector::sched);
                  }};

  bench.queue.interrupt();
  bench.run_until(3us);
  other.raise();
  bench.run_until(1ms);

  CHECK(raised == 3us);
  const Times polled = bench.times_of(Tracepoint::napi_poll);
  const Times entered = bench.times_of(Tracepoint::softirq_entry);
  REQUIRE(entered.size() == 1);
  CHECK(entered[0] >= polled[0]);
  CHECK(entered[0] < bench.times_of(Tracepoint::sched_switch).back() + 1ns);
}

TEST_CASE(
    "KF3.7: between two polls the thread may be rescheduled, and within one not, even under full preemption",
    "[known_answer][napi]") {
  KernelConfig kernel;
  kernel.preemption = Preemption::full;
  ThreadBench bench{1, kernel};
  bench.queue.add(150, message(7));
  SchedConfig fifo;
  fifo.sched = SchedClass::fifo;
  fifo.rt_priority = 50;
  Task& urgent = bench.sched->add_task("urgent", Role::background, fifo);
  Script script{[&](const Continuation& next) { bench.sched->sleep(urgent, next); }};
  urgent.saved = script.start();
  Interrupt irq{*bench.cpus[0], [&] { bench.sched->try_to_wake_up(urgent, CpuId{0}, {}); }};

  bench.queue.interrupt();
  bench.run_until(10us);
  irq.raise();
  bench.run_until(1ms);

  sim::Nanos urgent_at{0};
  for (const Hit& each : bench.hits_of(Tracepoint::sched_switch)) {
    if (each.c == static_cast<std::int64_t>(urgent.id)) {
      urgent_at = each.at;
    }
  }
  CHECK(urgent_at == bench.times_of(Tracepoint::napi_poll)[0]);  // the first of three ends
  CHECK(bench.polled() == Works{64, 64, 22});
}

TEST_CASE("KF3.8: the thread is a task of nice 0 in the root group that select_task_rq places",
          "[known_answer][napi]") {
  ThreadBench bench{2};
  bench.placed_on = CpuId{1};
  bench.queue.add(1, message(7));

  bench.queue.interrupt();  // on CPU 0
  bench.run_until(1ms);

  REQUIRE(bench.placements.size() == 1);
  CHECK(&bench.placements[0].task == &bench.task);
  CHECK_FALSE(bench.placements[0].sync);
  CHECK(bench.hits_of(Tracepoint::napi_poll)[0].cpu == 1);
  CHECK(bench.task.se.nice == 0);
  CHECK(bench.hits_of(Tracepoint::netif_receive_skb)[0].cpu == 1);
}

// Whole hosts whose every NAPI has a thread.
TEST_CASE("a busy host with threaded NAPIs receives everything, and its steps go on",
          "[known_answer][napi][chain]") {
  HostConfig config = busy_host();
  std::get<NicConfig>(config.devices[0]).threaded = true;
  std::get<VethConfig>(config.devices[3]).gro = true;
  std::get<VethConfig>(config.devices[3]).threaded = true;
  const TracedRun run{config, 500ms};

  CHECK(run.metrics()[Counter::steps] > 1000);
  CHECK(run.metrics()[Counter::background_bytes] > 40'000'000);
  int polls = 0;
  for (const TraceRecord& poll : run.all(Tracepoint::napi_poll)) {
    CHECK(poll.context == 0);
    ++polls;
  }
  CHECK(polls > 1000);
  int threads = 0;
  for (int i = 0; i < run.host.task_count(); ++i) {
    threads += run.host.task_name(static_cast<TaskId>(i)).starts_with("napi/") ? 1 : 0;
  }
  CHECK(threads == 2 + 2);
}

}  // namespace
}  // namespace models
