#include "calibration/traces/event_fields.h"

#include <catch2/catch.hpp>
#include <limits>
#include <string>

using namespace calibration;

namespace {

struct Bench {
  bool read(std::string_view text) { return fields.read(text, event); }
  std::string name(Name id) const { return std::string{names.text(id)}; }

  Names names;
  EventFields fields{names};
  Event event;
};

}  // namespace

TEST_CASE("a switch gives both tasks and how the first one left", "[event_fields]") {
  Bench bench;

  REQUIRE(
      bench.read("sched_switch: prev_comm=agent-0 prev_pid=9967 prev_prio=110 prev_state=R+ ==> "
                 "next_comm=swapper/1 next_pid=0 next_prio=120"));

  CHECK(bench.event.kind == EventKind::sched_switch);
  const SchedSwitch& fields = bench.event.sched_switch;
  CHECK(bench.name(fields.prev_comm) == "agent-0");
  CHECK(fields.prev_pid == 9967);
  CHECK(fields.prev_prio == 110);
  CHECK(fields.prev_state == TaskState::running);
  CHECK(fields.preempted);
  CHECK(bench.name(fields.next_comm) == "swapper/1");
  CHECK(fields.next_pid == 0);
  CHECK(fields.next_prio == 120);
}

TEST_CASE("a task's state is its letter, and every letter but R S D I is another", "[event_fields]") {
  Bench bench;
  const auto state_of = [&](std::string_view letters) {
    REQUIRE(bench.read("sched_switch: prev_comm=a prev_pid=1 prev_prio=120 prev_state=" +
                       std::string{letters} + " ==> next_comm=b next_pid=2 next_prio=120"));
    CHECK_FALSE(bench.event.sched_switch.preempted);
    return bench.event.sched_switch.prev_state;
  };

  CHECK(state_of("R") == TaskState::running);
  CHECK(state_of("S") == TaskState::interruptible);
  CHECK(state_of("D|K") == TaskState::uninterruptible);
  CHECK(state_of("I") == TaskState::idle);
  CHECK(state_of("Z") == TaskState::other);
}

TEST_CASE("a switch with its state as a number and no arrow is read, as trace-cmd prints old kernels'",
          "[event_fields]") {
  Bench bench;

  REQUIRE(
      bench.read("sched_switch:          prev_comm=sh prev_pid=1642 prev_prio=120 prev_state=4096 "
                 "next_comm=kworker/u12:1 next_pid=46 next_prio=120"));

  CHECK(bench.event.sched_switch.prev_state == TaskState::running);
  CHECK(bench.event.sched_switch.preempted);
  CHECK(bench.name(bench.event.sched_switch.next_comm) == "kworker/u12:1");
}

TEST_CASE("bits of a task's state read as the kernel's letters", "[event_fields]") {
  bool preempted = false;
  CHECK(task_state(0, preempted) == TaskState::running);
  CHECK_FALSE(preempted);
  CHECK(task_state(0x100, preempted) == TaskState::running);
  CHECK(preempted);
  CHECK(task_state(1, preempted) == TaskState::interruptible);
  CHECK_FALSE(preempted);
  CHECK(task_state(0x82, preempted) == TaskState::uninterruptible);  // with TASK_WAKEKILL, before 4.14
  CHECK(task_state(0x80, preempted) == TaskState::idle);
  CHECK(task_state(0x402, preempted) == TaskState::idle);  // with TASK_NOLOAD
  CHECK(task_state(0x20, preempted) == TaskState::other);
}

TEST_CASE("trace-cmd's short switch and wakeup are read, also with colons and brackets in names",
          "[event_fields]") {
  Bench bench;

  REQUIRE(bench.read("sched_switch:         kworker/2:1:4734 [120] R ==> a [1] b:18 [0]"));
  CHECK(bench.name(bench.event.sched_switch.prev_comm) == "kworker/2:1");
  CHECK(bench.event.sched_switch.prev_pid == 4734);
  CHECK(bench.name(bench.event.sched_switch.next_comm) == "a [1] b");
  CHECK(bench.event.sched_switch.next_pid == 18);
  CHECK(bench.event.sched_switch.next_prio == 0);

  REQUIRE(bench.read("sched_wakeup:         sh:1642 [120] success=1 CPU:002"));
  CHECK(bench.name(bench.event.wakeup.comm) == "sh");
  CHECK(bench.event.wakeup.pid == 1642);
  CHECK(bench.event.wakeup.target_cpu == 2);
  REQUIRE(bench.read("sched_wakeup:         sh:1642 [120]<CANT FIND FIELD success> CPU:001"));
  CHECK(bench.event.wakeup.target_cpu == 1);
}

