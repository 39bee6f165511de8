// Records of the simulated kernel as lines of text: SimulatedEvents and FtraceTextWriter in one.
#include <catch2/catch.hpp>
#include <map>
#include <memory>
#include <regex>
#include <sstream>
#include <vector>

#include "calibration/traces/ftrace_writer.h"
#include "calibration/traces/simulated_events.h"
#include "scenarios/scenario.h"
#include "tests/scenarios/scratch.h"

using namespace models;

namespace {

constexpr TaskId idle = TaskId::none;
constexpr TaskId agent{4};        // after ksoftirqd/0 to ksoftirqd/3: pid 1004
constexpr TaskId server{5};       // pid 1005
constexpr std::uint8_t task = 0;  // TraceRecord::context
constexpr std::uint8_t softirq = 1;
constexpr std::uint8_t hardirq = 2;
constexpr std::int64_t nvme0 = 1;  // the second of small_scenario()'s devices

std::string text_of(const Scratch& scratch, const Host& host, const std::vector<TraceRecord>& records,
                    int first_pid) {
  calibration::Names names;
  calibration::SimulatedEvents simulated{host, names, first_pid};
  scenarios::OutputFile file{scratch.path("t.trace")};
  calibration::FtraceTextWriter writer{file, names};
  calibration::Event event;
  for (const TraceRecord& record : records) {
    if (simulated.convert(record, event)) {
      writer.write(event);
    }
  }
  writer.finish();
  file.commit();
  return Scratch::read(scratch.path("t.trace"));
}

// The host of small_scenario(), and records made by hand.
struct Bench {
  explicit Bench(const std::vector<std::string>& sets = {}) {
    const std::string path = scratch.write("s.yaml", small_scenario());
    host = std::make_unique<Host>(scenarios::load_scenario(path, sets).base.host, 1);
  }

