#include "calibration/traces/foreign_text.h"

#include <algorithm>
#include <cctype>

namespace calibration {
namespace {

bool contains(std::string_view line, std::string_view part) {
  return line.find(part) != std::string_view::npos;
}

// "     task-1234  [001] d.h1.  7302.861119: irq_handler_entry: irq=36 name=virtio1-req.0"
bool is_trace_event(std::string_view line) {
  const auto cpu = line.find('[');
  if (cpu == std::string_view::npos || cpu + 4 >= line.size() || line[cpu + 4] != ']') {
    return false;
  }
  const std::string_view number = line.substr(cpu + 1, 3);
  return std::all_of(number.begin(), number.end(), [](unsigned char c) { return std::isdigit(c) != 0; }) &&
         contains(line.substr(cpu), ": ");
}

bool is_program_text(std::string_view line) {
  return line.starts_with("tracepoint:") || line.starts_with("kprobe:") || line.starts_with("#!") ||
         line.starts_with("bpftrace ") || line.starts_with("BEGIN");
}

}  // namespace

ForeignText recognise_foreign_text(std::string_view line) {
  constexpr std::string_view run_the_five =
      "run the programs in calibration/bpftrace, for example 'bpftrace softirq.bt > n4.softirq.txt'";
  if (is_trace_event(line) || line.starts_with("# tracer:")) {
    return {"trace text of ftrace or perf", run_the_five};
  }
  if (contains(line, "|@") || (contains(line, "|*") && contains(line, "->"))) {
    return {"a histogram", "a histogram has lost the rows it was made of; capture them one a line"};
  }
  if (contains(line, "count") && contains(line, "distribution")) {
    return {"a histogram", "a histogram has lost the rows it was made of; capture them one a line"};
  }
  if (line.starts_with("@")) {
    return {"a bpftrace map", run_the_five};
  }
  if (is_program_text(line)) {
    return {"the text of a program", "give what the program printed, not the program"};
  }
  if (line.starts_with("agent,") || line.starts_with("tid,")) {
    return {"a table with commas", "the steps and roles files go beside the capture, under its name"};
  }
  if (line.starts_with("{") || line.starts_with("[{") || line.starts_with("<")) {
    return {"JSON or markup", run_the_five};
  }
  return {"", run_the_five};
}

}  // namespace calibration
