#include "calibration/traces/event_reader.h"

#include <sys/stat.h>

#include <catch2/catch.hpp>
#include <string>
#include <thread>
#include <vector>

#include "calibration/traces/ftrace_writer.h"
#include "calibration/traces/simulated_events.h"
#include "tests/calibration/capture_bench.h"
#include "tests/support/busy_host.h"

using namespace calibration;
using namespace std::chrono_literals;

namespace {

constexpr std::string_view header = "# tracer: nop\n#\n# entries-in-buffer/entries-written: 2/2   #P:2\n#\n";

std::string line(std::string_view task, int cpu, std::string_view time, std::string_view text) {
  return "  " + std::string{task} + "  [00" + std::to_string(cpu) + "] .....  " + std::string{time} + ": " +
         std::string{text} + "\n";
}
std::string tick(std::string_view time) {
  return line("sh-1", 0, time, "softirq_raise: vec=1 [action=TIMER]");
}
std::string ticks(int count) {
  std::string text;
  for (int i = 0; i < count; ++i) {
    text += tick("1.0" + std::to_string(10'000 + i));
  }
  return text;
}
std::string switched(int cpu, std::string_view time, int from, int to) {
  return line("x-" + std::to_string(from), cpu, time,
              "sched_switch: prev_comm=x prev_pid=" + std::to_string(from) +
                  " prev_prio=120 prev_state=S ==> next_comm=x next_pid=" + std::to_string(to) +
                  " next_prio=120");
}

// What was read, in few words: "sys_exit 7", with the pid that did it.
struct Read {
  std::vector<std::string> events;
  std::vector<std::int64_t> times;
  CaptureLog log;
};

Read read_all(const std::filesystem::path& path) {
  Read all;
  read_capture(path, [&](EventReader& reader) {
    all = {};
    for (Event event; reader.next(event);) {
      all.events.push_back(std::string{to_string(event.kind)} + " " + std::to_string(event.pid));
      all.times.push_back(event.time);
    }
    all.log = reader.log();
  });
  return all;
}

scenarios::InputError refusal_of(const std::filesystem::path& path) {
  return input_error_of([&] { read_all(path); });
}

// Every field with its name, texts as texts.
std::string described(const Event& event, const Names& names) {
  std::string text = std::string{to_string(event.kind)} + " " + std::to_string(event.cpu) + " " +
                     std::to_string(event.pid) + " " + std::string{names.text(event.comm)};
  fields(event, [&](std::string_view name, const auto& value) {
    using Value = std::decay_t<decltype(value)>;
    text += " " + std::string{name} + "=";
    if constexpr (std::is_same_v<Value, Name>) {
      text += names.text(value);
    } else {
      text += std::to_string(static_cast<std::int64_t>(value));
    }
  });
  const EventFlags& flags = event.flags;
  return text + " " + std::to_string(flags.irqs_off) + std::to_string(flags.bh_off) +
         std::to_string(flags.need_resched) + std::to_string(flags.hardirq) + std::to_string(flags.softirq) +
         std::to_string(flags.preempt_depth);
}

}  // namespace

TEST_CASE("a simulated run reads back from its own text, every field of every event", "[event_reader]") {
  const bool nanoseconds = GENERATE(true, false);
  const CaptureBench bench;
  const std::string path = (bench.directory / "run.trace").string();
  Names names;
  std::vector<Event> written;
  calibration::simulate_events(
      models::busy_host(), {.duration = 20ms, .agent_wakeups = true}, names,
      {.event = [&](const Event& event) { written.push_back(event); }, .wake = {}, .chain = {}});
  REQUIRE(written.size() > 5000);
  scenarios::OutputFile file{path};
  FtraceTextWriter writer{file, names, {.nanoseconds = nanoseconds}};
  for (const Event& event : written) {
    writer.write(event);
  }
  writer.finish();
  file.commit();

  EventReader reader{path};
  std::size_t read = 0;
  for (Event event; reader.next(event); ++read) {
    REQUIRE(read < written.size());
    REQUIRE(described(event, reader.names()) == described(written[read], names));
    const std::int64_t time = written[read].time;
    REQUIRE(event.time == (nanoseconds ? time : (time + 500) / 1000 * 1000));
  }

  CHECK(read == written.size());
  CHECK(reader.log().unknown_lines == 0);
  CHECK(reader.log().other_events == 0);
  CHECK(reader.log().cpus == 4);
  CHECK(reader.log().time_resolution == (nanoseconds ? 1 : 1000));
  CHECK(reader.progress() == 1.0);
}

TEST_CASE("a trace-cmd report and an atrace with TGIDs read by the same grammar", "[event_reader]") {
  const CaptureBench bench;
  const Read report = read_all(bench.write(
      "a",
      "version = 6\ncpus=6\n"
      "           <...>-1701  [001]    76.211513: sched_switch:          prev_comm=trace-cmd prev_pid=1701 "
      "prev_prio=120 prev_state=64 next_comm=swapper/1 next_pid=0 next_prio=120\n"
      "              ls-4734  [002]    76.211571: bprint:               select_task_rq_fair: fig: cpu=0\n "
      "gid=4\n"
      "CPU:2 [3 EVENTS DROPPED]\n"
      "              sh-1642  [002]    76.211696: sched_wakeup:         sh:1642 [120] CPU:002\n"));

  CHECK(report.events ==
        std::vector<std::string>{"sched_switch 1701", "other 4734", "lost -1", "sched_wakeup 1642"});
  CHECK(report.log.detail == "trace-cmd report");
  CHECK(report.log.lost_events == 3);
  CHECK(report.log.unknown_lines == 0);

  const Read atrace = read_all(bench.write(
      "b",
      "TRACE:\n# tracer: nop\n#\n#           TASK-PID    TGID   CPU#  ||||    TIMESTAMP  FUNCTION\n"
      "ksoftirqd/1-12    (   12) [001] d..3 214168.479967: sched_waking: comm=a pid=2 prio=120 success=1 "
      "target_cpu=000\n"));
  CHECK(atrace.events == std::vector<std::string>{"sched_waking 12"});
  CHECK(atrace.log.detail == "with TGID column");
}

TEST_CASE("lost events are events at the time of the last one on record", "[event_reader]") {
  const CaptureBench bench;

  const Read read = read_all(bench.write("a", "CPU:1 [LOST 9 EVENTS]\n" + tick("1.000001") +
                                                  "##### CPU 1 buffer started ####\nCPU:0 [LOST 5 EVENTS]\n"
                                                  "CPU:3 [LOST EVENTS]\n" +
                                                  tick("1.000002")));

  CHECK(read.events == std::vector<std::string>{"softirq_raise 1", "lost -1", "lost -1", "softirq_raise 1"});
  CHECK(read.times[1] == 1'000'001'000);
  CHECK(read.log.lost_events == 14);
  CHECK(read.log.unknown_lines == 0);
}

TEST_CASE("events that a full buffer has overwritten are counted from the header", "[event_reader]") {
  const CaptureBench bench;

  const Read read = read_all(bench.write(
      "a", "# tracer: nop\n# entries-in-buffer/entries-written: 10/35   #P:2\n" + tick("1.000001")));

  CHECK(read.log.lost_events == 25);
  REQUIRE(read.log.warnings.size() == 1);
  CHECK(read.log.warnings[0].text.find("25 of 35") != std::string::npos);
}

TEST_CASE("a capture that breaks off within a line reads up to there, and the log says so",
          "[event_reader]") {
  const CaptureBench bench;

  const Read cut = read_all(bench.write("a", tick("1.000001") + "  sh-1  [000] .....  1.0000"));
  CHECK(cut.events.size() == 1);
  CHECK(cut.log.partial_last_line);
  CHECK(cut.log.unknown_lines == 0);
  CHECK_FALSE(read_all(bench.write("b", tick("1.000001"))).log.partial_last_line);
}

TEST_CASE("a few lines without sense are counted and shown, many are an error at the line",
          "[event_reader]") {
  const CaptureBench bench;
  const Read few = read_all(bench.write("a", ticks(200) + "rubbish here\n" + tick("1.200000")));
  CHECK(few.log.unknown_lines == 1);
  REQUIRE(few.log.warnings.size() == 1);
  CHECK(few.log.warnings[0].line == 201);

  std::string text = ticks(200);
  for (int i = 0; i < 30; ++i) {
    text += "  sh-1  [000] .....  1.200000: sched_switch: rubbish\n";
  }
  const auto error = refusal_of(bench.write("b", text));
  CHECK(error.line() == 211);  // the 11th of 211 lines
  CHECK(error.column() == 32);
  CHECK(error.found().find("'sched_switch: rubbish'") != std::string::npos);
}

TEST_CASE("prose that begins with one event is given up after a thousand lines at most", "[event_reader]") {
  const CaptureBench bench;
  std::string text = "  sh-1  [000] .....  1.200000: sched_switch: rubbish\n";
  for (int i = 0; i < 5000; ++i) {
    text += "# a comment that goes on and on\n  sh-1  [000] .....  1.200000: cpu_idle: rubbish\n";
  }
  CHECK(refusal_of(bench.write("a", text)).line() <= 1000);
}

TEST_CASE("a trace with a header and no event is refused as such", "[event_reader]") {
  const CaptureBench bench;

  CHECK(refusal_of(bench.write("a", header)).found() == "no event in 4 lines");
}

TEST_CASE("what is no trace is refused by its name where it has one", "[event_reader]") {
  const CaptureBench bench;

  CHECK(refusal_of(bench.write("a", "@usecs:\n[2, 4)    3 |@@@@   |\n")).found().find("map") !=
        std::string::npos);
  CHECK(refusal_of(bench.write("b", "\n  Call me Ishmael.\n")).found() == "'  Call me Ishmael.'");
  CHECK(refusal_of(bench.write("c", "\n\n")).found() == "nothing but empty lines");
  CHECK(refusal_of(bench.directory / "absent").found() == "no such file");
  CHECK(refusal_of(bench.directory).found() == "a directory");
}

TEST_CASE("two sorted runs are told by their beginning and merged by time", "[event_reader]") {
  const CaptureBench bench;
  const auto path =
      bench.write("a", std::string{header} + line("a-7", 0, "1.000001", "sys_epoll_wait -> 0x1") +
                           line("a-7", 0, "2.000005", "sys_epoll_wait -> 0x1") + tick("1.000000") +
                           tick("1.500000") + tick("3.000000"));

  std::vector<std::int64_t> runs;
  try {
    EventReader reader{path};
    for (Event event; reader.next(event);) {
    }
  } catch (const UnsortedCapture& unsorted) {
    runs = unsorted.runs;
  }
  CHECK(runs == std::vector<std::int64_t>{7});

  const Read read = read_all(path);
  CHECK(read.events == std::vector<std::string>{"softirq_raise 1", "sys_exit 7", "softirq_raise 1",
                                                "sys_exit 7", "softirq_raise 1"});
  CHECK(read.log.sorted_runs == 2);
  CHECK(read.log.lines == 9);
  CHECK(read.log.time_went_back == 0);
}

TEST_CASE("events of one microsecond in two runs stay within their task's turn on the CPU",
          "[event_reader]") {
  const CaptureBench bench;
  // Task 7 comes on CPU 0, returns from its wait and enters the next one, all but the last at one
  // microsecond.
  const std::string calls =
      line("a-7", 0, "1.000010", "sys_epoll_wait -> 0x1") +
      line("a-7", 0, "1.000020", "sys_epoll_wait(epfd: 4, events: 0, maxevents: 1, timeout: 0)");
  const std::string switches =
      switched(0, "1.000001", 0, 5) + switched(0, "1.000010", 5, 7) + switched(0, "1.000020", 7, 5);
  const std::string late = tick("9.000000");
  const std::vector<std::string> order{"sched_switch 0", "sched_switch 5", "sys_exit 7",
                                       "sys_enter 7",    "sched_switch 7", "softirq_raise 1"};

  CHECK(read_all(bench.write("a", calls + late + switches)).events == order);
  CHECK(read_all(bench.write("b", switches + late + calls)).events == order);
}

TEST_CASE("time that goes back by less than a millisecond is counted and left as it is", "[event_reader]") {
  const CaptureBench bench;

  const Read read = read_all(bench.write("a", tick("1.001000") + tick("1.000000") + tick("1.002000")));

  CHECK(read.times == std::vector<std::int64_t>{1'001'000'000, 1'000'000'000, 1'002'000'000});
  CHECK(read.log.time_went_back == 1);
  CHECK(read.log.sorted_runs == 1);
}

TEST_CASE("up to 32 sorted runs are merged and more are refused with what to do", "[event_reader]") {
  const CaptureBench bench;
  std::string text;
  for (int run = 0; run < 32; ++run) {
    text += tick("5." + std::to_string(100'000 + run)) + tick("6." + std::to_string(100'000 + run));
  }
  const Read merged = read_all(bench.write("a", text));
  CHECK(merged.log.sorted_runs == 32);
  CHECK(merged.events.size() == 64);
  CHECK(std::is_sorted(merged.times.begin(), merged.times.end()));

  const auto error = refusal_of(bench.write("b", text + tick("5.000000")));
  CHECK(error.line() == 65);
  CHECK(error.suggestion().find("sort it by time") != std::string::npos);
}

TEST_CASE("an unsorted pipe is refused with the advice to save it", "[event_reader]") {
  const CaptureBench bench;
  const auto path = bench.directory / "pipe";
  REQUIRE(::mkfifo(path.c_str(), 0600) == 0);
  std::thread writer{[&] { bench.write("pipe", tick("2.000000") + tick("1.000000")); }};

  const auto error = refusal_of(path);
  writer.join();

  CHECK(error.line() == 2);
  CHECK(error.suggestion().find("save it to a file") != std::string::npos);
}

TEST_CASE("an unknown task has no name, and a raw system call number is warned about", "[event_reader]") {
  const CaptureBench bench;
  EventReader reader{
      bench.write("a", line("<...>-9", 1, "1.000001", "sys_enter: NR 232 (4, 0, 1, 0, 0, 0)"))};

  Event event;
  REQUIRE(reader.next(event));
  CHECK(event.comm == Name::none);
  CHECK(event.pid == 9);
  CHECK_FALSE(reader.next(event));
  CHECK_FALSE(reader.next(event));
  REQUIRE(reader.log().warnings.size() == 1);
  CHECK(reader.log().warnings[0].text.find("x86-64") != std::string::npos);
}
