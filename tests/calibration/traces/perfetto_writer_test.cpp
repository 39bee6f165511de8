#include "calibration/traces/perfetto_writer.h"

#include <catch2/catch.hpp>
#include <string>
#include <vector>

#include "tests/support/perfetto_bench.h"

using namespace perfetto_bench;

// Whether a file keeps the format's rules is what tests/tools/perfetto_test.py asks, with a decoder of its
// own. Here: what is drawn for which events.
namespace {

using Marks = std::vector<std::string>;
constexpr auto waking = EventKind::sched_waking;
constexpr auto wakeup = EventKind::sched_wakeup;

}  // namespace

TEST_CASE("an arrow leads from the waking of a sleeping task to its running", "[perfetto]") {
  Bench bench;
  bench.at(10).irq(EventKind::irq_handler_entry).wake(waking, 5, 0).wake(wakeup, 5, 0);
  bench.at(20).irq(EventKind::irq_handler_exit);
  bench.at(30).switched(0, 5);
  bench.at(50).switched(5, 0);

  CHECK(bench.on("CPU 0 irq") == Marks{"10 begin irq 33 eth0", "10 waking f >1", "20 end"});
  CHECK(bench.on("f 5") == Marks{"10 begin runnable >1", "30 end", "30 begin running, CPU 0 <1", "50 end"});
}

TEST_CASE("a wakeup done by another CPU is a stop on the arrow's way", "[perfetto]") {
  Bench bench;
  bench.at(10).switched(0, 7);
  bench.at(20).wake(waking, 5, 1, 7);
  bench.at(30, 1).wake(wakeup, 5, 1);
  bench.at(40, 1).switched(0, 5);

  CHECK(bench.on("h 7") == Marks{"10 begin running, CPU 0", "20 waking f >1", "40 end"});
  CHECK(bench.on("CPU 1 irq") == Marks{"30 wakeup f >1"});
  CHECK(bench.on("f 5") == Marks{"20 begin runnable >1", "40 end", "40 begin running, CPU 1 <1", "40 end"});
}

TEST_CASE("a task woken before it slept has no arrow", "[perfetto]") {
  Bench bench;
  bench.at(10).switched(0, 5);
  bench.at(20, 1).wake(waking, 5, 0).wake(wakeup, 5, 0);

  CHECK(bench.on("CPU 1 irq") == Marks{"20 waking f"});
  CHECK(bench.on("f 5") == Marks{"10 begin running, CPU 0", "20 end"});
}

TEST_CASE("a preempted task is that until it runs again", "[perfetto]") {
  Bench bench;
  bench.at(10).switched(0, 5);
  bench.at(20).switched(5, 6, TaskState::running);
  bench.at(30).switched(6, 5);

  CHECK(bench.on("f 5") == Marks{"10 begin running, CPU 0", "20 end", "20 begin preempted", "30 end",
                                 "30 begin running, CPU 0", "30 end"});
}

TEST_CASE("a task that takes another name has it from the scheduler's events on", "[perfetto]") {
  Bench bench;
  bench.at(10).switched(0, 5).gate(EventKind::sys_enter, 5, Syscall::epoll_wait, "epoll_wait");
  Event renamed = bench.at(20).event(EventKind::sched_switch, 5);
  renamed.sched_switch = {
      bench.names.intern("agent-0"), 5, 120, TaskState::interruptible, false, bench.comm(0), 0, 120};
  bench.write(renamed);
  bench.at(30).gate(EventKind::sys_exit, 5, Syscall::epoll_wait, "epoll_wait");  // in a stale TASK column: f

  int rows = 0;
  for (const auto& [uuid, name] : bench.drawn().tracks) {
    rows += name == "agent-0 5" ? 1 : 0;
  }
  CHECK(rows == 2);
}

TEST_CASE("the run queue counts who is runnable or runs", "[perfetto]") {
  Bench bench;
  bench.at(10).wake(waking, 5, 0).wake(wakeup, 5, 0);
  bench.at(20).switched(0, 5);
  bench.at(30).wake(waking, 6, 0, 5).wake(wakeup, 6, 0, 5);
  Event migrate = bench.at(40).event(EventKind::sched_migrate_task, 5);
  migrate.migrate = {bench.comm(6), 6, 120, 0, 1};
  bench.write(migrate);
  bench.at(50).switched(5, 0);

  CHECK(bench.on("CPU 0 run queue") == Marks{"10 =1", "30 =2", "40 =1", "50 =0"});
  CHECK(bench.on("CPU 1 run queue") == Marks{"40 =1"});
}

