// Each flaw that the programs have, in a capture small enough to see it.
#include "calibration/fit/measured.h"

#include <catch2/catch.hpp>

#include "tests/calibration/capture_bench.h"

using namespace calibration;
using namespace std::chrono_literals;

namespace {

// Steps at 7300 s of CLOCK_MONOTONIC, one a millisecond, for `count` milliseconds.
std::string steps_text(int count = 1000) {
  std::string text = "agent,start_ns,timer_late_ns,tool_ns,read_ns,parse_ns\n";
  for (int i = 0; i < count; ++i) {
    text += "0," + std::to_string(7'300'000'000'000 + i * 1'000'000LL) + ",40,300,2000,10000\n";
  }
  return text;
}

std::string repeated(const std::string& line, int times) {
  std::string text;
  for (int i = 0; i < times; ++i) {
    text += line;
  }
  return text;
}

std::uint64_t dropped(const MeasuredQuantity& quantity, const std::string& reason) {
  for (const auto& [name, count] : quantity.dropped) {
    if (name == reason) {
      return count;
    }
  }
  return 0;
}

}  // namespace

TEST_CASE("irq rows become one quantity per interrupt", "[measured]") {
  const CaptureBench bench;
  bench.write("n4.irq.txt", "irq=36 duration=1us\nirq=9 duration=7us\nirq=36 duration=3us\n");

  const MeasuredCapture capture = bench.measure("n4.irq.txt");

  REQUIRE(capture.quantities.size() == 2);
  CHECK(capture.find("irq.36")->count() == 2);
  CHECK(capture.find("irq.36")->values.max() == 3);
  CHECK(capture.find("irq.9")->values.min() == 7);
  CHECK(capture.find("irq.36")->load == "n4");
  CHECK(capture.find("irq.36")->resolution == 1us);
}

TEST_CASE("softirq vectors carry the kernel's names", "[measured]") {
  const CaptureBench bench;
  std::string text;
  for (int vec = 0; vec < 10; ++vec) {
    text += "softirq vec=" + std::to_string(vec) + " duration=2us\n";
  }
  bench.write("a.softirq.txt", text);

  const MeasuredCapture capture = bench.measure("a.softirq.txt");

  for (const char* name :
       {"HI", "TIMER", "NET_TX", "NET_RX", "BLOCK", "IRQ_POLL", "TASKLET", "SCHED", "HRTIMER", "RCU"}) {
    CHECK(capture.find(std::string{"softirq."} + name) != nullptr);
  }
}

TEST_CASE("the tracer's own rows are kept apart from the workload's, with its pace", "[measured]") {
  const CaptureBench bench;
  const std::string tracer = "tid=5 epoll_wait=0us ret=1\n";
  const std::string agent = "tid=7 epoll_wait=300us ret=1\n";
  // 50 before the first agent row, 400 between the agents' rows, 50 after.
  bench.write("a.epoll.txt", repeated(tracer, 50) + agent + repeated(repeated(tracer, 100) + agent, 4) +
                                 repeated(tracer, 50));
  bench.write("a.epoll.roles.csv", "tid,role\n5,tracer\n7,agent\n");
  bench.write("a.epoll.steps.csv", steps_text(1001));

  const MeasuredCapture capture = bench.measure("a.epoll.txt");

  CHECK(capture.find("epoll_wait.agent")->count() == 5);
  CHECK(capture.find("epoll_wait.agent")->values.min() == 300);
  CHECK(capture.find("epoll_wait.tracer")->count() == 500);
  REQUIRE(capture.tracer);
  CHECK(capture.tracer->rows == 500);
  CHECK(capture.tracer->rows_meanwhile == 400);
  CHECK(capture.tracer->rows_per_s == Approx(400).epsilon(0.001));
  CHECK(capture.tracer->loop_us == Approx(2500).epsilon(0.001));
  CHECK_FALSE(capture.tracer->guessed);
  REQUIRE(capture.flaw("tracer_sees_itself") != nullptr);
  CHECK(capture.flaw("tracer_sees_itself")->count == 500);
}

