#include "calibration/traces/ftrace_writer.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "calibration/traces/event_reader.h"
#include "tests/scenarios/scratch.h"

using namespace calibration;

namespace {

constexpr std::string_view legend =
    "#                                _-----=> irqs-off/BH-disabled\n"
    "#                               / _----=> need-resched\n"
    "#                              | / _---=> hardirq/softirq\n"
    "#                              || / _--=> preempt-depth\n"
    "#                              ||| / _-=> migrate-disable\n"
    "#                              |||| /     delay\n"
    "#           TASK-PID     CPU#  |||||  TIMESTAMP  FUNCTION\n"
    "#              | |         |   |||||     |         |\n";

struct Bench {
  Bench& write(const Event& event) {
    writer().write(event);
    return *this;
  }
  std::string text() {
    writer().finish();
    file->commit();
    return Scratch::read(scratch.path("t.trace"));
  }
  FtraceTextWriter& writer() {
    if (!file) {
      file.emplace(scratch.path("t.trace"));
      text_writer.emplace(*file, names, options);
    }
    return *text_writer;
  }

  Scratch scratch;
  Names names;
  FtraceOptions options;
  std::optional<scenarios::OutputFile> file;
  std::optional<FtraceTextWriter> text_writer;
};

// What the lines are after having been read and written again.
std::string rewritten(const std::string& lines, const FtraceOptions& options = {}) {
  const Scratch scratch;
  const std::string path =
      scratch.write("in.trace", "# tracer: nop\n#\n# entries-in-buffer/entries-written: 9/9   #P:2\n#\n" +
                                    std::string{legend} + lines);
  EventReader reader{path};
  scenarios::OutputFile file{scratch.path("out.trace")};
  FtraceTextWriter writer{file, reader.names(), options};
  for (Event event; reader.next(event);) {
    writer.write(event);
  }
  writer.finish();
  file.commit();
  const std::string text = Scratch::read(scratch.path("out.trace"));
  const std::size_t end = text.find(legend);
  return end == std::string::npos ? text : text.substr(end + legend.size());
}

Event tick(std::int64_t time) {
  Event event;
  event.time = time;
  event.cpu = 0;
  event.pid = 0;
  event.flags.known = true;
  event.kind = EventKind::softirq_raise;
  event.softirq = {1};
  return event;
}

}  // namespace