TEST_CASE("each raise of a softirq has an arrow to its next run on that CPU", "[perfetto]") {
  Bench bench;
  bench.at(1).softirq(EventKind::softirq_raise, 3).softirq(EventKind::softirq_raise, 4);
  bench.at(2).softirq(EventKind::softirq_raise, 3);
  bench.at(2, 1).softirq(EventKind::softirq_entry, 3);
  bench.at(3).softirq(EventKind::softirq_entry, 3);
  bench.at(4).softirq(EventKind::softirq_exit, 3);
  bench.at(5).softirq(EventKind::softirq_entry, 3);

  CHECK(bench.on("CPU 0 softirq") == Marks{"3 begin NET_RX <1 <3", "4 end", "5 begin NET_RX", "5 end"});
  CHECK(bench.on("CPU 1 softirq") == Marks{"2 begin NET_RX", "5 end"});
}

TEST_CASE("a hardirq that interrupts a softirq is within it, on its own row", "[perfetto]") {
  Bench bench;
  bench.at(1).softirq(EventKind::softirq_entry, 3);
  bench.at(2).irq(EventKind::irq_handler_entry).wake(waking, 5, 0);
  bench.at(3).irq(EventKind::irq_handler_exit).wake(waking, 6, 0);
  bench.at(4).softirq(EventKind::softirq_exit, 3);

  CHECK(bench.on("CPU 0 irq") == Marks{"2 begin irq 33 eth0", "2 waking f >1", "3 end"});
  CHECK(bench.on("CPU 0 softirq") == Marks{"1 begin NET_RX", "3 waking g >2", "4 end"});
}

TEST_CASE("one arrow leads from who reads through the disk to the task that its completion wakes",
          "[perfetto]") {
  Bench bench;
  bench.at(10).switched(0, 5);
  bench.at(11).block(EventKind::block_rq_issue, 800, 5);
  bench.at(12).switched(5, 0);
  bench.at(20)
      .softirq(EventKind::softirq_entry, 4)
      .block(EventKind::block_rq_complete, 800)
      .wake(waking, 5, 0);
  bench.at(21).softirq(EventKind::softirq_exit, 4).wake(wakeup, 5, 0);
  bench.at(30).switched(0, 5);

  CHECK(bench.on("requests") == Marks{"11 begin R >1", "20 end"});
  CHECK(bench.on("in flight") == Marks{"11 =1", "20 =0"});
  CHECK(bench.on("CPU 0 softirq") == Marks{"20 begin BLOCK", "20 complete R >1", "20 waking f >1", "21 end"});
  CHECK(bench.on("f 5") == Marks{"10 begin running, CPU 0", "11 issue R >1", "12 end", "20 begin runnable >1",
                                 "30 end", "30 begin running, CPU 0 <1", "30 end"});
}

TEST_CASE("a completion is not blamed for a wakeup that comes after something else on its CPU",
          "[perfetto]") {
  Bench bench;
  bench.at(11).block(EventKind::block_rq_issue, 800);
  bench.at(20)
      .block(EventKind::block_rq_complete, 800)
      .softirq(EventKind::softirq_raise, 1)
      .wake(waking, 5, 0);

  CHECK(bench.on("CPU 0 irq") ==
        Marks{"11 issue R >1", "20 complete R >1", "20 raise TIMER >2", "20 waking f >3"});
}

TEST_CASE("a timer leads to the task that it wakes", "[perfetto]") {
  Bench bench;
  bench.at(10).timer().wake(waking, 5, 0).wake(wakeup, 5, 0);
  bench.at(20).timer();

  CHECK(bench.on("CPU 0 irq") ==
        Marks{"10 expire hrtimer_wakeup >1", "10 waking f >1", "20 expire hrtimer_wakeup >2"});
}

TEST_CASE("requests that overlap have lanes, and a free lane is used again", "[perfetto]") {
  Bench bench;
  bench.at(10).block(EventKind::block_rq_insert, 1).block(EventKind::block_rq_issue, 1);
  bench.at(11).block(EventKind::block_rq_issue, 2);
  bench.at(12).block(EventKind::block_rq_complete, 1);
  bench.at(13).block(EventKind::block_rq_issue, 3);
  bench.at(14).block(EventKind::block_rq_complete, 7);  // issued before the trace

  int lanes = 0;
  for (const auto& [uuid, name] : bench.drawn().tracks) {
    lanes += name == "requests" ? 1 : 0;
  }
  CHECK(lanes == 2);
  CHECK(bench.on("in flight") == Marks{"10 =1", "11 =2", "12 =1", "13 =2"});
  CHECK(bench.on("requests") == Marks{"10 begin R", "10 begin on the device >1", "11 begin R >2", "12 end",
                                      "12 end", "13 begin R >3", "14 end", "14 end"});
}

