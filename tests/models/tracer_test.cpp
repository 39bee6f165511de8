#include "models/tracer.h"

#include <array>
#include <catch2/catch.hpp>

#include "tests/support/host_bench.h"
#include "tests/support/kernel_bench.h"

namespace models {
namespace {

constexpr sim::Nanos stamp = 300ns;    // bpf_probe
constexpr sim::Nanos print = 2'000ns;  // bpf_printf_*
constexpr sim::Nanos first = 7'000ns;  // tracer_wake
constexpr sim::Nanos row = 900ns;      // tracer_row
constexpr sim::Nanos record = 400ns;   // event_record

// bpftrace on CPU 0, attached but never scheduled unless the test launches it; hits come by hand.
struct TracerBench : KernelBench {
  explicit TracerBench(TracerProgram program, int rows_per_wake = 1)
      : KernelBench{{.cpus = 2,
                     .costs = {{Cost::bpf_probe, stamp},
                               {Cost::bpf_printf_hardirq, print},
                               {Cost::bpf_printf_softirq, print},
                               {Cost::bpf_printf_sched, print},
                               {Cost::bpf_printf_syscall, print},
                               {Cost::tracer_wake, first},
                               {Cost::event_record, record},
                               {Cost::tracer_row, row}}}},
        task{add_task(0, Role::tracer)},
        tracer{kernel(), tracepoints, {.program = program, .rows_per_wake = rows_per_wake}, task, rng} {}
  void hit(sim::Nanos at, Tracepoint point, int cpu, std::int64_t a, std::int64_t b = 0, std::int64_t c = 0) {
    run_until(at);
    tracer.hit(point, static_cast<CpuId>(cpu), a, b, c);
  }
  // Key, microseconds, return value.
  std::vector<std::array<std::int64_t, 3>> rows() const {
    std::vector<std::array<std::int64_t, 3>> found;
    for (const TracerRow& each : tracer.rows()) {
      found.push_back({each.key, each.duration_us, each.ret});
    }
    return found;
  }