TEST_CASE("a line of each tracepoint is the same after it was read and written again", "[ftrace]") {
  const std::string lines =
      "          <idle>-0       [000] d.h1.  7080.863945: hrtimer_expire_entry: hrtimer=00000000b6229f49 "
      "function=hrtimer_wakeup now=7080863944591\n"
      "          <idle>-0       [000] d.h3.  7080.863947: sched_waking: comm=tx pid=10713 prio=120 "
      "target_cpu=000\n"
      "          <idle>-0       [000] d.h3.  7080.863948: sched_migrate_task: comm=tx pid=10713 prio=120 "
      "orig_cpu=0 "
      "dest_cpu=1\n"
      "          <idle>-0       [000] dNh4.  7080.863949: sched_wakeup: comm=tx pid=10713 prio=120 "
      "target_cpu=001\n"
      "          <idle>-0       [000] dN.1.  7080.863959: cpu_idle: state=4294967295 cpu_id=0\n"
      "          <idle>-0       [000] d..2.  7080.863970: sched_switch: prev_comm=swapper/0 prev_pid=0 "
      "prev_prio=120 "
      "prev_state=R ==> next_comm=tx next_pid=10713 next_prio=49\n"
      "              tx-10713   [000] D..1.  7080.863976: softirq_raise: vec=3 [action=NET_RX]\n"
      "              tx-10713   [000] ..s1.  7080.863977: softirq_entry: vec=3 [action=NET_RX]\n"
      "              tx-10713   [000] ..s1.  7080.863978: netif_receive_skb: dev=eth1 "
      "skbaddr=00000000b493d3bd "
      "len=16436\n"
      "              tx-10713   [000] ..s1.  7080.863979: napi_poll: napi poll on napi struct "
      "00000000c2186676 for "
      "device (no_device) work 1 budget 64\n"
      "              tx-10713   [000] ..s1.  7080.863980: softirq_exit: vec=3 [action=NET_RX]\n"
      "              tx-10713   [000] .....  7080.863981: net_dev_xmit: dev=eth1 skbaddr=00000000b493d3be "
      "len=66 rc=0\n"
      "              tx-10713   [000] .....  7080.863982: block_rq_insert: 254,0 WS 131072 () 38641920 + 256 "
      "be,0,4 "
      "[tx]\n"
      "              tx-10713   [000] .....  7080.863983: block_rq_issue: 254,0 WS 131072 () 38641920 + 256 "
      "be,0,4 "
      "[tx]\n"
      "              tx-10713   [000] d.H2.  7080.863984: irq_handler_entry: irq=36 name=virtio1-req.0\n"
      "              tx-10713   [000] d.h..  7080.863985: irq_handler_exit: irq=36 ret=handled\n"
      "              tx-10713   [000] d.h..  7080.863986: irq_handler_exit: irq=37 ret=unhandled\n"
      "              tx-10713   [000] .Ns..  7080.863987: block_rq_complete: 254,0 WS () 38641920 + 256 "
      "be,0,4 [0]\n"
      "              tx-10713   [000] ...1.  7080.863988: io_uring_complete: ring 0000000033b90481, req "
      "00000000262a3987, user_data 0x1f, result -11, cflags 0x0 extra1 0 extra2 0 \n"
      "              tx-10713   [000] .....  7080.863989: sys_epoll_wait(epfd: 0xc, events: 0x7f6a86f3c360, "
      "maxevents: "
      "1, timeout: 0xffffffff)\n"
      "              tx-10713   [000] .....  7080.863990: sys_epoll_wait -> 0x1\n"
      "              tx-10713   [000] .....  7080.863991: sys_io_uring_enter(fd: 0xf, to_submit: 2, "
      "min_complete: 2, "
      "flags: 1, argp: 0, argsz: 8)\n"
      "              tx-10713   [000] .....  7080.863992: sys_io_uring_enter -> 0xfffffffffffffffc\n"
      "              tx-10713   [000] .....  7080.863993: sys_clock_nanosleep(which_clock: 1, flags: 1, "
      "rqtp: "
      "0x7f0002000360, rmtp: 0)\n"
      "              tx-10713   [000] d..3.  7080.863994: sched_wakeup_new: comm=sh pid=7 prio=120 "
      "target_cpu=012\n"
      "              tx-10713   [000] d..2.  7080.863995: sched_switch: prev_comm=tx prev_pid=10713 "
      "prev_prio=49 "
      "prev_state=R+ ==> next_comm=sh next_pid=7 next_prio=120\n"
      "              sh-7       [000] b..9.  7080.863996: sched_switch: prev_comm=sh prev_pid=7 "
      "prev_prio=120 "
      "prev_state=D ==> next_comm=kworker/0:1-eve next_pid=8 next_prio=120\n"
      " kworker/0:1-eve-8       [000] d..a.  7080.863997: ipi_send_cpu: cpu=1 callsite=0x0 callback=0x0\n"
      " kworker/0:1-eve-8       [000] d..2. 12345.999999: sched_switch: prev_comm=kworker/0:1-eve prev_pid=8 "
      "prev_prio=120 prev_state=I ==> next_comm=swapper/0 next_pid=0 next_prio=120\n"
      "CPU:0 [LOST 17 EVENTS]\n"
      "          <idle>-0       [000] d..1. 12346.000001: cpu_idle: state=1 cpu_id=0\n";

  CHECK(rewritten(lines) == lines);
}

TEST_CASE("nanosecond stamps are the same after they were read and written again", "[ftrace]") {
  const std::string lines =
      "          <idle>-0       [001] d..1.     7.000000999: cpu_idle: state=1 cpu_id=1\n"
      "          <idle>-0       [001] d..1. 12345.123456789: cpu_idle: state=4294967295 cpu_id=1\n";

  CHECK(rewritten(lines, {.nanoseconds = true}) == lines);
}

TEST_CASE("system calls have bare arguments as up to 6.12 when told so", "[ftrace]") {
  const std::string lines =
      "         agent-0-373     [001] ...1.   115.416982: sys_epoll_wait(epfd: c, events: 7fadbe62d360, "
      "maxevents: 1, "
      "timeout: ffffffff)\n";

  CHECK(rewritten(lines, {.print = {.hex_prefix = false}}) == lines);
}