TEST_CASE("a switch without names, as people shorten it in mails, has none", "[event_fields]") {
  Bench bench;

  REQUIRE(bench.read("sched_switch: prev_pid=0 prev_prio=120 prev_state=R ==> next_pid=2275 next_prio=49"));

  CHECK(bench.event.sched_switch.prev_comm == Name::none);
  CHECK(bench.event.sched_switch.next_pid == 2275);
}

TEST_CASE("a task's name may hold spaces, equal signs and even the text of the next key", "[event_fields]") {
  Bench bench;

  REQUIRE(
      bench.read("sched_switch: prev_comm=x prev_pid=1 y prev_pid=7 prev_prio=120 prev_state=S ==> "
                 "next_comm=Web Content next_pid=2 next_prio=120"));
  CHECK(bench.name(bench.event.sched_switch.prev_comm) == "x prev_pid=1 y");
  CHECK(bench.event.sched_switch.prev_pid == 7);
  CHECK(bench.name(bench.event.sched_switch.next_comm) == "Web Content");

  REQUIRE(bench.read("sched_wakeup: comm= pid=3 pid=4 prio=120 target_cpu=000"));
  CHECK(bench.name(bench.event.wakeup.comm) == " pid=3");
  CHECK(bench.event.wakeup.pid == 4);
}

TEST_CASE("wakings, wakeups and migrations give task, priority and CPUs, with or without success",
          "[event_fields]") {
  Bench bench;

  REQUIRE(bench.read("sched_waking: comm=sugov:4 pid=491 prio=-1 target_cpu=007"));
  CHECK(bench.event.kind == EventKind::sched_waking);
  CHECK(bench.event.wakeup.prio == -1);
  CHECK(bench.event.wakeup.target_cpu == 7);
  REQUIRE(bench.read("sched_wakeup_new: comm=x pid=1 prio=2 success=1 target_cpu=010"));
  CHECK(bench.event.kind == EventKind::sched_wakeup_new);
  CHECK(bench.event.wakeup.target_cpu == 10);
  REQUIRE(bench.read("sched:sched_migrate_task: comm=x pid=1 prio=2 orig_cpu=3 dest_cpu=4"));
  CHECK(bench.event.kind == EventKind::sched_migrate_task);
  CHECK(bench.event.migrate.orig_cpu == 3);
  CHECK(bench.event.migrate.dest_cpu == 4);
}

TEST_CASE("interrupts and softirqs give number, handler and whether it was handled", "[event_fields]") {
  Bench bench;

  REQUIRE(bench.read("irq_handler_entry: irq=36 name=virtio1-req.0"));
  CHECK(bench.event.irq.irq == 36);
  CHECK(bench.name(bench.event.irq.name) == "virtio1-req.0");
  REQUIRE(bench.read("irq_handler_exit: irq=36 ret=handled"));
  CHECK(bench.event.irq.handled);
  CHECK(bench.event.irq.name == Name::none);
  REQUIRE(bench.read("irq_handler_exit: irq=36 ret=unhandled"));
  CHECK_FALSE(bench.event.irq.handled);
  REQUIRE(bench.read("softirq_raise: vec=3 [action=NET_RX]"));
  CHECK(bench.event.kind == EventKind::softirq_raise);
  CHECK(bench.event.softirq.vec == 3);
}

