// What the text formats have in common: a line that is one event, and the reading of a whole text of them.
//
//   CaptureFile ─line─► Grammar::split ─EventLine─► EventFields ─► Event
//
// A Grammar is a text format: FtraceGrammar (ftrace_text.cpp), PerfGrammar (perf_script.cpp).
#pragma once

#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>

#include "calibration/traces/event_fields.h"
#include "calibration/traces/text_format.h"
#include "calibration/traces/text_scan.h"

namespace calibration {

struct EventLine {  // views into the line
  std::string_view comm;
  std::int32_t pid = -1;
  std::int32_t cpu = -1;
  EventFlags flags;
  std::int64_t time = 0;        // ns
  std::int64_t resolution = 1;  // ns
  std::string_view text;        // the event: "sched_switch: prev_comm=..."
};

// "6910.525818: " at `text` into time, resolution and, behind it, the event's text. False for what is no time
// and for one that int64 nanoseconds cannot hold.
bool split_time(TextScan text, EventLine& line);

// "[003]" as a CPU, 0..4095; `text` moves behind it.
bool split_cpu(TextScan& text, std::int32_t& cpu);

// A time somewhere behind the first word, in lines without a CPU: what comes before it, trimmed. False if
// none.
bool find_time(std::string_view line, EventLine& parts, std::string_view& before);

// Keeps the first few warnings.
void warn(CaptureLog& log, std::int64_t line, std::string text);

// Counts the lines that make no sense and gives up when they are too many: more than one in 20 after 100
// lines, or no event in the first 1000.
class Nonsense {
 public:
  static constexpr std::int64_t allowed_share = 20, enough_lines = 100, longest_prelude = 1000;

  // The line of `input.file` that was taken last makes no sense from `column` (from 1) on.
  void unknown(const TextInput& input, std::string_view line, std::size_t column, std::string_view expected);
  void known() { ++known_; }
  void passed() { ++passed_; }

 private:
  std::int64_t known_ = 0, unknown_ = 0, passed_ = 0;
};

template <class Grammar>
class EventLines final : public EventSource {
 public:
  explicit EventLines(TextInput input) : input_{input}, fields_{input.names} {}

  bool next(Event& event) override {
    for (std::string_view line; input_.file.next_line(line);) {
      ++input_.log.lines;
      EventLine parts;
      const bool split = Grammar::split(line, parts);
      if (split && fields_.read(parts.text, event)) [[likely]] {
        fill(parts, event);
        return true;
      }
      if (grammar_.lost(line, parts, event.cpu, event.lost = {})) {
        input_.log.lost_events += event.lost.count;
        if (any_) {  // before the first event there is no time at which to lose any
          return lose(event);
        }
      } else if (!split && grammar_.passes(line, input_.log)) {
        nonsense_.passed();
      } else if (input_.file.partial_line()) {
        input_.log.partial_last_line = true;
      } else {
        const char* const from = split ? parts.text.data() : trimmed(line).data();
        nonsense_.unknown(input_, line, static_cast<std::size_t>(from - line.data()) + 1, Grammar::expected);
      }
    }
    finish();
    return false;
  }

 private:
  void fill(const EventLine& parts, Event& event) {
    event.time = parts.time;
    event.cpu = parts.cpu;
    event.pid = parts.pid;
    event.comm = parts.comm == "<...>" ? Name::none : fields_.intern(parts.comm);
    event.flags = parts.flags;
    grammar_.took(event);
    nonsense_.known();
    last_time_ = parts.time;
    if (!any_ || parts.resolution < input_.log.time_resolution) {
      input_.log.time_resolution = parts.resolution;
    }
    any_ = true;
    input_.log.partial_last_line |= input_.file.partial_line();
  }

  bool lose(Event& event) {
    event.time = last_time_;
    event.pid = -1;
    event.comm = Name::none;
    event.flags = {};
    event.kind = EventKind::lost;
    return true;
  }

  void finish() {
    if (fields_.raw_syscalls()) {
      warn(input_.log, 0, "system calls are given by number, which is read as x86-64's");
    }
  }

  TextInput input_;
  EventFields fields_;
  Grammar grammar_;
  Nonsense nonsense_;
  std::int64_t last_time_ = 0;
  bool any_ = false;
};

template <class Grammar>
bool time_of_line(std::string_view line, std::int64_t& time) {
  EventLine parts;
  const bool split = Grammar::split(line, parts);
  time = parts.time;
  return split;
}

// For recognition: whether a line of `head` is an event by this grammar.
template <class Grammar>
bool has_event(std::string_view head) {
  while (!head.empty()) {
    const auto newline = std::min(head.find('\n'), head.size());
    EventLine parts;
    if (Grammar::split(head.substr(0, newline), parts) && !parts.text.empty()) {
      return true;
    }
    head.remove_prefix(std::min(newline + 1, head.size()));
  }
  return false;
}

}  // namespace calibration
