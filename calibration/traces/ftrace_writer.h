// Events as the text of the kernel's `trace` file, line by line in the form of the captures.
//
//   EventReader, SimulatedEvents ──write()──► "     agent-0-1004    [001] d..2.     1.000123: sched_switch:
//   ..."
//
// Models:   kernel/trace/trace.c: print_event_info, print_func_help_header(_irq), print_trace_fmt's lost
//           events; trace_output.c: trace_print_context, trace_print_lat_fmt; ftrace_print.h: the events.
// Header:   its totals are known at the end. Where the caller knows them before, they are as the kernel
//           prints them; else finish() puts them into their line, which blanks fill up. A pipe whose totals
//           are not known has a header without that line.
// Columns:  the flags' column is there when the first event has flags; an event without has "....." in it.
//           An event that does not say its CPU is printed on CPU 0; a task that is not known, as <...>.
// Left out: the TGID column; a need-resched in one of its two places (n, p), lazy ones (L), migrate-disable.
#pragma once

#include <fmt/format.h>

#include <cstdint>
#include <optional>

#include "calibration/traces/event.h"
#include "calibration/traces/ftrace_print.h"
#include "scenarios/output.h"

namespace calibration {

struct FtraceTotals {
  std::uint64_t events = 0;  // that will be written
  std::uint64_t lost = 0;    // more that were met and not kept, as the kernel counts an overrun
  int cpus = 0;
};

struct FtraceOptions {
  bool nanoseconds = false;  // nine digits, as `trace-cmd report -t`; the kernel rounds to six
  FtracePrintOptions print;
  std::optional<FtraceTotals> totals;  // where they are known before the first event
};

// Memory: one block of text, whatever the length.
class FtraceTextWriter {
 public:
  // `names` are the events'; both outlive the writer. finish() does not commit `file`.
  FtraceTextWriter(scenarios::OutputFile& file, const Names& names, const FtraceOptions& options = {})
      : file_{file}, names_{names}, options_{options} {}

  // Events in the order in which they shall stand. Throws scenarios::OutputError, as finish() does.
  void write(const Event& event);
  void finish();  // once, after the last event

 private:
  void header(bool flags);
  void context(const Event& event);
  void lost(const Event& event);
  void flush();

  scenarios::OutputFile& file_;
  const Names& names_;
  FtraceOptions options_;
  fmt::memory_buffer text_;
  FtraceTotals seen_;
  bool begun_ = false;
  bool flags_ = true;
};

}  // namespace calibration
