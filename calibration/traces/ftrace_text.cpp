#include "calibration/traces/ftrace_text.h"

#include <algorithm>
#include <limits>
#include <memory>

namespace calibration {
namespace {

using namespace std::string_view_literals;

// "        agent-0-9967", with "(  549)" or "(-----)" behind it where the trace has TGIDs. Empty is nobody.
bool split_task(std::string_view text, EventLine& parts) {
  text = trimmed(text);
  if (text.empty()) {
    return true;
  }
  if (text.back() == ')') {
    const auto open = text.rfind('(');
    if (open == std::string_view::npos ||
        text.find_first_not_of("0123456789- ", open + 1) != text.size() - 1) {
      return false;
    }
    text = trimmed(text.substr(0, open));
  }
  // The pid from its last digit to its first; eleven digits are more than an int32 has.
  const char* const begin = text.data();
  const char* p = begin + text.size();
  std::int64_t pid = 0;
  std::int64_t place = 1;
  for (unsigned d = 0; p != begin && place <= 10'000'000'000 && (d = TextScan::digit(p[-1])) < 10; --p) {
    pid += place * d;
    place *= 10;
  }
  if (p == begin || p[-1] != '-' || place == 1 || pid > std::numeric_limits<std::int32_t>::max()) {
    return false;
  }
  parts.pid = static_cast<std::int32_t>(pid);
  parts.comm = {begin, static_cast<std::size_t>(p - 1 - begin)};
  return true;
}

bool is_flags(std::string_view column) {
  return column.size() >= 4 && column.size() <= 8 && TextScan::digit(column.front()) >= 10 &&
         std::all_of(column.begin(), column.end(), TextScan::in_name);
}

// Behind the CPU: "d.h1.  6910.964497: event", or without flags.
bool split_stamp(TextScan text, EventLine& parts) {
  text.spaces();
  if (!text.next_is_digit()) {
    const std::string_view column = text.word();
    if (column.size() < 4 || column.size() > 8) {
      return false;
    }
    parts.flags = ftrace_flags(column);
    text.spaces();
  }
  return split_time(text, parts);
}

// "<idle>-0  6.594695: event" and, from trace-cmd report -l, "<idle>-0       3d.h1  6.594695: event".
bool split_without_cpu(std::string_view line, EventLine& parts) {
  std::string_view before;
  if (!find_time(line, parts, before) || before.empty()) {
    return false;
  }
  if (split_task(before, parts)) {
    return true;
  }
  const auto space = before.rfind(' ');
  if (space == std::string_view::npos) {
    return false;
  }
  TextScan latency{before.substr(space + 1)};
  if (!scan_cpu(latency, parts.cpu) || !is_flags(latency.rest())) {
    return false;
  }
  parts.flags = ftrace_flags(latency.rest());
  return split_task(before.substr(0, space), parts);
}

// "CPU:3 [LOST 123 EVENTS]" of the kernel; "CPU:3 [123 EVENTS DROPPED]" of trace-cmd; without a number where
// the kernel could not count them.
bool lost_line(TextScan text, std::int32_t& cpu, LostEvents& lost) {
  if (!text.literal("CPU:") || !scan_cpu(text, cpu) || !text.literal(" [")) {
    return false;
  }
  if (text.literal("LOST ")) {
    if (text.next_is_digit()) {
      return text.number(lost.count) && text.literal(" EVENTS]");
    }
    return text.literal("EVENTS]");
  }
  if (text.next_is_digit() && !(text.number(lost.count) && text.literal(" "))) {
    return false;
  }
  return text.literal("EVENTS DROPPED]");
}

struct FtraceGrammar {
  static constexpr std::string_view expected = "an event: 'task-pid [cpu] flags time: tracepoint: fields'";

  static bool split(std::string_view line, EventLine& parts) { return split_ftrace_line(line, parts); }

  static bool lost(std::string_view line, const EventLine&, std::int32_t& cpu, LostEvents& lost) {
    return lost_line(TextScan{trimmed(line)}, cpu, lost);
  }