TEST_CASE("without a roles file the tracer is guessed from epoll rows and said to be", "[measured]") {
  const CaptureBench bench;
  bench.write("a.epoll.txt",
              repeated("tid=5 epoll_wait=0us ret=1\n", 90) + repeated("tid=7 epoll_wait=300us ret=1\n", 10));

  const MeasuredCapture capture = bench.measure("a.epoll.txt");

  REQUIRE(capture.tracer);
  CHECK(capture.tracer->guessed);
  CHECK(capture.find("epoll_wait.tracer")->count() == 90);
  CHECK(capture.find("epoll_wait.unknown")->count() == 10);
  REQUIRE(capture.flaw("roles_missing") != nullptr);
  CHECK(capture.flaw("roles_missing")->done.find("guessed") != std::string::npos);
}

TEST_CASE("without a roles file wakeups stay unknown, and the tracer with them", "[measured]") {
  const CaptureBench bench;
  bench.write("a.wakeup.txt", repeated("pid=5 wake_to_run=1us\n", 90) + "pid=7 wake_to_run=30us\n");

  const MeasuredCapture capture = bench.measure("a.wakeup.txt");

  CHECK_FALSE(capture.tracer);
  CHECK(capture.find("wakeup_to_run.unknown")->count() == 91);
  REQUIRE(capture.flaw("roles_missing") != nullptr);
  CHECK(capture.flaw("roles_missing")->done.find("cannot be told") != std::string::npos);
}

TEST_CASE("durations that are the machine's uptime are dropped and counted, wrapped or not", "[measured]") {
  const CaptureBench bench;
  // 7300.5 s of uptime: whole, and as the low 32 bits that bpftrace 0.17 prints, signed.
  bench.write("a.softirq.txt",
              "softirq vec=3 duration=20us\n"
              "softirq vec=3 duration=7300500000us\n"
              "softirq vec=3 duration=-1289434592us\n"
              "softirq vec=4 duration=5us\n");
  bench.write("a.softirq.steps.csv", steps_text());

  const MeasuredCapture capture = bench.measure("a.softirq.txt");

  CHECK(capture.find("softirq.NET_RX")->count() == 1);
  CHECK(capture.find("softirq.NET_RX")->values.max() == 20);
  CHECK(dropped(*capture.find("softirq.NET_RX"), "uptime_as_duration") == 2);
  CHECK(capture.find("softirq.BLOCK")->dropped.empty());
  REQUIRE(capture.flaw("uptime_as_duration") != nullptr);
  CHECK(capture.flaw("uptime_as_duration")->count == 2);
}

TEST_CASE("a start stamp later than the end is told from the uptime", "[measured]") {
  const CaptureBench bench;
  // -6 us as unsigned 64-bit nanoseconds / 1000, its low 32 bits, and plainly.
  bench.write("a.softirq.txt",
              "softirq vec=3 duration=20us\n"
              "softirq vec=3 duration=18446744073709545us\n"
              "softirq vec=3 duration=1271310313us\n"
              "softirq vec=3 duration=-6us\n");
  bench.write("a.softirq.steps.csv", steps_text());

  const MeasuredCapture capture = bench.measure("a.softirq.txt");

  CHECK(capture.find("softirq.NET_RX")->count() == 1);
  REQUIRE(capture.flaw("start_after_end") != nullptr);
  CHECK(capture.flaw("start_after_end")->count == 3);
  CHECK(capture.flaw("uptime_as_duration") == nullptr);
}