  Task& task;
  Tracer tracer;
};

using Rows = std::vector<std::array<std::int64_t, 3>>;

TEST_CASE("the softirq program keeps one stamp per vector, whichever CPU it comes from", "[tracer]") {
  TracerBench bench{TracerProgram::softirq};

  bench.hit(10us, Tracepoint::softirq_entry, 0, 3);
  bench.hit(30us, Tracepoint::softirq_entry, 1, 3);  // overwrites
  bench.hit(40us, Tracepoint::softirq_entry, 1, 4);
  bench.hit(50us, Tracepoint::softirq_exit, 0, 3);
  bench.hit(70us, Tracepoint::softirq_exit, 1, 3);  // finds nothing
  bench.hit(80us, Tracepoint::softirq_exit, 1, 4);

  CHECK(bench.rows() == Rows{{3, 20, 0}, {4, 40, 0}});
}

TEST_CASE("the irq program keeps one stamp per line", "[tracer]") {
  TracerBench bench{TracerProgram::irq};

  bench.hit(10us, Tracepoint::irq_handler_entry, 0, 32);
  bench.hit(15us, Tracepoint::irq_handler_entry, 1, 33);
  bench.hit(25us, Tracepoint::irq_handler_exit, 1, 33);
  bench.hit(30us, Tracepoint::irq_handler_exit, 0, 32);

  CHECK(bench.rows() == Rows{{33, 10, 0}, {32, 20, 0}});
}

TEST_CASE("the wakeup program keeps a task's last wakeup and prints when it is switched in", "[tracer]") {
  TracerBench bench{TracerProgram::wakeup};

  bench.hit(10us, Tracepoint::sched_wakeup, 0, 7, 0);
  bench.hit(30us, Tracepoint::sched_wakeup, 0, 7, 0);
  bench.hit(35us, Tracepoint::sched_switch, 1, 7, 1, -1);  // it is switched out
  bench.hit(50us, Tracepoint::sched_switch, 0, -1, 0, 7);
  bench.hit(60us, Tracepoint::sched_switch, 0, 3, 0, 7);  // preempted and back: no row

  CHECK(bench.rows() == Rows{{7, 20, 0}});
}

TEST_CASE("the epoll and the io_uring program print what their system call returned", "[tracer]") {
  TracerBench epoll{TracerProgram::epoll};
  epoll.hit(10us, Tracepoint::sys_enter_epoll_wait, 0, 5);
  epoll.hit(40us, Tracepoint::sys_exit_epoll_wait, 1, 5, 1);
  CHECK(epoll.rows() == Rows{{5, 30, 1}});

  TracerBench uring{TracerProgram::uring};
  uring.hit(10us, Tracepoint::sys_enter_io_uring_enter, 0, 5, 2);
  uring.hit(20us, Tracepoint::sys_exit_epoll_wait, 0, 5, 1);  // another program's
  uring.hit(40us, Tracepoint::sys_exit_io_uring_enter, 0, 5, 2);
  CHECK(uring.rows() == Rows{{5, 30, 2}});
}

TEST_CASE("durations are cut to whole microseconds", "[tracer]") {
  TracerBench bench{TracerProgram::softirq};

  bench.hit(1'000ns, Tracepoint::softirq_entry, 0, 3);
  bench.hit(2'999ns, Tracepoint::softirq_exit, 0, 3);
  bench.hit(3'000ns, Tracepoint::softirq_entry, 0, 3);
  bench.hit(3'999ns, Tracepoint::softirq_exit, 0, 3);

  CHECK(bench.rows() == Rows{{3, 1, 0}, {3, 0, 0}});
}

TEST_CASE("each program run is paid by whoever hits the tracepoint, and an exit without a stamp is free",
          "[tracer]") {
  const auto end_of_work = [](std::initializer_list<Tracepoint> points,
                              TracerProgram traced = TracerProgram::softirq) {
    TracerBench bench{traced};
    Task& victim = bench.add_task(1);
    sim::Nanos ended_at{0};
    Script program{[&](const Continuation& next) {
                     Work work = next;
                     work.remaining = 100us;
                     bench.cpus[1]->set_work(Context::task, work);
                   },
                   [&](const Continuation& next) {
                     ended_at = bench.now();
                     bench.sched->sleep(victim, next);
                   }};
    bench.launch(victim, program.start());
    bench.run_until(10us);
    Interrupt hits{*bench.cpus[1], [&] {
                     for (const Tracepoint point : points) {
                       bench.tracer.hit(point, CpuId{1}, 3, 0, 0);
                     }
                   }};
    hits.raise();
    bench.run_until(1ms);
    return ended_at;
  };

  CHECK(end_of_work({}) == 100us);
  CHECK(end_of_work({Tracepoint::softirq_entry}) == 100us + stamp);
  CHECK(end_of_work({Tracepoint::softirq_entry, Tracepoint::softirq_exit}) == 100us + stamp + print);
  CHECK(end_of_work({Tracepoint::softirq_exit}) == 100us);
  CHECK(end_of_work({Tracepoint::sched_waking, Tracepoint::sched_wakeup}, TracerProgram::chain) ==
        100us + 2 * record);
}

TEST_CASE("a row wakes a sleeping bpftrace, which reads all there is and sleeps again", "[tracer]") {
  TracerBench bench{TracerProgram::softirq};
  bench.launch(bench.task, then<&Tracer::start>(bench.tracer));
  bench.run_until(10us);
  bench.hits.clear();

  bench.hit(10us, Tracepoint::softirq_entry, 1, 3);
  bench.hit(20us, Tracepoint::softirq_exit, 1, 3);
  bench.hit(21us, Tracepoint::softirq_entry, 1, 3);
  bench.hit(22us, Tracepoint::softirq_exit, 1, 3);  // bpftrace is awake by now
  bench.run_until(1ms);

  CHECK(bench.times_of(Tracepoint::sched_waking) == Times{20us});
  CHECK(bench.times_of(Tracepoint::sys_exit_epoll_wait) == Times{20us + first});
  CHECK(bench.times_of(Tracepoint::sys_enter_epoll_wait) == Times{20us + first + 2 * row});
  CHECK(bench.times_of(Tracepoint::sched_switch).back() == 20us + first + 2 * row);
}

TEST_CASE("rows_per_wake rows come before one wakes bpftrace, on average", "[tracer]") {
  TracerBench bench{TracerProgram::softirq, 10};
  bench.launch(bench.task, then<&Tracer::start>(bench.tracer));
  bench.run_until(10us);
  bench.hits.clear();

  for (int i = 1; i <= 4000; ++i) {
    bench.hit(i * 100us, Tracepoint::softirq_entry, 1, 3);
    bench.hit(i * 100us + 1us, Tracepoint::softirq_exit, 1, 3);
  }

  CHECK(static_cast<double>(bench.hits_of(Tracepoint::sched_waking).size()) == Approx(400).epsilon(0.15));
}

TEST_CASE("bpftrace sees its own epoll_wait", "[tracer]") {
  HostConfig config = quiet_host(1);
  config.tracer.program = TracerProgram::epoll;
  AgentConfig agent = quiet_agent(0);
  agent.tool.device = "veth0";
  config.agents.push_back(agent);
  config.devices.emplace_back(VethConfig{.name = "veth0"});

  TracedRun run{config, 1s};

  std::int64_t own = 0;
  std::int64_t agents = 0;
  for (const TracerRow& each : run.host.tracer_rows()) {
    own += run.host.task_role(static_cast<TaskId>(each.key)) == "tracer" ? 1 : 0;
    agents += run.host.task_role(static_cast<TaskId>(each.key)) == "agent" ? 1 : 0;
  }
  CHECK(agents == static_cast<std::int64_t>(run.metrics()[Metric::epoll_blocked].count()));
  CHECK(own == agents);  // each of the agents' rows wakes it once
  CHECK(run.metrics()[Counter::tracer_rows] == own + agents);
}

TEST_CASE("rows count from the end of the warm-up on", "[tracer]") {
  HostConfig config = quiet_host(1);
  config.tracer.program = TracerProgram::wakeup;
  config.agents.push_back(quiet_agent(0));

  const auto rows = [&](sim::Nanos warmup) {
    return TracedRun(config, 1s - warmup, warmup).host.tracer_rows().size();
  };

  CHECK(rows(500ms) == Approx(static_cast<double>(rows(0ns)) / 2).margin(5));
}

}  // namespace
}  // namespace models