TEST_CASE("what an event does not keep is written as far as it is known", "[ftrace]") {
  const std::string text = rewritten(
      "              sh-7       [000] d..2.     1.000001: sched_switch: prev_comm=sh prev_pid=7 "
      "prev_prio=120 "
      "prev_state=Z ==> next_comm=swapper/0 next_pid=0 next_prio=120\n"
      "          <idle>-0       [000] d..2.     1.000002: ipi_send_cpu: cpu=1 "
      "callsite=wakeup_preempt+0x36/0x60 "
      "callback=0x0\n"
      "          <idle>-0       [000] d.h..     1.000003: nvme_sq: nvme0: disk=nvme0n1, qid=1, head=615, "
      "tail=615\n");

  CHECK_THAT(text, Catch::Contains(" prev_state=X ==> "));
  CHECK_THAT(text, Catch::Contains(": ipi_send_cpu: cpu=1 callsite=wakeup_preempt callback=0x0\n"));
  CHECK_THAT(text, Catch::EndsWith(" 1.000003: nvme_sq: \n"));
}

TEST_CASE("totals that are known are in the header as the kernel prints them", "[ftrace]") {
  Bench bench;
  bench.options.totals = FtraceTotals{.events = 1, .lost = 41, .cpus = 4};

  CHECK_THAT(bench.write(tick(0)).text(),
             Catch::StartsWith("# tracer: nop\n#\n# entries-in-buffer/entries-written: 1/42   #P:4\n#\n" +
                               std::string{legend} + "          <idle>-0 "));
}

TEST_CASE("totals found out on the way are put into the header at the end", "[ftrace]") {
  Bench bench;
  Event lost = tick(5);
  lost.kind = EventKind::lost;
  lost.lost = {3};
  Event elsewhere = tick(6);
  elsewhere.cpu = 11;

  const std::string text = bench.write(tick(1)).write(lost).write(elsewhere).text();

  CHECK_THAT(text,
             Catch::StartsWith("# tracer: nop\n#\n# entries-in-buffer/entries-written: 2/5   #P:12   "));
  CHECK_THAT(text, Catch::Contains("   \n#\n" + std::string{legend}));
}

TEST_CASE("a trace without events has a header", "[ftrace]") {
  Bench bench;

  CHECK_THAT(bench.text(),
             Catch::StartsWith("# tracer: nop\n#\n# entries-in-buffer/entries-written: 0/0   #P:0") &&
                 Catch::EndsWith(std::string{legend}));
}

TEST_CASE("without flags there is no column of them", "[ftrace]") {
  Bench bench;
  Event event = tick(1'000);
  event.flags = {};

  CHECK_THAT(bench.write(event).text(),
             Catch::Contains("#           TASK-PID     CPU#     TIMESTAMP  FUNCTION\n") &&
                 Catch::EndsWith(
                     "          <idle>-0       [000]     0.000001: softirq_raise: vec=1 [action=TIMER]\n"));
}

TEST_CASE("a task without a name or pid is printed as the kernel prints one it has forgotten", "[ftrace]") {
  Bench bench;
  Event event = tick(0);
  event.pid = 42;
  Event nobody = tick(0);
  nobody.pid = -1;
  nobody.cpu = -1;

  const std::string text = bench.write(event).write(nobody).text();

  CHECK_THAT(text, Catch::Contains("\n           <...>-42      [000] .....     0.000000: "));
  CHECK_THAT(text, Catch::Contains("\n           <...>-0       [000] .....     0.000000: "));
}

TEST_CASE("timestamps round to microseconds as the kernel's do", "[ftrace]") {
  Bench bench;

  const std::string text = bench.write(tick(1'499)).write(tick(1'500)).write(tick(12'345'999'999'600)).text();

  CHECK_THAT(text, Catch::Contains(" .....     0.000001: "));
  CHECK_THAT(text, Catch::Contains(" .....     0.000002: "));
  CHECK_THAT(text, Catch::Contains(" ..... 12346.000000: "));
}

TEST_CASE("a long trace is written block by block, and every line arrives", "[ftrace]") {
  Bench bench;
  for (int i = 0; i < 20'000; ++i) {
    bench.write(tick(i * 1'000));
  }

  const std::string text = bench.text();

  CHECK(std::count(text.begin(), text.end(), '\n') == 20'000 + 12);
  CHECK_THAT(text, Catch::EndsWith("     0.019999: softirq_raise: vec=1 [action=TIMER]\n"));
}