TEST_CASE("without a steps file, impossible durations are dropped though the uptime is unknown",
          "[measured]") {
  const CaptureBench bench;
  bench.write("a.softirq.txt",
              "softirq vec=3 duration=19000000us\n"
              "softirq vec=3 duration=21000000us\n"
              "softirq vec=3 duration=-1289434592us\n");

  const MeasuredCapture capture = bench.measure("a.softirq.txt");

  CHECK(capture.find("softirq.NET_RX")->count() == 1);
  REQUIRE(capture.flaw("impossible_duration") != nullptr);
  CHECK(capture.flaw("impossible_duration")->count == 2);
  CHECK(capture.flaw("steps_missing") != nullptr);
}

TEST_CASE("a wait may be as long as the capture, and no longer", "[measured]") {
  const CaptureBench bench;
  bench.write("a.uring.txt",
              "tid=7 io_uring_enter=30000000us ret=1\ntid=7 io_uring_enter=90000000us ret=1\n");
  bench.write("a.uring.roles.csv", "tid,role\n7,agent\n");
  bench.write("a.uring.steps.csv", steps_text());

  const MeasuredCapture capture = bench.measure("a.uring.txt");

  CHECK(capture.find("io_uring_enter.agent")->count() == 1);
  CHECK(capture.flaw("impossible_duration")->count == 1);
}

TEST_CASE("a vector that races prove to be shared is corrected for overlaps", "[measured]") {
  const CaptureBench bench;
  // 5000 runs of 10 us and 5000 of 2 us in a second: 6 % overlap another.
  std::string text = repeated("softirq vec=3 duration=10us\nsoftirq vec=3 duration=2us\n", 5000);
  text += repeated("softirq vec=1 duration=10us\nsoftirq vec=4 duration=10us\n", 5000);
  text += "softirq vec=3 duration=1271310313us\nsoftirq vec=1 duration=1271310313us\n";
  bench.write("a.softirq.txt", text);
  bench.write("a.softirq.steps.csv", steps_text());

  const MeasuredCapture capture = bench.measure("a.softirq.txt");

  const MeasuredQuantity& net_rx = *capture.find("softirq.NET_RX");
  REQUIRE(net_rx.corrected);
  CHECK(net_rx.corrected->count() > net_rx.values.count());
  CHECK(net_rx.corrected->mean() > net_rx.values.mean());
  CHECK(&net_rx.best() == &*net_rx.corrected);
  CHECK_FALSE(capture.find("softirq.TIMER")->corrected);  // raised by the tick
  CHECK_FALSE(capture.find("softirq.BLOCK")->corrected);  // perhaps always on one CPU
  int reported = 0;
  for (const Flaw& flaw : capture.flaws) {
    reported += flaw.name == "cross_cpu_pairs" ? 1 : 0;
  }
  CHECK(reported == 3);
}