TEST_CASE("an agent's steps lie between its sleeps, and its gates within them", "[perfetto]") {
  Bench bench;
  bench.at(1).gate(EventKind::sys_enter, 6, Syscall::nanosleep, "nanosleep");  // only sleeps: no agent
  bench.at(2).gate(EventKind::sys_enter, 5, Syscall::epoll_wait, "epoll_wait");
  bench.at(5).gate(EventKind::sys_exit, 5, Syscall::epoll_wait, "epoll_wait").switched(0, 5);
  bench.at(10).gate(EventKind::sys_enter, 5, Syscall::nanosleep, "clock_nanosleep").switched(5, 0);
  bench.at(20).wake(waking, 5, 0).switched(0, 5);
  bench.at(21).gate(EventKind::sys_exit, 5, Syscall::nanosleep, "clock_nanosleep");
  bench.at(30).gate(EventKind::sys_enter, 5, Syscall::epoll_wait, "epoll_wait").switched(5, 0);
  bench.at(40).wake(waking, 5, 0).switched(0, 5);
  bench.at(41).gate(EventKind::sys_exit, 5, Syscall::epoll_wait, "epoll_wait");
  bench.at(50).gate(EventKind::sys_enter, 5, Syscall::nanosleep, "clock_nanosleep");

  CHECK(bench.begun("run") == Marks{"2 f 5: begin epoll_wait", "10 f 5: begin sleep", "20 f 5: begin step",
                                    "30 f 5: begin epoll_wait", "50 f 5: begin sleep"});
}

TEST_CASE("without nanosleeps in the trace, an agent's sleeps are those outside its gates", "[perfetto]") {
  Bench bench{{.kernel_release = "6.18.0", .agents = {5}}};
  bench.at(1).gate(EventKind::sys_enter, 6, Syscall::epoll_wait, "epoll_wait");  // no agent
  bench.at(5).switched(0, 5);
  bench.at(6).gate(EventKind::sys_enter, 5, Syscall::epoll_wait, "epoll_wait").switched(5, 0);
  bench.at(8).switched(0, 5).gate(EventKind::sys_exit, 5, Syscall::epoll_wait, "epoll_wait");
  bench.at(9).switched(5, 0, TaskState::uninterruptible).switched(0, 5);
  bench.at(10).switched(5, 0);
  bench.at(20).wake(waking, 5, 0);
  bench.at(30).switched(0, 5);

  CHECK(bench.begun("run") == Marks{"6 f 5: begin epoll_wait", "10 f 5: begin sleep", "20 f 5: begin step"});
}

TEST_CASE("where switches are missing the trace says so, and no slice runs on across", "[perfetto]") {
  Bench bench;
  bench.at(10).switched(0, 5);
  bench.at(30).switched(6, 0);

  CHECK(bench.on("CPU 0 irq") == Marks{"30 switches are missing"});
  CHECK(bench.on("f 5") == Marks{"10 begin running, CPU 0", "30 end"});
  CHECK(bench.writer.broken_switches() == 1);
}

TEST_CASE("lost events end what was open on their CPU, and mark its next scheduler events", "[perfetto]") {
  Bench bench;
  bench.at(10).switched(0, 5).irq(EventKind::irq_handler_entry);
  bench.at(20).lost(7);
  bench.at(30).irq(EventKind::irq_handler_exit).switched(5, 0);

  CHECK(bench.on("CPU 0 irq") == Marks{"10 begin irq 33 eth0", "20 end", "20 events were lost"});
  CHECK(bench.drawn().bundles == 2);
  CHECK(bench.drawn().lost_bundles == 1);
}

TEST_CASE("an event from the past is drawn at the time of the one before", "[perfetto]") {
  Bench bench;
  bench.at(10).softirq(EventKind::softirq_entry, 3);
  bench.at(7).softirq(EventKind::softirq_exit, 3);

  CHECK(bench.on("CPU 0 softirq") == Marks{"10 begin NET_RX", "10 end"});
}

TEST_CASE("an event on no CPU, or one that no kernel has, is left out and counted", "[perfetto]") {
  Bench bench;
  bench.at(10, -1).softirq(EventKind::softirq_entry, 3);
  bench.at(10, PerfettoCpus::max_cpus).softirq(EventKind::softirq_entry, 3);

  CHECK(bench.drawn().marks.empty());
  CHECK(bench.writer.left_out() == 2);
}

TEST_CASE("an analysis adds arrows and counters afterwards, also between events written long ago",
          "[perfetto]") {
  Bench bench;
  bench.at(10).switched(0, 5);
  const Event send = bench.at(12).event(EventKind::softirq_raise, 5);
  Event wake = bench.at(20, 1).event(waking, 0);
  wake.flags = {.known = true, .softirq = true};
  bench.at(90).switched(5, 0);
  bench.writer.link(flow_end(send), flow_end(wake), "sent by");
  bench.writer.counter("eth0 ring", "descriptors", 15, 3);

  CHECK(bench.on("f 5") == Marks{"10 begin running, CPU 0", "90 end", "12 sent by >1"});
  CHECK(bench.on("CPU 1 softirq") == Marks{"20 sent by <1"});
  CHECK(bench.on("eth0 ring") == Marks{"15 =3"});
}