TEST_CASE("polls and packets give object, device and size", "[event_fields]") {
  Bench bench;

  REQUIRE(
      bench.read("napi_poll: napi poll on napi struct 00000000deadbeef for device eth0 work 2 budget 64"));
  CHECK(bench.event.napi_poll.napi == 0xdeadbeef);
  CHECK(bench.name(bench.event.napi_poll.dev) == "eth0");
  CHECK(bench.event.napi_poll.work == 2);
  CHECK(bench.event.napi_poll.budget == 64);
  REQUIRE(bench.read("napi_poll: napi poll on napi struct ffff003ffffab350 for device (no_device)"));
  CHECK(bench.event.napi_poll.work == -1);
  REQUIRE(bench.read("netif_receive_skb: dev=eth1 skbaddr=0x3c9b14c5 len=2100"));
  CHECK(bench.event.skb.skbaddr == 0x3c9b14c5);
  CHECK(bench.event.skb.len == 2100);
  REQUIRE(bench.read("net_dev_xmit: dev=eth1 skbaddr=000000003c9b14c5 len=66 rc=0"));
  CHECK(bench.event.kind == EventKind::net_dev_xmit);
}

TEST_CASE("block requests give device, sector and who issued them, before and since priorities are shown",
          "[event_fields]") {
  Bench bench;

  REQUIRE(bench.read("block_rq_issue: 259,5 WS 4096 () 498455480 + 8 be,0,4 [raft [1] b]"));
  CHECK(bench.event.block.dev == (259u << 20 | 5));
  CHECK(bench.name(bench.event.block.rwbs) == "WS");
  CHECK(bench.event.block.bytes == 4096);
  CHECK(bench.event.block.sector == 498455480);
  CHECK(bench.event.block.sectors == 8);
  CHECK(bench.name(bench.event.block.comm) == "raft [1] b");
  REQUIRE(bench.read("block_rq_insert: 202,1 W 0 () 17039656 + 8 [supervise]"));
  CHECK(bench.event.kind == EventKind::block_rq_insert);
  REQUIRE(bench.read("block_rq_complete: 254,0 RS () 37576856 + 8 be,0,4 [-5]"));
  CHECK(bench.event.block.error == -5);
  CHECK(bench.event.block.comm == Name::none);
  REQUIRE(bench.read("block_rq_issue: 8,0 N 36 (12 00 00 00 24 00 ..) 0 + 0 none,0,0 [udevd]"));
  CHECK(bench.event.block.bytes == 36);
}

TEST_CASE("io_uring completions give ring, request and result, also without the request as in 5.x",
          "[event_fields]") {
  Bench bench;

  REQUIRE(
      bench.read("io_uring_complete: ring 000000004e0aa521, req 00000000da7c1024, user_data 0x1f, result "
                 "-11, cflags 0x0 extra1 0 extra2 0 "));
  CHECK(bench.event.io_uring.ring == 0x4e0aa521);
  CHECK(bench.event.io_uring.req == 0xda7c1024);
  CHECK(bench.event.io_uring.user_data == 0x1f);
  CHECK(bench.event.io_uring.result == -11);
  REQUIRE(bench.read("io_uring_complete: ring 0x4e0aa521, user_data 0x0, result 4096, cflags 0"));
  CHECK(bench.event.io_uring.req == 0);
  CHECK(bench.event.io_uring.result == 4096);
}

TEST_CASE("timers, idle states and IPIs are read, functions without their offsets", "[event_fields]") {
  Bench bench;

  REQUIRE(bench.read(
      "hrtimer_expire_entry: hrtimer=00000000ca8903c0 function=tick_nohz_handler now=24948206320"));
  CHECK(bench.event.hrtimer.hrtimer == 0xca8903c0);
  CHECK(bench.event.hrtimer.now == 24948206320);
  CHECK(bench.name(bench.event.hrtimer.function) == "tick_nohz_handler");
  REQUIRE(bench.read("hrtimer_expire_entry: hrtimer=0xffff1 function=hrtimer_wakeup/0x0 now=1"));
  CHECK(bench.name(bench.event.hrtimer.function) == "hrtimer_wakeup");
  REQUIRE(bench.read("cpu_idle: state=4294967295 cpu_id=1"));
  CHECK(bench.event.idle.state == -1);
  CHECK(bench.event.idle.cpu_id == 1);
  REQUIRE(bench.read("ipi_send_cpu: cpu=1 callsite=ttwu_queue_wakelist+0xe9/0xf0 callback=0x0"));
  CHECK(bench.event.ipi.cpu == 1);
  CHECK(bench.name(bench.event.ipi.callsite) == "ttwu_queue_wakelist");
  CHECK(bench.event.ipi.callback == Name::none);
}

