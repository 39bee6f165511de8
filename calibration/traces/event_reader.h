// Opens any capture and streams its events: the format is recognised from the first bytes and lines, never
// asked for.
//
//   EventReader reader{"k2-n4.trace.zst"};
//   for (Event event; reader.next(event);) { ... reader.names().text(event.comm) ... }
//   reader.log()
//
// Formats:  text of ftrace (trace, trace_pipe), trace-cmd report, perf script, perf sched script, Android
//           systrace/atrace; trace.dat; LTTng CTF (a directory); our chain program's rows, also as -f json.
//           Plain, .gz, .xz, .zst. Rows of the proposal's five programs and histograms hold no events:
//           bpftrace_rows.h and histogram_text.h read those; EventReader refuses them by name.
// Throws scenarios::InputError with file:line:column: what the file is instead of a capture, a capture whose
//           lines mostly make no sense, damaged data, a third-party parser that crashed or ran out of time.
// Memory:   a block of input, the names, one event; independent of the capture's length.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "calibration/traces/event.h"

namespace calibration {

enum class CaptureFormat {
  ftrace,          // `trace`, `trace_pipe`, Android's atrace, trace-cmd report: one line grammar
  perf_script,     // perf script, perf sched script
  trace_dat,       // trace-cmd's binary
  ctf,             // LTTng, a directory
  bpftrace_chain,  // our chain program's rows
  bpftrace_json,   // the same as -f json
};
std::string_view to_string(CaptureFormat format);

struct CaptureWarning {
  std::int64_t line = 0;  // 0: of the whole file
  std::string text;
};

// What was met on the way. Complete once next() has returned false.
struct CaptureLog {
  static constexpr std::size_t kept_warnings = 8;

  CaptureFormat format{};
  std::string detail;       // "trace-cmd report", "with TGID column", "babeltrace2 2.0.4", ...
  std::uint64_t lines = 0;  // of text formats
  std::uint64_t events = 0;
  std::uint64_t other_events = 0;              // of them, tracepoints without a kind of their own
  std::uint64_t unknown_lines = 0;             // that are neither event nor known decoration
  std::uint64_t lost_events = 0;               // as the tracer counted them
  std::uint64_t time_went_back = 0;            // events earlier than the one before
  std::int64_t first_time = 0, last_time = 0;  // ns
  std::int64_t time_resolution = 1;            // ns: 1000 where stamps have microseconds
  int cpus = 0;                                // highest cpu + 1
  bool partial_last_line = false;              // the capture broke off within a line
  int sorted_runs = 1;                         // that were merged
  std::vector<CaptureWarning> warnings;        // the first few
};

// The capture is made of several sorted runs, one after another (some tracers write each buffer whole).
// Thrown by next() at the first event of the second run, when the rest has been looked through for further
// ones; read it again with the runs' beginnings known. A run begins where time goes back by more than 1 ms.
struct UnsortedCapture {
  std::vector<std::int64_t> runs;  // lines at which runs begin, ascending, without the first
};

class EventSource {  // one format's reader
 public:
  virtual ~EventSource() = default;
  virtual bool next(Event& event) = 0;
  virtual double progress() const {
    return 0;
  }  // share of the input taken so far, where no CaptureFile tells
};

// Of several runs, events of the same time keep their run's order, and between runs these rules hold: on a
// CPU, whatever its current task does comes before the switch that ends its turn, and the switch to a task
// before what that task does; otherwise the earlier run comes first. So a system call's entry stays before,
// and its exit behind, the switch of the same microsecond.
class EventReader {
 public:
  static constexpr std::size_t most_runs = 32;

  // `runs`: lines at which further sorted runs begin, as an UnsortedCapture told; they are merged by time.
  explicit EventReader(const std::filesystem::path& path, std::vector<std::int64_t> runs = {});
  ~EventReader();
  EventReader(const EventReader&) = delete;
  EventReader& operator=(const EventReader&) = delete;

  // The next event; false at the end. Throws InputError, UnsortedCapture (regular files only).
  bool next(Event& event);

  Names& names();
  const CaptureLog& log() const;
  const std::string& name() const;  // as the user gave it
  double progress() const;          // share of the input taken so far, 0..1; 0 where it is not known

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// Calls read(reader) for the capture, and once more from the start where it turns out to be several runs.
template <class Read>
void read_capture(const std::filesystem::path& path, Read&& read) {
  std::vector<std::int64_t> runs;
  try {
    EventReader reader{path};
    return read(reader);
  } catch (UnsortedCapture& unsorted) {
    runs = std::move(unsorted.runs);
  }
  EventReader reader{path, std::move(runs)};
  read(reader);
}

}  // namespace calibration
