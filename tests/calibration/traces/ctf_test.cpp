#include "calibration/traces/ctf.h"

#include <catch2/catch.hpp>

#include "tests/support/binary_captures.h"

using namespace calibration;

namespace {

std::string text(std::string_view value) { return std::string{value} + '\0'; }

std::string switched(std::string_view from, std::int32_t from_tid, std::int64_t state, std::string_view to,
                     std::int32_t to_tid) {
  return text(from) + raw(from_tid) + raw(std::int32_t{20}) + raw(state) + text(to) + raw(to_tid) +
         raw(std::int32_t{-1});
}

constexpr std::string_view switch_fields =
    "string _prev_comm; i32 _prev_tid; i32 _prev_prio; i64 _prev_state; string _next_comm; i32 _next_tid; "
    "i32 _next_prio;";
constexpr std::string_view wakeup_fields = "string _comm; i32 _tid; i32 _prio; i32 _target_cpu;";

std::string wakeup(std::int32_t prio) {
  return text("agent-0") + raw(std::int32_t{7}) + raw(prio) + raw(std::int32_t{1});
}

struct CtfBench {
  CtfBench() {
    trace.event(1, "sched_switch", switch_fields);
    trace.event(2, "sched_wakeup", wakeup_fields);
    trace.event(3, "irq_softirq_entry", "u32 _vec;");
    trace.event(4, "softirq_exit", "u32 _vec;");
    trace.event(5, "syscall_entry_epoll_wait", "i32 _epfd; i32 _maxevents; i32 _timeout;");
    trace.event(6, "syscall_exit_epoll_wait", "i64 _ret; u64 _events;");
    trace.event(7, "sys_nanosleep", "u64 _rqtp;");
    trace.event(8, "exit_syscall", "i64 _ret;");
    trace.event(9, "block_rq_issue",
                "u32 _dev; u64 _sector; u32 _nr_sector; u32 _bytes; u32 _rwbs; string _comm;");
    trace.event(10, "kmem_kmalloc", "u64 _ptr;");
  }
  BinaryRead read() {
    trace.write_metadata();
    return BinaryRead{open_ctf, trace.directory()};
  }
  CaptureBench files;
  CtfTrace trace{files.directory / "trace"};
};

}  // namespace