TEST_CASE("the proposal's agent_wakeup is read", "[event_fields]") {
  Bench bench;

  REQUIRE(bench.read("agent_wakeup: pid=12 agent_id=3 step_id=40 class=1 source=block cookie=37576856"));

  CHECK(bench.event.kind == EventKind::agent_wakeup);
  CHECK(bench.event.agent_wakeup.pid == 12);
  CHECK(bench.event.agent_wakeup.agent_id == 3);
  CHECK(bench.event.agent_wakeup.step_id == 40);
  CHECK(bench.event.agent_wakeup.latency_class == 1);
  CHECK(bench.name(bench.event.agent_wakeup.source) == "block");
  CHECK(bench.event.agent_wakeup.cookie == 37576856);
}

TEST_CASE("a system call reads the same in all its four forms", "[event_fields]") {
  Bench bench;
  for (const std::string_view text :
       {"sys_epoll_wait(epfd: d, events: 0x7ff1, maxevents: 2, timeout: 0xffffffff)",
        "sys_epoll_wait(epfd: 0xd, events: 7ff1, maxevents: 2, timeout: ffffffff)",
        "sys_enter_epoll_wait:  epfd: 0x0000000d, events: 0x00007ff1, maxevents: 0x00000002, timeout: "
        "0xffffffff",
        "syscalls:sys_enter_epoll_wait: epfd: 0x0d, events: 0x7ff1, maxevents: 0x02, timeout: 0xffffffff",
        "sys_enter: NR 232 (d, 7ff1, 2, ffffffff, 0, 0)"}) {
    INFO(text);
    REQUIRE(bench.read(text));
    CHECK(bench.event.kind == EventKind::sys_enter);
    CHECK(bench.event.sys_enter.call == Syscall::epoll_wait);
    CHECK(bench.name(bench.event.sys_enter.name) == "epoll_wait");
    CHECK(bench.event.sys_enter.args == std::array<std::int64_t, 4>{13, 0x7ff1, 2, -1});
  }
  for (const std::string_view text : {"sys_epoll_wait -> 0xfffffffffffffffc", "sys_epoll_wait -> 0xfffffffc",
                                      "sys_exit_epoll_wait:  0xfffffffffffffffc", "sys_exit: NR 232 = -4"}) {
    INFO(text);
    REQUIRE(bench.read(text));
    CHECK(bench.event.kind == EventKind::sys_exit);
    CHECK(bench.event.sys_exit.call == Syscall::epoll_wait);
    CHECK(bench.event.sys_exit.ret == -4);
  }
}

TEST_CASE("the wait gates are epoll_wait, io_uring_enter and nanosleep under all their names",
          "[event_fields]") {
  CHECK(syscall_of("epoll_pwait") == Syscall::epoll_wait);
  CHECK(syscall_of("epoll_pwait2") == Syscall::epoll_wait);
  CHECK(syscall_of("clock_nanosleep") == Syscall::nanosleep);
  CHECK(syscall_of("nanosleep") == Syscall::nanosleep);
  CHECK(syscall_of("io_uring_enter") == Syscall::io_uring_enter);
  CHECK(syscall_of("io_uring_setup") == Syscall::other);
  CHECK(syscall_of(std::int64_t{426}) == Syscall::io_uring_enter);
  CHECK(syscall_of(std::int64_t{172}) == Syscall::other);
}

TEST_CASE("a system call that is no gate keeps its name or number", "[event_fields]") {
  Bench bench;

  REQUIRE(bench.read("sys_openat(dfd: 0xffffff9c, filename: 0x7f \"/etc/x(y\", flags: 0)"));
  CHECK(bench.event.sys_enter.call == Syscall::other);
  CHECK(bench.name(bench.event.sys_enter.name) == "openat");
  CHECK_FALSE(bench.fields.raw_syscalls());
  REQUIRE(bench.read("sys_exit: NR 172 = 0"));
  CHECK(bench.name(bench.event.sys_exit.name) == "NR 172");
  CHECK(bench.fields.raw_syscalls());
}

