#include "calibration/traces/ftrace_text.h"

#include <catch2/catch.hpp>
#include <limits>

using namespace calibration;

namespace {

EventLine split(std::string_view line) {
  EventLine parts;
  REQUIRE(split_ftrace_line(line, parts));
  return parts;
}

}  // namespace

TEST_CASE("a line splits into task, CPU, flags, time and event", "[ftrace_text]") {
  const EventLine parts =
      split("         agent-0-9967    [001] d.h1.  6910.964497: cpu_idle: state=1 cpu_id=1");

  CHECK(parts.comm == "agent-0");
  CHECK(parts.pid == 9967);
  CHECK(parts.cpu == 1);
  CHECK(parts.time == 6'910'964'497'000);
  CHECK(parts.resolution == 1000);
  CHECK(parts.flags.irqs_off);
  CHECK(parts.flags.hardirq);
  CHECK(parts.flags.preempt_depth == 1);
  CHECK(parts.text == "cpu_idle: state=1 cpu_id=1");
}

TEST_CASE("nanosecond stamps keep their last digit", "[ftrace_text]") {
  const EventLine parts = split("  <idle>-0  [000] .....  6910.964497123: x: y");

  CHECK(parts.time == 6'910'964'497'123);
  CHECK(parts.resolution == 1);
}

TEST_CASE("a task's name ends at the last dash before its pid, whatever it holds", "[ftrace_text]") {
  CHECK(split("<idle>-0     [000] d..2. 1.000001: x: y").comm == "<idle>");
  CHECK(split("kworker/0:1-events-123 [000] d..2. 1.000001: x: y").comm == "kworker/0:1-events");
  CHECK(split("  a b-12   [000] d..2. 1.000001: x: y").comm == "a b");
  CHECK(split("  Web Content-2711  [003] d... 1.000001: x: y").comm == "Web Content");
  CHECK(split(" IntentService[E-3866  [001] ...1   652.763068: x: y").comm == "IntentService[E");
  CHECK(split("  a [0] b-1-7 [002] d... 1.000001: x: y").comm == "a [0] b-1");
  CHECK(split("  (sd-pam)-77  [002] d... 1.000001: x: y").comm == "(sd-pam)");
  CHECK(split("  --9  [002] d... 1.000001: x: y").comm == "-");
}

TEST_CASE("TGIDs are passed over, known or not", "[ftrace_text]") {
  const EventLine known = split("rcu_preempt-7     (    7) [001] d..3 214168.480065: x: y");
  CHECK(known.comm == "rcu_preempt");
  CHECK(known.pid == 7);
  CHECK(known.cpu == 1);
  const EventLine unknown = split("          <idle>-0     (-----) [002] d..3 214168.479898: x: y");
  CHECK(unknown.pid == 0);
  CHECK(unknown.cpu == 2);
}

TEST_CASE("flags, CPU or task may be absent", "[ftrace_text]") {
  const EventLine trace_cmd =
      split("           <...>-1701  [001]    76.211513: sched_switch:          prev_comm=a");
  CHECK_FALSE(trace_cmd.flags.known);
  CHECK(trace_cmd.time == 76'211'513'000);
  const EventLine no_cpu = split("<idle>-0  6.594695: irq_handler_entry: irq=87 name=em2-rx-2");
  CHECK(no_cpu.cpu == -1);
  CHECK(no_cpu.pid == 0);
  CHECK(no_cpu.text == "irq_handler_entry: irq=87 name=em2-rx-2");
  const EventLine no_task = split(" [007] 154.892162: cpu_idle: state=2 cpu_id=7");
  CHECK(no_task.pid == -1);
  CHECK(no_task.cpu == 7);
  const EventLine latency = split("  <idle>-0       3dNh1.  6.594695: x: y");
  CHECK(latency.cpu == 3);
  CHECK(latency.flags.hardirq);
  CHECK(latency.comm == "<idle>");
}

TEST_CASE("the flags column reads by its width", "[ftrace_text]") {
  CHECK(ftrace_flags("....").known);
  const EventFlags nested = ftrace_flags("DNH2.");
  CHECK(nested.irqs_off);
  CHECK(nested.bh_off);
  CHECK(nested.need_resched);
  CHECK(nested.hardirq);
  CHECK(nested.softirq);
  CHECK(nested.preempt_depth == 2);
  const EventFlags softirq = ftrace_flags("b.sa1");
  CHECK_FALSE(softirq.irqs_off);
  CHECK(softirq.bh_off);
  CHECK_FALSE(softirq.hardirq);
  CHECK(softirq.softirq);
  CHECK(softirq.preempt_depth == 10);
  const EventFlags rt = ftrace_flags("dNLh1..");  // with need-resched-lazy, of PREEMPT_RT
  CHECK(rt.hardirq);
  CHECK(rt.preempt_depth == 1);
  CHECK_FALSE(ftrace_flags("123").known);
}

TEST_CASE("what is no event, or says what cannot be, does not split", "[ftrace_text]") {
  EventLine parts;
  for (const std::string_view line : {"",
                                      "# tracer: nop",
                                      "sh-1 [000]",
                                      "sh-1 [000] d..2.",
                                      "sh-1 [000] d..2. x: y",
                                      "sh-1 [4096] d..2. 1.000001: x: y",
                                      "sh-1 [-1] d..2. 1.000001: x: y",
                                      "sh-2147483648 [000] d..2. 1.000001: x: y",
                                      "sh-1 [000] d..2. 1.0000000001: x: y",
                                      "sh-1 [000] d..2. 99999999999.000001: x: y",
                                      "sh-1 [000] d..2. 9999999999.000001: x: y",
                                      "sh-1 [000] d..2. -1.000001: x: y",
                                      "sh-1 [000] d..2. 1.: x: y",
                                      "sh-1 [000] d..2. .1: x: y",
                                      "sh [000] d..2. 1.000001: x: y",
                                      "sh 1 [000] 1.000001: x: y",
                                      "sh-1 [000] d..2. 1.000001 x: y",
                                      "[[[[[[[[[[[[[[[[[[[[[[[",
                                      "::::::::::::::::::",
                                      "1.5:",
                                      " 1.5:"}) {
    INFO(line);
    CHECK_FALSE(split_ftrace_line(line, parts));
  }
}