TEST_CASE("LTTng's streams are merged by time, and their events have the kernel's names", "[ctf]") {
  CtfBench bench;
  bench.trace.packet(0, {{3, 1'000, raw(std::uint32_t{3})}, {4, 3'000, raw(std::uint32_t{3})}});
  bench.trace.packet(1, {{10, 2'000, raw(std::uint64_t{1})}, {2, 4'000, wakeup(20)}});
  const BinaryRead read = bench.read();

  REQUIRE(read.events.size() == 4);
  CHECK(read.events[0].kind == EventKind::softirq_entry);
  CHECK(read.events[0].time == 1'000);
  CHECK(read.events[0].cpu == 0);
  CHECK(read.events[0].softirq.vec == 3);
  CHECK_FALSE(read.events[0].flags.known);
  CHECK(read.events[1].cpu == 1);
  CHECK(read.text(read.events[1].other.name) == "kmem_kmalloc");
  CHECK(read.events[2].kind == EventKind::softirq_exit);
  CHECK(read.events[3].kind == EventKind::sched_wakeup);
  CHECK(read.events[3].wakeup.pid == 7);
  CHECK(read.events[3].wakeup.prio == 120);
  CHECK(read.log.detail.find("babeltrace2 2.") == 0);
}

TEST_CASE("who runs is known from a CPU's first switch on", "[ctf]") {
  CtfBench bench;
  bench.trace.packet(0, {{3, 1, raw(std::uint32_t{1})},
                         {1, 2, switched("agent-0", 7, 1, "swapper/0", 0)},
                         {4, 3, raw(std::uint32_t{1})}});
  const BinaryRead read = bench.read();

  REQUIRE(read.events.size() == 3);
  CHECK(read.events[0].pid == -1);
  CHECK(read.events[0].comm == Name::none);
  CHECK(read.events[1].pid == 7);
  CHECK(read.text(read.events[1].comm) == "agent-0");
  CHECK(read.events[1].sched_switch.prev_prio == 120);
  CHECK(read.events[1].sched_switch.prev_state == TaskState::interruptible);
  CHECK(read.events[1].sched_switch.next_prio == 99);
  CHECK(read.events[2].pid == 0);
  CHECK(read.text(read.events[2].comm) == "swapper/0");
}

TEST_CASE("the exits of an old LTTng belong to the call that their task entered last", "[ctf]") {
  CtfBench bench;
  const std::string epoll = raw(std::int32_t{4}) + raw(std::int32_t{8}) + raw(std::int32_t{-1});
  bench.trace.packet(0, {{1, 1, switched("swapper/0", 0, 0, "agent-0", 7)},
                         {7, 2, raw(std::uint64_t{0})},
                         {1, 3, switched("agent-0", 7, 1, "agent-1", 8)},
                         {5, 4, epoll},
                         {6, 5, raw(std::int64_t{2}) + raw(std::uint64_t{0})},
                         {1, 6, switched("agent-1", 8, 2048, "agent-0", 7)},
                         {8, 7, raw(std::int64_t{-4})},
                         {8, 8, raw(std::int64_t{0})}});
  const BinaryRead read = bench.read();

  REQUIRE(read.events.size() == 8);
  CHECK(read.events[3].sys_enter.call == Syscall::epoll_wait);
  CHECK(read.events[3].sys_enter.args == std::array<std::int64_t, 4>{4, 8, -1, 0});
  CHECK(read.events[4].sys_exit.ret == 2);
  CHECK(read.events[5].sched_switch.preempted);
  CHECK(read.events[6].sys_exit.call == Syscall::nanosleep);
  CHECK(read.text(read.events[6].sys_exit.name) == "nanosleep");
  CHECK(read.events[6].sys_exit.ret == -4);
  CHECK(read.events[7].sys_exit.name == Name::none);  // entered before the trace
}

TEST_CASE("a wakeup's priority is the kernel's, whether or not this LTTng shifted it", "[ctf]") {
  CtfBench bench;
  bench.trace.packet(0, {{2, 1, wakeup(20)}, {2, 2, wakeup(120)}, {2, 3, wakeup(20)}});
  const BinaryRead read = bench.read();

  CHECK(read.events.at(0).wakeup.prio == 120);
  CHECK(read.events.at(1).wakeup.prio == 120);  // 120 cannot be a shifted one: so none is
  CHECK(read.events.at(2).wakeup.prio == 20);
}

TEST_CASE("the bits of a block request read as the kernel's letters", "[ctf]") {
  CtfBench bench;
  const auto issue = [](std::uint32_t rwbs) {
    return raw(std::uint32_t{259 << 20}) + raw(std::uint64_t{4096}) + raw(std::uint32_t{8}) +
           raw(std::uint32_t{4096}) + raw(rwbs) + text("agent-0");
  };
  bench.trace.packet(0, {{9, 1, issue(1 | 32)}, {9, 2, issue(4)}, {9, 3, issue(256 | 1 | 512)}});
  const BinaryRead read = bench.read();

  CHECK(read.text(read.events.at(0).block.rwbs) == "WS");
  CHECK(read.text(read.events.at(1).block.rwbs) == "R");
  CHECK(read.text(read.events.at(2).block.rwbs) == "FWF");
  CHECK(read.events.at(0).block.dev == 259 << 20);
  CHECK(read.events.at(0).block.sector == 4096);
  CHECK(read.text(read.events.at(0).block.comm) == "agent-0");
}

TEST_CASE("events that LTTng discarded are counted where they are missing", "[ctf]") {
  CtfBench bench;
  bench.trace.packet(0, {{3, 10, raw(std::uint32_t{1})}});
  bench.trace.packet(0, {{4, 20, raw(std::uint32_t{1})}}, 17);
  const BinaryRead read = bench.read();

  REQUIRE(read.events.size() == 3);
  CHECK(read.events[1].kind == EventKind::lost);
  CHECK(read.events[1].lost.count == 17);
  CHECK(read.events[1].cpu == 0);
  CHECK(read.log.lost_events == 17);
}

TEST_CASE("a packet that begins before the one ahead of it ended is read on", "[ctf]") {
  CtfBench bench;
  bench.trace.packet(0, {{3, 10, raw(std::uint32_t{1})}}, 0, 10, 25);
  bench.trace.packet(0, {{4, 20, raw(std::uint32_t{1})}}, 0, 20, 30);
  const BinaryRead read = bench.read();

  REQUIRE(read.events.size() == 2);
  CHECK(read.events[1].time == 20);
}

TEST_CASE("broken metadata is refused in babeltrace2's own words", "[ctf]") {
  CtfBench bench;
  bench.trace.packet(0, {{3, 10, raw(std::uint32_t{1})}});
  std::ofstream{bench.trace.directory() / "metadata"} << "/* CTF 1.8 */\ntrace { major = 1;\n";
  const scenarios::InputError error = refused_binary(open_ctf, bench.trace.directory());

  CHECK(error.found().find("a trace that babeltrace2 cannot open") == 0);
  CHECK(error.found().find("in metadata stream: syntax error") != std::string::npos);
  CHECK(error.found().find("0x") == std::string::npos);
  CHECK(refused_binary(open_ctf, "/nowhere").found().find("does not contain a metadata file") !=
        std::string::npos);
}

TEST_CASE("metadata in packets is refused where it breaks off", "[ctf]") {
  CtfBench bench;
  const std::string content = "/* CTF 1.8 */";
  const auto packet = [&](std::uint32_t bytes) {
    return raw(std::uint32_t{0x75d11d57}) + std::string(20, '\0') + raw(std::uint32_t{8 * (37 + 13)}) +
           raw(8 * bytes) + std::string{"\0\0\0\1\x8", 5} + content;
  };
  const std::filesystem::path metadata = bench.trace.directory() / "metadata";
  std::ofstream{metadata, std::ios::binary} << packet(50) << packet(100);
  const scenarios::InputError cut = refused_binary(open_ctf, bench.trace.directory());
  CHECK(cut.file() == metadata.string());
  CHECK(cut.found().find("breaks off, in its packet at byte 50") != std::string::npos);

  std::ofstream{metadata, std::ios::binary} << packet(0);
  CHECK(refused_binary(open_ctf, bench.trace.directory()).file() == metadata.string());
  std::ofstream{metadata, std::ios::binary} << packet(50);
  CHECK(refused_binary(open_ctf, bench.trace.directory()).file() ==
        bench.trace.directory().string());  // babeltrace2's
}

TEST_CASE("an event that the metadata does not know is refused after those before it", "[ctf]") {
  CtfBench bench;
  bench.trace.packet(0, {{3, 10, raw(std::uint32_t{1})}, {77, 20, raw(std::uint32_t{1})}});

  CHECK_THROWS_WITH(bench.read(), Catch::Contains("babeltrace2 cannot decode"));
}

TEST_CASE("however a stream of CTF is damaged, there are events or a refusal, and nothing is left behind",
          "[ctf]") {
  CtfBench bench;
  bench.trace.packet(0, {{3, 10, raw(std::uint32_t{1})},
                         {1, 12, switched("agent-0", 7, 1, "swapper/0", 0)},
                         {2, 14, wakeup(20)}});
  bench.trace.packet(0, {{4, 20, raw(std::uint32_t{1})}});
  bench.trace.write_metadata();
  const std::filesystem::path stream = bench.trace.directory() / "channel0_0";
  std::ifstream in{stream, std::ios::binary};
  const std::string bytes{std::istreambuf_iterator<char>{in}, {}};
  in.close();
  const int files_before = open_files();
  int read = 0;
  int refused = 0;
  for (std::uint64_t number = 0; number < 32; ++number) {
    std::ofstream{stream, std::ios::binary} << mutated(bytes, number);
    try {
      const BinaryRead events{open_ctf, bench.trace.directory()};
      ++read;
    } catch (const scenarios::InputError&) {
      ++refused;
    }
  }

  CHECK(read > 0);
  CHECK(refused > 0);
  CHECK(open_files() == files_before);
  CHECK(no_children());
}
