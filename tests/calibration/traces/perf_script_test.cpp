#include "calibration/traces/perf_script.h"

#include <catch2/catch.hpp>

#include "calibration/traces/event_reader.h"
#include "tests/calibration/capture_bench.h"

using namespace calibration;

namespace {

EventLine split(std::string_view line) {
  EventLine parts;
  REQUIRE(split_perf_line(line, parts));
  return parts;
}

}  // namespace

TEST_CASE("a line of perf script splits with or without process and CPU", "[perf_script]") {
  const EventLine full = split("iperf 27409/28744 [002] 441995.133575:   sched:sched_switch: prev_comm=a");
  CHECK(full.comm == "iperf");
  CHECK(full.pid == 28744);
  CHECK(full.cpu == 2);
  CHECK(full.time == 441'995'133'575'000);
  CHECK(full.text == "sched:sched_switch: prev_comm=a");
  const EventLine thread =
      split("         swapper     0 [000]     1.000001: irq:softirq_entry: vec=1 [action=TIMER]");
  CHECK(thread.comm == "swapper");
  CHECK(thread.pid == 0);
  const EventLine no_cpu = split("Web Content  2711     1.000001234: sched:sched_waking: comm=a");
  CHECK(no_cpu.comm == "Web Content");
  CHECK(no_cpu.pid == 2711);
  CHECK(no_cpu.cpu == -1);
  CHECK(no_cpu.time == 1'000'001'234);
  CHECK(split(":-1    -1 [001] 1.000001: x:y: z").pid == -1);
}

TEST_CASE("a sample's period is not its event", "[perf_script]") {
  CHECK(split("a 1 [000] 1.000001:     250000 cycles:  ffffffff810 native_write_msr").text ==
        "cycles:  ffffffff810 native_write_msr");
}

TEST_CASE("ftrace's lines are not perf's, nor the other way round", "[perf_script]") {
  EventLine parts;
  CHECK_FALSE(split_perf_line("  a 12-34 [000] d..2. 1.000001: x: y", parts));
  CHECK_FALSE(split_perf_line("  sh-1642  [002]    76.211696: sched_wakeup:  comm=a", parts));
  CHECK_FALSE(split_perf_line("\t          59fef5 copy_user (/lib/vmlinux)", parts));
}

TEST_CASE("perf script reads with headers and stacks passed over and lost events counted", "[perf_script]") {
  const CaptureBench bench;
  EventReader reader{
      bench.write("a",
                  "# ========\n"
                  "# captured on: today\n"
                  "#\n"
                  "agent 12/13 [001] 10.000001: sched:sched_waking: comm=b pid=7 prio=120 target_cpu=000\n"
                  "\t          59fef5 try_to_wake_up ([kernel.kallsyms])\n"
                  "\t               0 [unknown] ([unknown])\n"
                  "\n"
                  "perf 0 [001] 10.000002: PERF_RECORD_LOST lost 24\n"
                  "agent 12/13 [001] 10.000003:     250000 cycles:P: \n"
                  "\t          59fef5 main (/bin/agent)\n"
                  "\n"
                  "agent 12/13 [001] 10.000004: syscalls:sys_exit_epoll_wait: 0x1\n")};

  Event event;
  REQUIRE(reader.next(event));
  CHECK(reader.log().format == CaptureFormat::perf_script);
  CHECK(event.kind == EventKind::sched_waking);
  CHECK(event.pid == 13);
  CHECK(event.cpu == 1);
  CHECK(event.wakeup.pid == 7);
  REQUIRE(reader.next(event));
  CHECK(event.kind == EventKind::lost);
  CHECK(event.lost.count == 24);
  CHECK(event.cpu == 1);
  REQUIRE(reader.next(event));
  CHECK(event.kind == EventKind::other);
  CHECK(reader.names().text(event.other.name) == "cycles");
  REQUIRE(reader.next(event));
  CHECK(event.kind == EventKind::sys_exit);
  CHECK(event.sys_exit.ret == 1);
  CHECK_FALSE(reader.next(event));
  CHECK(reader.log().unknown_lines == 0);
  CHECK(reader.log().lost_events == 24);
}
