#include "calibration/traces/ftrace_writer.h"

#include <fmt/compile.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "calibration/traces/ftrace_flags.h"

namespace calibration {
namespace {

constexpr std::size_t block = 1 << 16;
constexpr std::string_view before_totals = "# tracer: nop\n#\n";
// Room for two counts of 20 digits and a CPU number.
constexpr std::size_t totals_width = 96;

constexpr std::string_view flags_legend =
    "#                                _-----=> irqs-off/BH-disabled\n"
    "#                               / _----=> need-resched\n"
    "#                              | / _---=> hardirq/softirq\n"
    "#                              || / _--=> preempt-depth\n"
    "#                              ||| / _-=> migrate-disable\n"
    "#                              |||| /     delay\n"
    "#           TASK-PID     CPU#  |||||  TIMESTAMP  FUNCTION\n"
    "#              | |         |   |||||     |         |\n";
constexpr std::string_view legend =
    "#           TASK-PID     CPU#     TIMESTAMP  FUNCTION\n"
    "#              | |         |         |         |\n";

std::string totals_line(const FtraceTotals& totals) {
  return fmt::format("# entries-in-buffer/entries-written: {}/{}   #P:{}", totals.events,
                     totals.events + totals.lost, totals.cpus);
}

}  // namespace

void FtraceTextWriter::write(const Event& event) {
  if (!begun_) {
    header(event.flags.known);
  }
  if (event.kind == EventKind::lost) {
    return lost(event);
  }
  ++seen_.events;
  seen_.cpus = std::max(seen_.cpus, event.cpu + 1);
  context(event);
  print_event(text_, event, names_, options_.print);
  text_.push_back('\n');
  if (text_.size() >= block) {
    flush();
  }
}

void FtraceTextWriter::finish() {
  if (!begun_) {
    header(true);
  }
  flush();
  if (!options_.totals && file_.seekable()) {
    file_.rewrite(before_totals.size(), totals_line(seen_));
  }
}

void FtraceTextWriter::header(bool flags) {
  begun_ = true;
  flags_ = flags;
  text_.append(before_totals);
  if (options_.totals) {
    text_.append(totals_line(*options_.totals) + "\n#\n");
  } else if (file_.seekable()) {
    text_.append(std::string(totals_width, ' ') + "\n#\n");
  }
  text_.append(flags_ ? flags_legend : legend);
}

void FtraceTextWriter::context(const Event& event) {
  const std::string_view comm = event.pid == 0             ? std::string_view{"<idle>"}
                                : event.comm == Name::none ? std::string_view{"<...>"}
                                                           : names_.text(event.comm);
  text_.append(std::string_view{"                "}.substr(std::min(comm.size(), std::size_t{16})));
  text_.append(comm);
  fmt::format_to(fmt::appender{text_}, FMT_COMPILE("-{:<7} [{:03}] "), std::max(event.pid, 0),
                 std::max(event.cpu, 0));
  if (flags_) {
    const std::array<char, 5> column = flags_column(event.flags);
    text_.append(column);
    text_.push_back(' ');
  }
  const auto ns = static_cast<std::uint64_t>(std::max(event.time, std::int64_t{0}));
  if (options_.nanoseconds) {
    fmt::format_to(fmt::appender{text_}, FMT_COMPILE("{:>5}.{:09}: "), ns / 1'000'000'000,
                   ns % 1'000'000'000);
  } else {
    const std::uint64_t us = (ns + 500) / 1000;  // ns2usecs() rounds
    fmt::format_to(fmt::appender{text_}, FMT_COMPILE("{:>5}.{:06}: "), us / 1'000'000, us % 1'000'000);
  }
}

void FtraceTextWriter::lost(const Event& event) {
  seen_.lost += event.lost.count;
  const int cpu = std::max(event.cpu, 0);
  if (event.lost.count == 0) {
    fmt::format_to(fmt::appender{text_}, FMT_COMPILE("CPU:{} [LOST EVENTS]\n"), cpu);
  } else {
    fmt::format_to(fmt::appender{text_}, FMT_COMPILE("CPU:{} [LOST {} EVENTS]\n"), cpu, event.lost.count);
  }
}

void FtraceTextWriter::flush() {
  file_.write({text_.data(), text_.size()});
  text_.clear();
}

}  // namespace calibration