TEST_CASE("tracepoints without a kind, and other tracers' lines, keep a name", "[event_fields]") {
  Bench bench;
  const auto name_of = [&](std::string_view text) {
    REQUIRE(bench.read(text));
    CHECK(bench.event.kind == EventKind::other);
    return bench.name(bench.event.other.name);
  };

  CHECK(name_of("nvme_sq: nvme0: disk=nvme0n1, qid=1, head=388, tail=388") == "nvme_sq");
  CHECK(name_of("tracing_mark_write: B|1|a: b") == "tracing_mark_write");
  CHECK(name_of("schedule <-do_nanosleep") == "function");
  CHECK(name_of("<stack trace>") == "kernel_stack");
  CHECK(name_of("#402268 context thread timer_latency     39960 ns") == "timerlat");
  CHECK(name_of("lost: x") == "lost");
}

TEST_CASE("a payload that does not fit its tracepoint is refused", "[event_fields]") {
  Bench bench;
  for (const std::string_view text :
       {"",
        ":",
        "no event",
        "sched_switch:",
        "sched_switch: prev_comm=a",
        "softirq_entry: vec=x",
        "softirq_entry: vec=99999999999",
        "irq_handler_exit: irq=1 ret=maybe",
        "cpu_idle: state=1 cpu_id=4096",
        "sched_wakeup: comm=a pid=-3 prio=1 target_cpu=0",
        "sched_wakeup: comm=a pid=2147483648 prio=1 target_cpu=0",
        "sched_wakeup: comm=a pid=1 prio=1 target_cpu=-1",
        "block_rq_issue: 259,0 R 4096 () 1 + 8 [",
        "block_rq_issue: 99999,0 R 4096 () 1 + 8 [a]",
        "block_rq_complete: 259,0 R () 1 + 8 [x]",
        "napi_poll: napi poll on napi struct 00000000000000001 for device e work 1 budget",
        "io_uring_complete: ring 1, user_data 0xfffffffffffffffff, result 1",
        "sys_epoll_wait",
        "sys_epoll_wait -> maybe",
        "sys_enter: NR (1)",
        "hrtimer_expire_entry: hrtimer=1 function=f now=99999999999999999999"}) {
    INFO(text);
    CHECK_FALSE(bench.read(text));
  }
}

TEST_CASE("numbers are read to the last value that their type holds, and no further", "[text_scan]") {
  std::int32_t small = 0;
  CHECK(TextScan{"2147483647"}.number(small));
  CHECK(small == std::numeric_limits<std::int32_t>::max());
  CHECK_FALSE(TextScan{"2147483648"}.number(small));
  std::uint64_t big = 0;
  CHECK(TextScan{"18446744073709551615"}.number(big));
  CHECK(big == std::numeric_limits<std::uint64_t>::max());
  CHECK_FALSE(TextScan{"18446744073709551616"}.number(big));
  CHECK_FALSE(TextScan{"99999999999999999999999999"}.number(big));
  CHECK_FALSE(TextScan{"-1"}.number(big));
  std::int64_t wide = 0;
  CHECK(TextScan{"-9223372036854775807"}.number(wide));
  CHECK(wide == -std::numeric_limits<std::int64_t>::max());
  CHECK_FALSE(TextScan{"-"}.number(wide));
  CHECK(TextScan{"0xFFFFffffFFFFffff"}.hex(big));
  CHECK(big == std::numeric_limits<std::uint64_t>::max());
  CHECK_FALSE(TextScan{"10000000000000000"}.hex(big));
}

TEST_CASE("a cache gives back what was kept for a text, however texts share its slots", "[text_cache]") {
  TextCache<int> cache;
  for (int i = 0; i < 5000; ++i) {
    const std::string text = "task-" + std::to_string(i);
    CHECK(cache.find(text) == nullptr);
    cache.keep(text, i);
    REQUIRE(cache.find(text) != nullptr);
    CHECK(*cache.find(text) == i);
  }
  const std::string too_long(TextCache<int>::longest + 1, 'x');
  cache.keep(too_long, 1);
  CHECK(cache.find(too_long) == nullptr);
  CHECK(cache.find("") == nullptr);
}
