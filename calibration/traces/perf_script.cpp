#include "calibration/traces/perf_script.h"

#include <memory>

namespace calibration {
namespace {

// "         swapper     0", "iperf 27409/28744"
bool split_task(std::string_view text, EventLine& parts) {
  text = trimmed(text);
  const auto space = text.rfind(' ');
  if (space == std::string_view::npos) {
    return false;
  }
  std::string_view ids = text.substr(space + 1);
  if (const auto slash = ids.find('/'); slash != std::string_view::npos) {
    TextScan process{ids.substr(0, slash)};
    std::int32_t pid = 0;
    if (!process.number(pid) || !process.done()) {
      return false;
    }
    ids.remove_prefix(slash + 1);
  }
  TextScan tid{ids};
  if (!tid.number(parts.pid) || !tid.done() || parts.pid < -1) {
    return false;
  }
  parts.comm = trimmed(text.substr(0, space));
  return true;
}

// A sample's period stands before its event: "   250000 cycles:  ffffffff810..."
void skip_period(EventLine& parts) {
  TextScan text{parts.text};
  std::uint64_t period = 0;
  if (text.next_is_digit() && text.number(period) && text.next_is(' ')) {
    text.spaces();
    parts.text = text.rest();
  }
}

struct PerfGrammar {
  static constexpr std::string_view expected = "an event: 'comm tid [cpu] time: event: fields'";

  static bool split(std::string_view line, EventLine& parts) { return split_perf_line(line, parts); }

  static bool lost(std::string_view, const EventLine& parts, std::int32_t& cpu, LostEvents& lost) {
    TextScan text{parts.text};
    cpu = parts.cpu;
    return text.literal("PERF_RECORD_LOST lost ") && text.number(lost.count);
  }

  void took(const Event&) { in_sample_ = true; }

  bool passes(std::string_view line, CaptureLog&) {
    if (line.empty()) {
      in_sample_ = false;
      return true;
    }
    return line.front() == '#' || (in_sample_ && (line.front() == '\t' || line.front() == ' '));
  }

 private:
  bool in_sample_ = false;  // its stack may follow
};

}  // namespace

bool split_perf_line(std::string_view line, EventLine& parts) {
  constexpr int most_brackets = 4;
  std::size_t from = 0;
  for (int i = 0; i < most_brackets; ++i) {
    const auto bracket = line.find('[', from);
    if (bracket == std::string_view::npos || bracket == 0) {
      break;
    }
    from = bracket + 1;
    TextScan text{line.substr(bracket)};
    if (line[bracket - 1] == ' ' && split_cpu(text, parts.cpu) && text.next_is(' ')) {
      text.spaces();
      if (split_time(text, parts) && split_task(line.substr(0, bracket), parts)) {
        skip_period(parts);
        return true;
      }
    }
  }
  parts = {};
  std::string_view before;
  if (!find_time(line, parts, before) || !split_task(before, parts)) {
    return false;
  }
  skip_period(parts);
  return true;
}

TextFormat perf_script_format() {
  return {.format = CaptureFormat::perf_script,
          .recognises = [](std::string_view head) { return has_event<PerfGrammar>(head); },
          .open = [](TextInput input) -> std::unique_ptr<EventSource> {
            return std::make_unique<EventLines<PerfGrammar>>(input);
          },
          .time_of = time_of_line<PerfGrammar>};
}

}  // namespace calibration
