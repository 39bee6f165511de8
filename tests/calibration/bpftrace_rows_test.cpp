#include "calibration/traces/bpftrace_rows.h"

#include <catch2/catch.hpp>

#include "tests/calibration/capture_bench.h"

using namespace calibration;

namespace {

BpftraceLog log_of(const CaptureBench& bench, std::string_view text) {
  BpftraceReader reader{bench.write("capture", text)};
  for (BpftraceRow row; reader.next(row);) {
  }
  return reader.log();
}

scenarios::InputError refused(const CaptureBench& bench, std::string_view text) {
  return input_error_of([&] { log_of(bench, text); });
}

std::string repeated(const std::string& line, int times) {
  std::string text;
  for (int i = 0; i < times; ++i) {
    text += line;
  }
  return text;
}

}  // namespace

TEST_CASE("each of the five programs is recognised by its rows", "[bpftrace_rows]") {
  const auto irq = parse_bpftrace_row("irq=36 duration=4us");
  const auto softirq = parse_bpftrace_row("softirq vec=3 duration=20us");
  const auto wakeup = parse_bpftrace_row("pid=11844 wake_to_run=300us");
  const auto epoll = parse_bpftrace_row("tid=7 epoll_wait=100160us ret=-4");
  const auto uring = parse_bpftrace_row("tid=8 io_uring_enter=0us ret=2");

  REQUIRE((irq && softirq && wakeup && epoll && uring));
  CHECK(irq->program == BpftraceProgram::irq);
  CHECK(irq->key == 36);
  CHECK(irq->duration_us == 4);
  CHECK(softirq->program == BpftraceProgram::softirq);
  CHECK(softirq->key == 3);
  CHECK(wakeup->program == BpftraceProgram::wakeup);
  CHECK(wakeup->duration_us == 300);
  CHECK(epoll->program == BpftraceProgram::epoll);
  CHECK(epoll->ret == -4);
  CHECK(uring->program == BpftraceProgram::uring);
  CHECK(uring->ret == 2);
}

TEST_CASE("a row is read whole or not at all", "[bpftrace_rows]") {
  CHECK_FALSE(parse_bpftrace_row("irq=36 duration=4"));
  CHECK_FALSE(parse_bpftrace_row("irq=36 duration=4us "));
  CHECK_FALSE(parse_bpftrace_row(" irq=36 duration=4us"));
  CHECK_FALSE(parse_bpftrace_row("irq= duration=4us"));
  CHECK_FALSE(parse_bpftrace_row("irq=36 duration=4.5us"));
  CHECK_FALSE(parse_bpftrace_row("irq=-1 duration=4us"));
  CHECK_FALSE(parse_bpftrace_row("softirq vec=10 duration=4us"));
  CHECK_FALSE(parse_bpftrace_row("softirq vec=3 durationsoftirq vec=7 duration=4us"));
  CHECK_FALSE(parse_bpftrace_row("irq=36 duration=99999999999999999999us"));
  CHECK(parse_bpftrace_row("irq=36 duration=-1238539167us")->duration_us == -1238539167);
  CHECK(parse_bpftrace_row("irq=36 duration=18446744073709545us")->duration_us == 18446744073709545);
}

TEST_CASE("what bpftrace prints around the rows is known and counted", "[bpftrace_rows]") {
  const CaptureBench bench;

  const BpftraceLog log = log_of(bench,
                                 "ERROR: Failed to bump: couldn't set RLIMIT_MEMLOCK for bpftrace\n"
                                 "Attaching 2 probes...\n"
                                 "pid=1 wake_to_run=3us\n"
                                 "\n"
                                 "Lost 12 events\n"
                                 "pid=2 wake_to_run=4us\n"
                                 "WARNING: Lost 5 events\n"
                                 "WARNING: Addrspace is not set\n"
                                 "\n"
                                 "@wake[77]: 7302861119703\n"
                                 "@wake[78]: 7302861119800\n");

  CHECK(log.program == BpftraceProgram::wakeup);
  CHECK(log.rows == 2);
  CHECK(log.rlimit_lines == 1);
  CHECK(log.attach_lines == 1);
  CHECK(log.blank_lines == 2);
  CHECK(log.lost_lines == 2);
  CHECK(log.lost_events == 17);
  CHECK(log.message_lines == 1);
  CHECK(log.map_lines == 2);
  CHECK(log.unknown_lines == 0);
}

TEST_CASE("a partial last line is kept aside even where it looks whole", "[bpftrace_rows]") {
  const CaptureBench bench;

  const BpftraceLog log = log_of(bench, "tid=7 epoll_wait=3us ret=1\ntid=7 epoll_wait=4us ret=1");

  CHECK(log.rows == 1);
  REQUIRE(log.partial_last_line);
  CHECK(log.partial_last_line->line == 2);
  CHECK(log.partial_last_line->text == "tid=7 epoll_wait=4us ret=1");
}

TEST_CASE("lines that end as on Windows are the same rows", "[bpftrace_rows]") {
  const CaptureBench bench;

  const BpftraceLog log = log_of(bench, "Attaching 2 probes...\r\nirq=1 duration=2us\r\n\r\n");

  CHECK(log.rows == 1);
  CHECK(log.unknown_lines == 0);
  CHECK(log.crlf_lines == 3);
}