  // What whoever prints into the trace puts there may have several lines.
  void took(const Event& event) {
    in_event_ = event.kind == EventKind::other;
    rest_of_event_ = 0;
  }

  bool passes(std::string_view line, CaptureLog& log) {
    if (line.empty() || line.front() == '#') {
      header(line, log);
      return true;
    }
    line = trimmed(line);
    if (line.empty() || line.starts_with("=> ") || line.starts_with("cpus=") ||
        line.starts_with("version = ") || line.starts_with("TRACE:") ||
        (line.starts_with("CPU ") && line.ends_with(" is empty"))) {
      if (line.starts_with("cpus=")) {
        log.detail = "trace-cmd report";
      }
      return true;
    }
    constexpr int longest_event = 16;
    return in_event_ && ++rest_of_event_ <= longest_event;
  }

 private:
  // "# entries-in-buffer/entries-written: 89484/912978   #P:2": the others were overwritten.
  static void header(std::string_view line, CaptureLog& log) {
    TextScan text{line};
    std::uint64_t kept = 0;
    std::uint64_t written = 0;
    if (text.literal("# entries-in-buffer/entries-written: ") && text.number(kept) && text.literal("/") &&
        text.number(written) && written > kept) {
      log.lost_events += written - kept;
      warn(log, 0,
           std::to_string(written - kept) + " of " + std::to_string(written) +
               " events are not in the trace (the buffer was full)");
    }
    if (line.find("TASK-PID") != std::string_view::npos && line.find("TGID") != std::string_view::npos) {
      log.detail = "with TGID column";
    }
  }

  bool in_event_ = false;
  int rest_of_event_ = 0;
};

}  // namespace

bool split_ftrace_line(std::string_view line, EventLine& parts) {
  constexpr int most_brackets = 4;  // a task's name may hold "[" too
  const char* const end = line.data() + line.size();
  const char* from = line.data();
  for (int i = 0; i < most_brackets; ++i) {
    const auto* bracket =
        static_cast<const char*>(std::memchr(from, '[', static_cast<std::size_t>(end - from)));
    if (bracket == nullptr) {
      break;
    }
    from = bracket + 1;
    if (bracket != line.data() && bracket[-1] != ' ') {
      continue;
    }
    TextScan text{{bracket, static_cast<std::size_t>(end - bracket)}};
    if (split_cpu(text, parts.cpu) && text.next_is(' ') && split_stamp(text, parts) &&
        split_task({line.data(), static_cast<std::size_t>(bracket - line.data())}, parts)) {
      return true;
    }
  }
  parts = {};
  return split_without_cpu(line, parts);
}

EventFlags ftrace_flags(std::string_view column) {
  EventFlags flags;
  if (!is_flags(column)) {
    return flags;
  }
  // PREEMPT_RT's own trees have a second need-resched (lazy) before the context.
  const std::size_t context = column.size() >= 6 ? 3 : 2;
  const char depth = column[context + 1];
  flags.known = true;
  flags.irqs_off = column[0] == 'd' || column[0] == 'D';
  flags.bh_off = column[0] == 'b' || column[0] == 'D';
  flags.need_resched = column[1] != '.';
  const char where = column[context];
  flags.hardirq = where == 'h' || where == 'H' || where == 'z' || where == 'Z';  // an NMI counts as a hardirq
  flags.softirq = where == 's' || where == 'H';
  flags.preempt_depth =
      depth == '.' ? std::uint8_t{0} : static_cast<std::uint8_t>(TextScan::hex_digit(depth) & 15);
  return flags;
}

TextFormat ftrace_text_format() {
  return {.format = CaptureFormat::ftrace,
          .recognises =
              [](std::string_view head) {
                return head.starts_with("# tracer:") || has_event<FtraceGrammar>(head);
              },
          .open = [](TextInput input) -> std::unique_ptr<EventSource> {
            return std::make_unique<EventLines<FtraceGrammar>>(input);
          },
          .time_of = time_of_line<FtraceGrammar>};
}

}  // namespace calibration