  // Microseconds after one second, on CPU 1.
  Bench& at(std::int64_t us) {
    now = sim::SimTime{sim::Nanos{1'000'000'000 + us * 1000}};
    return *this;
  }
  Bench& fire(Tracepoint point, TaskId current, std::uint8_t context, std::int64_t a, std::int64_t b = 0,
              std::int64_t c = 0, bool need_resched = false, std::int64_t d = 0) {
    records.push_back({now, a, b, c, current, CpuId{1}, point, context, false, need_resched, d});
    return *this;
  }
  std::vector<std::string> lines(int first_pid = 1000) const {
    std::istringstream in{text_of(scratch, *host, records, first_pid)};
    std::vector<std::string> all;
    for (std::string line; std::getline(in, line);) {
      if (line.front() != '#') {
        all.push_back(line);
      }
    }
    return all;
  }
  std::string only_line() const {
    REQUIRE(lines().size() == 1);
    return lines().front();
  }

  Scratch scratch;
  std::unique_ptr<Host> host;
  std::vector<TraceRecord> records;
  sim::SimTime now{};
};

// What stands between `key` and the next space.
std::string value_of(const std::string& line, const std::string& key) {
  const std::size_t begin = line.find(key) + key.size();
  return line.substr(begin, line.find_first_of(", ", begin) - begin);
}

}  // namespace

TEST_CASE("each tracepoint of the chain is printed as the kernel prints it", "[ftrace][simulated_events]") {
  Bench bench;
  bench.at(7)
      .fire(Tracepoint::hrtimer_expire_entry, idle, hardirq, 4, 999'000'000)
      .fire(Tracepoint::sched_waking, idle, hardirq, 4, 1)
      .fire(Tracepoint::sched_migrate_task, idle, hardirq, 4, 1, 2)
      .fire(Tracepoint::sched_wakeup, idle, hardirq, 4, 2, 0, true)
      .fire(Tracepoint::cpu_idle, idle, task, -1, 0, 0, true)
      .fire(Tracepoint::sched_switch, idle, task, -1, 0, 4)
      .fire(Tracepoint::sys_enter_epoll_wait, agent, task, 4)
      .fire(Tracepoint::sys_exit_epoll_wait, agent, task, 4, 1)
      .fire(Tracepoint::sys_enter_io_uring_enter, agent, task, 4, 2)
      .fire(Tracepoint::block_rq_issue, agent, task, 0x1234567, 4096, 0, false, nvme0)
      .fire(Tracepoint::block_rq_complete, agent, softirq, 0x1234567, 131072, 1, false, nvme0)
      .fire(Tracepoint::io_uring_complete, agent, task, 4, -11)
      .fire(Tracepoint::sys_exit_io_uring_enter, agent, task, 4, -4)
      .fire(Tracepoint::softirq_raise, agent, task, 3)
      .fire(Tracepoint::softirq_entry, agent, softirq, 3)
      .fire(Tracepoint::napi_poll, agent, softirq, 0, 2, 64)
      .fire(Tracepoint::softirq_exit, agent, softirq, 3)
      .fire(Tracepoint::sched_switch, agent, task, 4, 1, -1)
      .fire(Tracepoint::cpu_idle, idle, task, 0);

  const std::vector<std::string> lines = bench.lines();

  const std::vector<std::string> expected{
      "          <idle>-0       [001] d.h1.     1.000007: hrtimer_expire_entry: hrtimer=" +
          value_of(lines[0], "hrtimer=") + " function=hrtimer_wakeup now=1000007000",
      "          <idle>-0       [001] d.h3.     1.000007: sched_waking: comm=reader-0 pid=1004 prio=120 "
      "target_cpu=001",
      "          <idle>-0       [001] d.h3.     1.000007: sched_migrate_task: comm=reader-0 pid=1004 "
      "prio=120 "
      "orig_cpu=1 dest_cpu=2",
      "          <idle>-0       [001] dNh4.     1.000007: sched_wakeup: comm=reader-0 pid=1004 prio=120 "
      "target_cpu=002",
      "          <idle>-0       [001] dN.1.     1.000007: cpu_idle: state=4294967295 cpu_id=1",
      "          <idle>-0       [001] d..2.     1.000007: sched_switch: prev_comm=swapper/1 prev_pid=0 "
      "prev_prio=120 "
      "prev_state=R ==> next_comm=reader-0 next_pid=1004 next_prio=120",
      "        reader-0-1004    [001] .....     1.000007: sys_epoll_wait(epfd: 4, events: 0x7f0002000360, "
      "maxevents: 1, timeout: 0xffffffff)",
      "        reader-0-1004    [001] .....     1.000007: sys_epoll_wait -> 0x1",
      "        reader-0-1004    [001] .....     1.000007: sys_io_uring_enter(fd: 5, to_submit: 2, "
      "min_complete: 2, "
      "flags: 1, argp: 0, argsz: 8)",
      "        reader-0-1004    [001] .....     1.000007: block_rq_issue: 259,0 R 4096 () 152709944 + 8 "
      "be,0,4 "
      "[reader-0]",
      "        reader-0-1004    [001] ..s..     1.000007: block_rq_complete: 259,0 WS () 152709944 + 256 "
      "be,0,4 [0]",
      "        reader-0-1004    [001] ...1.     1.000007: io_uring_complete: ring " +
          value_of(lines[11], "ring ") + ", req " + value_of(lines[11], "req ") +
          ", user_data 0x0, result -11, cflags 0x0 extra1 0 extra2 0 ",
      "        reader-0-1004    [001] .....     1.000007: sys_io_uring_enter -> 0xfffffffffffffffc",
      "        reader-0-1004    [001] D..1.     1.000007: softirq_raise: vec=3 [action=NET_RX]",
      "        reader-0-1004    [001] ..s1.     1.000007: softirq_entry: vec=3 [action=NET_RX]",
      "        reader-0-1004    [001] ..s1.     1.000007: napi_poll: napi poll on napi struct " +
          value_of(lines[15], "struct ") + " for device (no_device) work 2 budget 64",
      "        reader-0-1004    [001] ..s1.     1.000007: softirq_exit: vec=3 [action=NET_RX]",
      "        reader-0-1004    [001] d..2.     1.000007: sched_switch: prev_comm=reader-0 prev_pid=1004 "
      "prev_prio=120 "
      "prev_state=S ==> next_comm=swapper/1 next_pid=0 next_prio=120",
      "          <idle>-0       [001] d..1.     1.000007: cpu_idle: state=1 cpu_id=1",
  };
  CHECK(lines == expected);
}

TEST_CASE("vectors, NAPIs and frames carry the name of their device", "[ftrace][simulated_events]") {
  Bench bench;
  bench
      .fire(Tracepoint::irq_handler_entry, idle, hardirq, 33)  // the second queue of eth0
      .fire(Tracepoint::irq_handler_exit, idle, hardirq, 33)
      .fire(Tracepoint::irq_handler_entry, idle, hardirq, 34)  // nvme0's first, after its admin queue
      .fire(Tracepoint::irq_handler_entry, idle, hardirq, 99)
      .fire(Tracepoint::napi_poll, idle, softirq, 2, 1, 64)
      .fire(Tracepoint::netif_receive_skb, idle, softirq, 0, 2048);

  const std::vector<std::string> lines = bench.lines();

  CHECK_THAT(lines[0], Catch::EndsWith("irq_handler_entry: irq=33 name=eth0-TxRx-1"));
  CHECK_THAT(lines[1], Catch::EndsWith("irq_handler_exit: irq=33 ret=handled"));
  CHECK_THAT(lines[2], Catch::EndsWith("irq_handler_entry: irq=34 name=nvme0q1"));
  CHECK_THAT(lines[3], Catch::EndsWith("irq_handler_entry: irq=99 name=vector99"));
  CHECK_THAT(lines[4], Catch::EndsWith(" for device eth0 work 1 budget 64"));
  CHECK_THAT(lines[5],
             Catch::Contains("dev=veth0 ") && Catch::EndsWith(" len=2100"));  // with its IP and TCP headers
}

TEST_CASE("a task's priority is printed on the kernel's scale", "[ftrace][simulated_events]") {
  Bench nice{{"agents.reader.sched.nice=-5"}};
  Bench real_time{{"agents.reader.sched={sched: fifo, rt_priority: 50}"}};
  nice.fire(Tracepoint::sched_waking, idle, hardirq, 4);
  real_time.fire(Tracepoint::sched_waking, idle, hardirq, 4);

  CHECK_THAT(nice.only_line(), Catch::Contains(" prio=115 "));
  CHECK_THAT(real_time.only_line(), Catch::Contains(" prio=49 "));
}

TEST_CASE("a name longer than the kernel's comm is cut to 15 bytes", "[ftrace][simulated_events]") {
  Bench bench{{"agents.reader.name=retrieval"}};  // its server is retrieval-0-server
  bench.fire(Tracepoint::sched_waking, server, task, 5);

  CHECK_THAT(bench.only_line(), Catch::StartsWith(" retrieval-0-ser-1005    [001]"));
  CHECK_THAT(bench.only_line(), Catch::Contains("comm=retrieval-0-ser pid=1005 "));
}

TEST_CASE("idle without a polling state has the number that cpuidle leaves after POLL",
          "[ftrace][simulated_events]") {
  Bench with_poll{{"host.idle=[{state: poll}, {state: c1, target_residency: 1us}]"}};
  with_poll.fire(Tracepoint::cpu_idle, idle, task, 1);
  Bench without{{"host.idle=[{state: c1, target_residency: 1us}, {state: c6, target_residency: 600us}]"}};
  without.fire(Tracepoint::cpu_idle, idle, task, 1);

  CHECK_THAT(with_poll.only_line(), Catch::EndsWith("cpu_idle: state=1 cpu_id=1"));
  CHECK_THAT(without.only_line(), Catch::EndsWith("cpu_idle: state=2 cpu_id=1"));
}

TEST_CASE("pids begin where they are told to", "[ftrace][simulated_events]") {
  Bench bench;
  bench.fire(Tracepoint::sched_switch, idle, task, -1, 0, 4);

  CHECK_THAT(bench.lines(42).front(), Catch::Contains("prev_pid=0 ") && Catch::Contains("next_pid=46 "));
}

TEST_CASE("one object has one address throughout, and no other has it", "[ftrace][simulated_events]") {
  Bench bench;
  const auto poll = [&](int cpu, int napi) {
    bench.records.push_back({bench.now, napi, 1, 64, idle, static_cast<CpuId>(cpu), Tracepoint::napi_poll,
                             softirq, false, false});
  };
  poll(0, 0);
  poll(1, 0);  // each CPU has a backlog of its own
  poll(0, 0);
  poll(0, 1);
  poll(3, 1);  // the NIC's is the same wherever it is polled

  std::vector<std::string> napis;
  for (const std::string& line : bench.lines()) {
    napis.push_back(value_of(line, "struct "));
    CHECK(napis.back().size() == 16);
  }
  CHECK(napis[0] == napis[2]);
  CHECK(napis[3] == napis[4]);
  CHECK(napis[0] != napis[1]);
  CHECK(napis[0] != napis[3]);
}

TEST_CASE("in the trace of a run, every switch leaves the task that its CPU entered last",
          "[ftrace][simulated_events]") {
  const Scratch scratch;
  const auto config = scenarios::load_scenario(scratch.write("s.yaml", small_scenario())).base.host;
  TraceRecorder recorder{20'000};
  Host host{config, 1, &recorder};
  host.run(sim::Nanos{10'000'000}, sim::Nanos{100'000'000});
  const std::regex switch_form{
      R"(^ *(\S+)-(\d+) +\[(\d{3})\] d\.\.2\. +\d+\.\d{6}: sched_switch: prev_comm=\S+ )"
      R"(prev_pid=(\d+) prev_prio=\d+ prev_state=[RS] ==> next_comm=\S+ next_pid=(\d+) )"
      R"(next_prio=\d+$)"};

  std::istringstream in{text_of(scratch, host, recorder.records(), 1000)};
  std::map<std::string, std::string> current;  // by CPU
  int switches = 0;
  int broken = 0;
  std::size_t lines = 0;
  for (std::string line; std::getline(in, line);) {
    lines += line.front() == '#' ? 0 : 1;
    std::smatch match;
    if (std::regex_match(line, match, switch_form)) {
      ++switches;
      const auto [last, first] = current.try_emplace(match[3], match[4]);
      broken += !first && last->second != match[4] ? 1 : 0;
      broken += match[2] != match[4] ? 1 : 0;
      last->second = match[5];
    } else {
      CHECK(line.find("sched_switch") == std::string::npos);
    }
  }
  CHECK(lines == recorder.records().size());
  CHECK(switches > 500);
  CHECK(broken == 0);
}
