// Rows of the proposal's five bpftrace programs (calibration/bpftrace/*.bt), as bpftrace prints them:
//
//   irq=%d duration=%dus                    irq       irq_handler_entry to irq_handler_exit
//   softirq vec=%d duration=%dus            softirq   softirq_entry to softirq_exit
//   pid=%d wake_to_run=%dus                 wakeup    sched_wakeup to sched_switch
//   tid=%d epoll_wait=%dus ret=%d           epoll     sys_enter_epoll_wait to its exit
//   tid=%d io_uring_enter=%dus ret=%d       uring     sys_enter_io_uring_enter to its exit
//
// Which program it was is recognised from the rows. Around them bpftrace prints "Attaching N probes...",
// messages (ERROR:, WARNING:, "Lost N events"), blank lines and, at its end, the keys left in its map
// (`@wake[17]: 123`); all of these are known and counted. With -f json the same rows are the data of printf
// records (bpftrace_json.h), and what is around them are records of other types.
//
// A capture of anything else is refused at its first line. A single unknown line inside a good capture
// is counted and reported; more than one in a hundred rows (but always one) is refused. Two programs in
// one file are refused too, though their rows could be told apart: programs that ran together slowed each
// other and the workload down, so their durations are not those of runs of each alone.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "calibration/traces/bpftrace_json.h"
#include "calibration/traces/capture_file.h"

namespace calibration {

enum class BpftraceProgram { irq, softirq, wakeup, epoll, uring };
inline constexpr int bpftrace_programs = 5;

std::string_view to_string(BpftraceProgram program);                  // "irq", "softirq", ...
std::string_view row_form(BpftraceProgram program);                   // "irq=%d duration=%dus", ...
std::optional<BpftraceProgram> program_named(std::string_view name);  // by to_string
std::string_view softirq_name(std::int64_t vec);  // "NET_RX" for 3, as in /proc/softirqs; "" beyond 9

struct BpftraceRow {
  BpftraceProgram program{};
  std::int64_t key = 0;          // irq number, softirq vector, pid or tid
  std::int64_t duration_us = 0;  // as printed, so possibly negative or absurd: see fit/plausible.h
  std::int64_t ret = 0;          // of the syscall (epoll, uring)
};

// The row on `line`, whichever of the five forms it has; none if it has none of them.
std::optional<BpftraceRow> parse_bpftrace_row(std::string_view line);

// Where `line` stops being a row, by the form that it follows furthest.
struct RowMismatch {
  std::int64_t column = 1;
  std::string expected;
};
RowMismatch explain_mismatch(std::string_view line);

struct NumberedLine {
  std::int64_t line = 0;
  std::string text;
};

// What a capture held besides rows.
struct BpftraceLog {
  static constexpr std::size_t kept = 5;  // of each list, the first few

  std::optional<BpftraceProgram> program;
  bool json = false;  // printed with -f json
  std::uint64_t rows = 0;
  std::uint64_t attach_lines = 0;  // more than one: several runs were appended
  std::uint64_t blank_lines = 0;
  std::uint64_t map_lines = 0;      // intervals that were open when tracing ended
  std::uint64_t lost_lines = 0;     // "Lost N events" lines
  std::uint64_t lost_events = 0;    // sum of their N
  std::uint64_t rlimit_lines = 0;   // "couldn't set RLIMIT_MEMLOCK": harmless where rows follow
  std::uint64_t message_lines = 0;  // other ERROR: and WARNING: lines
  std::uint64_t unknown_lines = 0;
  std::uint64_t crlf_lines = 0;
  std::vector<NumberedLine> messages;             // the first few of message_lines
  std::vector<NumberedLine> unknown;              // the first few of unknown_lines
  std::optional<NumberedLine> partial_last_line;  // cut in mid-row; not counted as a row
};

class BpftraceReader {
 public:
  explicit BpftraceReader(const std::filesystem::path& path);

  // The next row; false at the end. Throws InputError (see above), also at the end, when the whole
  // capture turns out not to be one.
  bool next(BpftraceRow& row);

  const CaptureFile& file() const { return file_; }
  const BpftraceLog& log() const { return log_; }  // complete once next() returned false

 private:
  bool next_text(std::string_view& line);
  bool take_record(std::string_view line);
  bool note_open_intervals(const std::vector<CapturedValue>& values);
  bool note_aside(std::string_view line);
  void note_unknown(std::string_view line);
  void check_program(const BpftraceRow& row);
  void finish();
  scenarios::InputError foreign() const;

  CaptureFile file_;
  BpftraceLog log_;
  PrintedLines printed_;  // by the printf records so far
  std::string printed_line_;
  bool from_record_ = false;  // the line at hand is printed_line_
};

}  // namespace calibration