TEST_CASE("a few unknown lines in a good capture are counted with their numbers", "[bpftrace_rows]") {
  const CaptureBench bench;
  std::string text = repeated("irq=36 duration=1us\n", 700);
  text += "irq=36 durairq=36 duration=1us\n" + repeated("irq=36 duration=2us\n", 100) + "^C\n";

  const BpftraceLog log = log_of(bench, text);

  CHECK(log.rows == 800);
  CHECK(log.unknown_lines == 2);
  REQUIRE(log.unknown.size() == 2);
  CHECK(log.unknown[0].line == 701);
  CHECK(log.unknown[1].line == 802);
  CHECK(log.unknown[1].text == "^C");
}

TEST_CASE("more than one unknown line in a hundred rows is refused at the first", "[bpftrace_rows]") {
  const CaptureBench bench;
  const std::string good = repeated("softirq vec=3 duration=1us\n", 300);

  CHECK(log_of(bench, good + repeated("softirq vec=3 duration=1\n", 3)).unknown_lines == 3);
  const auto error = refused(bench, good + repeated("softirq vec=3 duration=1\n", 4));

  CHECK(error.line() == 301);
  CHECK(error.column() == 25);
  CHECK(error.expected() == "us (as in 'softirq vec=%d duration=%dus')");
}

TEST_CASE("the output of another program is refused at its first line", "[bpftrace_rows]") {
  const CaptureBench bench;

  const auto histogram = refused(bench,
                                 "Attaching 4 probes...\n@usecs: \n"
                                 "[64, 128)             7 |@@@@@@@                |\n");
  CHECK(histogram.line() == 2);
  CHECK(histogram.column() == 1);
  CHECK(histogram.found() == "a bpftrace map: '@usecs: '");

  const auto trace =
      refused(bench, "          <idle>-0     [001] d.h1.  7302.861119: irq_handler_entry: irq=36 name=a\n");
  CHECK(trace.line() == 1);
  CHECK(trace.found().starts_with("trace text of ftrace or perf"));
  CHECK(trace.suggestion().find("calibration/bpftrace") != std::string::npos);

  const auto bcc = refused(
      bench, "Tracing block device I/O... Hit Ctrl-C to end.\n     usecs   : count    distribution\n");
  CHECK(bcc.line() == 1);

  const auto like_ours = refused(bench, "softirq vec=3 latency=4us\nsoftirq vec=3 latency=4us\n");
  CHECK(like_ours.column() == 14);
  CHECK(like_ours.expected() == " duration= (as in 'softirq vec=%d duration=%dus')");

  CHECK(refused(bench, "tracepoint:irq:softirq_entry\n{\n").found().starts_with("the text of a program"));
  CHECK(refused(bench, "agent,start_ns\n0,1\n").found().starts_with("a table with commas"));
}

TEST_CASE("a long capture of another program is refused without reading it all", "[bpftrace_rows]") {
  const CaptureBench bench;
  // The NUL at the end would be the error if the reader got there.
  const std::string text = repeated("net: packet 17 of 40\n", 100'000) + std::string{"\0\n", 2};

  CHECK(refused(bench, text).line() == 1);
}

TEST_CASE("two programs in one file are refused at the first row of the second", "[bpftrace_rows]") {
  const CaptureBench bench;

  const auto error = refused(bench, "irq=36 duration=1us\nirq=36 duration=2us\nsoftirq vec=3 duration=4us\n");

  CHECK(error.line() == 3);
  CHECK(error.found() == "a row of the softirq program");
  CHECK(error.suggestion().find("grep 'softirq vec='") != std::string::npos);
}

TEST_CASE("a capture without rows is refused and says what bpftrace complained of", "[bpftrace_rows]") {
  const CaptureBench bench;

  CHECK(refused(bench, "Attaching 2 probes...\n\n\n").found() == "no row");
  CHECK(refused(bench, "stdin:1:1-9: ERROR: tracepoint not found: irq:x\n").found() ==
        "no row, but 'stdin:1:1-9: ERROR: tracepoint not found: irq:x'");
  CHECK(refused(bench, "irq=1 duration=2us").found() == "no row");
  // As bpftrace prints it where tracefs is not mounted, with its quote of the program.
  const auto failed = refused(bench,
                              "ERROR: Unknown error -1: couldn't set RLIMIT_MEMLOCK for bpftrace.\n"
                              "softirq.bt:1:1-29: ERROR: tracepoint not found: irq:softirq_entry\n"
                              "tracepoint:irq:softirq_entry\n"
                              "~~~~~~~~~~~~~~~~~~~~~~~~~~~~\n");
  CHECK(failed.line() == 2);
  CHECK(failed.found() == "no row, but 'softirq.bt:1:1-29: ERROR: tracepoint not found: irq:softirq_entry'");
}

TEST_CASE("no damage to a capture does more than an input error", "[bpftrace_rows]") {
  const CaptureBench bench;
  const std::string good =
      "Attaching 2 probes...\n" + repeated("tid=7 epoll_wait=3us ret=1\n", 20) + "Lost 4 events\n";
  std::uint32_t random = 1;
  int read = 0;
  for (int round = 0; round < 2000; ++round) {
    std::string text = good;
    for (int edits = 0; edits < 3; ++edits) {
      random = random * 1664525 + 1013904223;
      text[(random >> 8) % text.size()] = static_cast<char>(random >> 24);
    }
    try {
      read += log_of(bench, text).rows > 0 ? 1 : 0;
    } catch (const scenarios::InputError& error) {
      CHECK(std::string{error.what()}.find('\n') == std::string::npos);
    }
  }
  CHECK(read > 0);
  CHECK(read < 2000);
}