TEST_CASE("a vector with too many overlaps is flagged and left alone", "[measured]") {
  const CaptureBench bench;
  bench.write("a.softirq.txt",
              repeated("softirq vec=3 duration=40us\n", 10'000) + "softirq vec=3 duration=-6us\n");
  bench.write("a.softirq.steps.csv", steps_text());

  const MeasuredCapture capture = bench.measure("a.softirq.txt");

  CHECK_FALSE(capture.find("softirq.NET_RX")->corrected);
  CHECK(capture.flaw("cross_cpu_pairs")->done.find("too many") != std::string::npos);
}

TEST_CASE("whole microseconds are taken as anything up to the next", "[measured]") {
  const CaptureBench bench;
  bench.write("a.irq.txt", repeated("irq=36 duration=0us\n", 3) + "irq=36 duration=4us\n");

  const MeasuredCapture capture = bench.measure("a.irq.txt");
  const sim::Distribution handler = capture.find("irq.36")->dequantized();

  CHECK(handler.quantile(0) == 0ns);
  CHECK(handler.quantile(0.375) == 500ns);
  CHECK(handler.quantile(1) == 5us);
  CHECK(handler.mean_ns() == Approx(1500));
  REQUIRE(capture.flaw("truncated_to_us") != nullptr);
  CHECK(capture.flaw("truncated_to_us")->seen.find("75.0 %") != std::string::npos);
}

TEST_CASE("wakeups are reported to start late and to keep the last stamp", "[measured]") {
  const CaptureBench bench;
  bench.write("a.wakeup.txt", repeated("pid=7 wake_to_run=10us\n", 3000));
  bench.write("a.wakeup.roles.csv", "tid,role\n7,agent\n");
  bench.write("a.wakeup.steps.csv", steps_text());

  const MeasuredCapture capture = bench.measure("a.wakeup.txt");

  REQUIRE(capture.flaw("last_wakeup_stamp") != nullptr);
  CHECK(capture.flaw("last_wakeup_stamp")->seen.find("3.00 agent rows per step") != std::string::npos);
}

TEST_CASE("lost events, the RLIMIT message and cut lines are reported", "[measured]") {
  const CaptureBench bench;
  bench.write("a.irq.txt",
              "ERROR: couldn't set RLIMIT_MEMLOCK for bpftrace. If your program is not loading, you can try\n"
              "Attaching 2 probes...\n" +
                  repeated("irq=36 duration=1us\n", 150) +
                  "Lost 40 events\nLost 10 events\nirq=36 durati\nirq=36 du");

  const MeasuredCapture capture = bench.measure("a.irq.txt");

  REQUIRE(capture.flaw("lost_events") != nullptr);
  CHECK(capture.flaw("lost_events")->count == 50);
  CHECK(capture.flaw("lost_events")->seen.find("25 % of the rows") != std::string::npos);
  CHECK(capture.flaw("rlimit_message") != nullptr);
  CHECK(capture.flaw("unknown_lines")->seen == "line 155 'irq=36 durati'");
  CHECK(capture.flaw("partial_last_line") != nullptr);
  CHECK(capture.find("irq.36")->count() == 150);
}

TEST_CASE("a capture that was appended to or misnamed is taken for what it is, and said to be",
          "[measured]") {
  const CaptureBench bench;
  bench.write("a.irq.txt", repeated("Attaching 2 probes...\nsoftirq vec=3 duration=1us\n\n", 2));

  const MeasuredCapture capture = bench.measure("a.irq.txt");

  CHECK(capture.program == BpftraceProgram::softirq);
  CHECK(capture.flaw("wrong_name") != nullptr);
  CHECK(capture.flaw("appended_runs")->count == 2);
}

TEST_CASE("agents' waits are split by result where there is more than one", "[measured]") {
  const CaptureBench bench;
  bench.write("a.epoll.txt",
              "tid=7 epoll_wait=300us ret=1\ntid=7 epoll_wait=20us ret=2\ntid=8 epoll_wait=1us ret=3\n");
  bench.write("a.epoll.roles.csv", "tid,role\n7,agent\n8,server\n");

  const MeasuredCapture capture = bench.measure("a.epoll.txt");

  CHECK(capture.find("epoll_wait.agent")->count() == 2);
  CHECK(capture.find("epoll_wait.agent.ret=1")->values.max() == 300);
  CHECK(capture.find("epoll_wait.agent.ret=2")->values.max() == 20);
  CHECK(capture.find("epoll_wait.server.ret=3") == nullptr);
}

TEST_CASE("steps give exact quantities and their sum", "[measured]") {
  const CaptureBench bench;
  bench.write("a.irq.txt", "irq=36 duration=1us\n");
  bench.write("a.irq.steps.csv", steps_text(10));

  const MeasuredCapture capture = bench.measure("a.irq.txt");

  CHECK(capture.find("timer_late")->values.max() == 40);
  CHECK(capture.find("tool")->values.max() == 300);
  CHECK(capture.find("read")->values.max() == 2000);
  CHECK(capture.find("parse")->values.max() == 10000);
  CHECK(capture.find("step")->values.max() == 12340);
  CHECK(capture.find("step")->resolution == 1ns);
  CHECK(capture.find("step")->dequantized().quantile(0.5) == 12340ns);
}
