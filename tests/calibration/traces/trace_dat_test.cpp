#include "calibration/traces/trace_dat.h"

#include <catch2/catch.hpp>

#include "calibration/traces/unpacked_file.h"
#include "tests/support/binary_captures.h"

using namespace calibration;

namespace {

const std::string wakeup_fields = "char comm[16];16;0|pid_t pid;4;1|int prio;4;1|int target_cpu;4;1";
const std::string switch_fields =
    "char prev_comm[16];16;0|pid_t prev_pid;4;1|int prev_prio;4;1|long prev_state;8;1|char "
    "next_comm[16];16;0|"
    "pid_t next_pid;4;1|int next_prio;4;1";

std::string wakeup(std::string_view comm, std::int32_t pid, std::int32_t target) {
  return padded(std::string{comm}, 16) + raw(pid) + raw(std::int32_t{120}) + raw(target);
}

std::string switched(std::string_view from, std::int32_t from_pid, std::int64_t state, std::string_view to,
                     std::int32_t to_pid) {
  return padded(std::string{from}, 16) + raw(from_pid) + raw(std::int32_t{120}) + raw(state) +
         padded(std::string{to}, 16) + raw(to_pid) + raw(std::int32_t{99});
}

// A __data_loc: where the text lies in the record, and its length with the NUL.
std::string data_loc(std::size_t offset, std::string_view text) {
  return raw(static_cast<std::uint32_t>((text.size() + 1) << 16 | offset));
}

TraceDatFile small_file() {
  TraceDatFile file;
  file.format("irq", 10, "irq_handler_entry", "int irq;4;1|__data_loc char[] name;4;0");
  file.format("irq", 11, "irq_handler_exit", "int irq;4;1|int ret;4;1");
  file.format("sched", 12, "sched_waking", wakeup_fields);
  file.format("sched", 13, "sched_switch", switch_fields);
  file.format("signal", 14, "signal_deliver", "int sig;4;1");
  file.task(7, "agent-0");
  file.page(0, {{1'000'000'100, 10, 0,
                 raw(std::int32_t{27}) + data_loc(16, "nvme0q1") + std::string{"nvme0q1\0", 8}, 0x09, 0x12},
                {1'000'000'300, 12, 0, wakeup("agent-0", 7, 1)},
                {1'000'000'400, 11, 0, raw(std::int32_t{27}) + raw(std::int32_t{1})}});
  file.page(1, {{1'000'000'200, 14, 7, raw(std::int32_t{9})},
                {1'000'000'350, 13, 7, switched("agent-0", 7, 0x100, "idle", 0)}});
  return file;
}

BinaryRead read_bytes(const std::string& bytes) {
  const CaptureBench bench;
  return BinaryRead{open_trace_dat, bench.write("trace.dat", bytes)};
}

}  // namespace

TEST_CASE("records of all CPUs come in the order of time, with the task, the flags and the fields",
          "[trace_dat]") {
  const BinaryRead read = read_bytes(small_file().bytes());

  REQUIRE(read.events.size() == 5);
  const Event& entry = read.events[0];
  CHECK(entry.kind == EventKind::irq_handler_entry);
  CHECK(entry.time == 1'000'000'100);
  CHECK(entry.cpu == 0);
  CHECK(entry.pid == 0);
  CHECK(read.text(entry.comm) == "<idle>");
  CHECK(entry.irq.irq == 27);
  CHECK(read.text(entry.irq.name) == "nvme0q1");
  CHECK(entry.flags.known);
  CHECK(entry.flags.irqs_off);
  CHECK(entry.flags.hardirq);
  CHECK_FALSE(entry.flags.softirq);
  CHECK(entry.flags.preempt_depth == 2);  // the high half is migrate_disable
  CHECK(read.events[1].kind == EventKind::other);
  CHECK(read.text(read.events[1].other.name) == "signal_deliver");
  CHECK(read.text(read.events[1].comm) == "agent-0");
  CHECK(read.events[2].kind == EventKind::sched_waking);
  CHECK(read.text(read.events[2].wakeup.comm) == "agent-0");
  CHECK(read.events[2].wakeup.target_cpu == 1);
  CHECK(read.events[3].kind == EventKind::sched_switch);
  CHECK(read.events[3].cpu == 1);
  CHECK(read.events[3].sched_switch.prev_state == TaskState::running);
  CHECK(read.events[3].sched_switch.preempted);
  CHECK(read.events[3].sched_switch.next_prio == 99);
  CHECK(read.events[4].irq.handled);
  CHECK(read.log.detail == "libtracecmd");
}

TEST_CASE("events that the ring buffer lost are told where they were lost, counted if the kernel did",
          "[trace_dat]") {
  TraceDatFile file;
  file.format("irq", 15, "softirq_raise", "unsigned int vec;4;0");
  file.page(0, {{100, 15, 0, raw(std::uint32_t{3})}});
  file.page(0, {{200, 15, 0, raw(std::uint32_t{3})}}, 42);
  file.page(0, {{300, 15, 0, raw(std::uint32_t{3})}}, -1);
  const BinaryRead read = read_bytes(file.bytes());

  REQUIRE(read.events.size() == 5);
  CHECK(read.events[1].kind == EventKind::lost);
  CHECK(read.events[1].time == 200);
  CHECK(read.events[1].cpu == 0);
  CHECK(read.events[1].lost.count == 42);
  CHECK(read.events[3].kind == EventKind::lost);
  CHECK(read.events[3].lost.count == 0);
  CHECK(read.log.lost_events == 42);
}

TEST_CASE("a system call is the same through raw_syscalls and through a tracepoint of its own",
          "[trace_dat]") {
  TraceDatFile file;
  file.format("raw_syscalls", 20, "sys_enter", "long id;8;1|unsigned long args[6];48;0");
  file.format("raw_syscalls", 21, "sys_exit", "long id;8;1|long ret;8;1");
  file.format(
      "syscalls", 22, "sys_enter_epoll_wait",
      "int __syscall_nr;4;1|int padding;4;1|int epfd;8;0|struct epoll_event * events;8;0|int maxevents;8;0|"
      "int timeout;8;0");
  file.format("syscalls", 23, "sys_exit_epoll_wait", "int __syscall_nr;4;1|int padding;4;1|long ret;8;1");
  const std::string args =
      raw(std::int64_t{4}) + raw(std::int64_t{0x7f00}) + raw(std::int64_t{8}) + raw(std::int64_t{0xffffffff});
  file.page(0, {{1, 20, 7, raw(std::int64_t{232}) + args + raw(std::int64_t{0}) + raw(std::int64_t{0})},
                {2, 21, 7, raw(std::int64_t{232}) + raw(std::int64_t{-4})},
                {3, 22, 7, raw(std::int32_t{232}) + raw(std::int32_t{0}) + args},
                {4, 23, 7, raw(std::int32_t{232}) + raw(std::int32_t{0}) + raw(std::int64_t{-4})},
                {5, 21, 7, raw(std::int64_t{39}) + raw(std::int64_t{7})}});
  const BinaryRead read = read_bytes(file.bytes());

  REQUIRE(read.events.size() == 5);
  for (const std::size_t i : {0, 2}) {
    CHECK(read.events[i].sys_enter.call == Syscall::epoll_wait);
    CHECK(read.text(read.events[i].sys_enter.name) == "epoll_wait");
    CHECK(read.events[i + 1].sys_exit.call == Syscall::epoll_wait);
    CHECK(read.events[i + 1].sys_exit.ret == -4);
  }
  CHECK(read.events[0].sys_enter.args == std::array<std::int64_t, 4>{4, 0x7f00, 8, -1});
  CHECK(read.text(read.events[4].sys_exit.name) == "NR 39");
  CHECK(read.events[4].sys_exit.call == Syscall::other);
}

TEST_CASE("functions have the names of the file's own kallsyms", "[trace_dat]") {
  TraceDatFile file;
  file.format("timer", 30, "hrtimer_expire_entry", "void * hrtimer;8;0|s64 now;8;1|void * function;8;0");
  file.symbol("ffffffff81000100 t hrtimer_wakeup");
  file.symbol("ffffffff81000200 t tick_nohz_handler");
  const auto expire = [](std::uint64_t function) {
    return raw(std::uint64_t{0xffff888000001000}) + raw(std::int64_t{5'000}) + raw(function);
  };
  file.page(0, {{1, 30, 0, expire(0xffffffff81000100)}, {2, 30, 0, expire(0x1000)}});
  const BinaryRead read = read_bytes(file.bytes());

  REQUIRE(read.events.size() == 2);
  CHECK(read.text(read.events[0].hrtimer.function) == "hrtimer_wakeup");
  CHECK(read.events[0].hrtimer.now == 5'000);
  CHECK(read.text(read.events[1].hrtimer.function) == "0x1000");
}

TEST_CASE("a tracepoint without a field that it always has is not used, and that is said", "[trace_dat]") {
  TraceDatFile file;
  file.format("sched", 12, "sched_waking", "char comm[16];16;0|int prio;4;1");
  file.page(0, {{1, 12, 7, padded("agent-0", 16) + raw(std::int32_t{120})}});
  const BinaryRead read = read_bytes(file.bytes());

  REQUIRE(read.events.size() == 1);
  CHECK(read.events[0].kind == EventKind::other);
  REQUIRE(read.log.warnings.size() == 1);
  CHECK(read.log.warnings[0].text.find("sched_waking lacks") == 0);
}

TEST_CASE("a file that trace-cmd itself wrote as version 7, compressed inside, reads as the original",
          "[trace_dat]") {
  // trace-cmd convert -i small_file() -o small.v7.dat --file-version 7 --compression zstd
  const BinaryRead original = read_bytes(small_file().bytes());
  const BinaryRead read{open_trace_dat, CHAINSIM_SOURCE_DIR "/tests/calibration/traces/data/small.v7.dat"};

  REQUIRE(read.events.size() == original.events.size());
  for (std::size_t i = 0; i < read.events.size(); ++i) {
    CHECK(read.events[i].time == original.events[i].time);
    CHECK(read.events[i].kind == original.events[i].kind);
    CHECK(read.events[i].cpu == original.events[i].cpu);
    CHECK(read.text(read.events[i].comm) == original.text(original.events[i].comm));
  }
}

TEST_CASE("a compressed trace.dat reads like the plain one, up to the bound of what it unpacks to",
          "[trace_dat]") {
  namespace io = boost::iostreams;
  const std::string bytes = small_file().bytes();
  const CaptureBench bench;
  for (const std::string& packed :
       {compressed(bytes, io::gzip_compressor{}), compressed(bytes, io::lzma_compressor{}),
        compressed(bytes, io::zstd_compressor{})}) {
    const std::filesystem::path path = bench.write("trace.dat.packed", packed);
    CHECK(BinaryRead{open_trace_dat, path}.events.size() == 5);
    CHECK(UnpackedFile{path}.size() == bytes.size());
    CHECK_THROWS_WITH((UnpackedFile{path, bytes.size() - 1}), Catch::Contains("bytes after decompression"));
    const std::filesystem::path cut = bench.write("cut", packed.substr(0, packed.size() / 2));
    CHECK_THROWS_WITH(UnpackedFile{cut}, Catch::Contains("damaged or cut"));
  }
}

TEST_CASE("what is no trace.dat, or ends in its header, is refused by name", "[trace_dat]") {
  const CaptureBench bench;
  const scenarios::InputError text = refused_binary(open_trace_dat, bench.write("trace.txt", "no trace\n"));
  CHECK(text.found() == "no trace.dat: it begins otherwise");
  const scenarios::InputError cut =
      refused_binary(open_trace_dat, bench.write("cut.dat", small_file().bytes().substr(0, 300)));
  CHECK(cut.found().find("a trace.dat that libtracecmd cannot read") == 0);
  CHECK(cut.file().find("cut.dat") != std::string::npos);
}

TEST_CASE("however a trace.dat is damaged, there are events or a refusal, and nothing is left behind",
          "[trace_dat]") {
  const std::string bytes = small_file().bytes();
  const int files_before = open_files();
  int read = 0;
  int refused = 0;
  for (std::uint64_t number = 0; number < 32; ++number) {
    try {
      read_bytes(mutated(bytes, number));
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
