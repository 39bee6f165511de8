#include "calibration/traces/bpftrace_rows.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <limits>

#include "calibration/traces/captured_tables.h"
#include "calibration/traces/foreign_text.h"

namespace calibration {
namespace {

constexpr std::array<std::string_view, bpftrace_programs> names{"irq", "softirq", "wakeup", "epoll", "uring"};

constexpr std::array<std::string_view, bpftrace_programs> forms{
    "irq=%d duration=%dus",          "softirq vec=%d duration=%dus",      "pid=%d wake_to_run=%dus",
    "tid=%d epoll_wait=%dus ret=%d", "tid=%d io_uring_enter=%dus ret=%d",
};

constexpr std::array<std::string_view, bpftrace_programs> maps{"@irq_start[", "@soft_start[", "@wake[",
                                                               "@epoll[", "@uring["};

// include/linux/interrupt.h, in order; the names as /proc/softirqs prints them.
constexpr std::array<std::string_view, 10> softirqs{"HI",       "TIMER",   "NET_TX", "NET_RX",  "BLOCK",
                                                    "IRQ_POLL", "TASKLET", "SCHED",  "HRTIMER", "RCU"};

// A line read along a row form. `column` (from 0) is where it stopped, `expected` why; empty when it fits.
struct Match {
  std::array<std::int64_t, 3> numbers{};
  std::size_t column = 0;
  std::string_view expected;
};

bool key_in_range(BpftraceProgram program, std::int64_t key) {
  const std::int64_t last = program == BpftraceProgram::softirq ? std::int64_t{softirqs.size()} - 1
                                                                : std::numeric_limits<std::int32_t>::max();
  return key >= 0 && key <= last;
}

Match match(std::string_view line, BpftraceProgram program) {
  Match result;
  std::size_t number = 0;
  std::string_view form = row_form(program);
  while (!form.empty()) {
    if (form.starts_with("%d")) {
      std::int64_t& value = result.numbers[number];
      const char* begin = line.data() + result.column;
      const auto [end, error] = std::from_chars(begin, line.data() + line.size(), value);
      if (error != std::errc{}) {
        result.expected =
            error == std::errc::result_out_of_range ? "a number of at most 64 bits" : "a number";
        return result;
      }
      if (number == 0 && !key_in_range(program, value)) {
        result.expected = program == BpftraceProgram::softirq ? "a softirq vector (0 to 9)" : "an id from 0";
        return result;
      }
      ++number;
      result.column += static_cast<std::size_t>(end - begin);
      form.remove_prefix(2);
    } else {
      const std::string_view text = form.substr(0, form.find('%'));
      if (!line.substr(result.column).starts_with(text)) {
        result.expected = text;
        return result;
      }
      result.column += text.size();
      form.remove_prefix(text.size());
    }
  }
  if (result.column < line.size()) {
    result.expected = "the end of the line";
  }
  return result;
}

// "Lost 17 events", which newer versions print as a warning.
std::optional<std::uint64_t> lost_events(std::string_view line) {
  constexpr std::string_view warning = "WARNING: ";
  constexpr std::string_view lost = "Lost ";
  if (line.starts_with(warning)) {
    line.remove_prefix(warning.size());
  }
  if (!line.starts_with(lost)) {
    return std::nullopt;
  }
  line.remove_prefix(lost.size());
  std::uint64_t count = 0;
  const auto [end, error] = std::from_chars(line.data(), line.data() + line.size(), count);
  line.remove_prefix(static_cast<std::size_t>(end - line.data()));
  return error == std::errc{} && line.starts_with(" event") ? std::optional{count} : std::nullopt;
}

bool is_message(std::string_view line) {
  return line.starts_with("ERROR") || line.starts_with("WARNING") || line.starts_with("HINT") ||
         line.find(": ERROR: ") != std::string_view::npos ||
         line.find(": WARNING: ") != std::string_view::npos;
}

// bpftrace gave up, so whatever else it printed belongs to its complaint.
bool has_error(const std::vector<NumberedLine>& messages) {
  return std::any_of(messages.begin(), messages.end(), [](const NumberedLine& message) {
    return message.text.find("ERROR") != std::string::npos;
  });
}

bool is_map_line(std::string_view line, std::optional<BpftraceProgram> program) {
  return program && line.starts_with(maps[static_cast<std::size_t>(*program)]) &&
         line.find("]: ") != std::string_view::npos;
}

void keep(std::vector<NumberedLine>& lines, std::int64_t number, std::string_view text) {
  if (lines.size() < BpftraceLog::kept) {
    lines.push_back({.line = number, .text = std::string{text}});
  }
}

std::string all_forms() {
  std::string text = "a row of one of the five programs (";
  for (const std::string_view form : forms) {
    text += (form == forms.front() ? "" : " | ") + std::string{form};
  }
  return text + ")";
}

}  // namespace

std::string_view to_string(BpftraceProgram program) { return names[static_cast<std::size_t>(program)]; }

std::string_view row_form(BpftraceProgram program) { return forms[static_cast<std::size_t>(program)]; }

std::optional<BpftraceProgram> program_named(std::string_view name) {
  const auto found = std::find(names.begin(), names.end(), name);
  if (found == names.end()) {
    return std::nullopt;
  }
  return static_cast<BpftraceProgram>(found - names.begin());
}

std::string_view softirq_name(std::int64_t vec) {
  return vec >= 0 && vec < std::int64_t{softirqs.size()} ? softirqs[static_cast<std::size_t>(vec)] : "";
}

std::optional<BpftraceRow> parse_bpftrace_row(std::string_view line) {
  for (int i = 0; i < bpftrace_programs; ++i) {
    const auto program = static_cast<BpftraceProgram>(i);
    if (const Match row = match(line, program); row.expected.empty()) {
      return BpftraceRow{
          .program = program, .key = row.numbers[0], .duration_us = row.numbers[1], .ret = row.numbers[2]};
    }
  }
  return std::nullopt;
}

RowMismatch explain_mismatch(std::string_view line) {
  RowMismatch best{.column = 1, .expected = all_forms()};
  for (int i = 0; i < bpftrace_programs; ++i) {
    const auto program = static_cast<BpftraceProgram>(i);
    const Match row = match(line, program);
    if (const auto column = static_cast<std::int64_t>(row.column) + 1; column > best.column) {
      best.column = column;
      best.expected = std::string{row.expected} + " (as in '" + std::string{row_form(program)} + "')";
    }
  }
  return best;
}

// A map's record holds all of the map.
BpftraceReader::BpftraceReader(const std::filesystem::path& path) : file_{path, TableLimits::line} {}

bool BpftraceReader::next(BpftraceRow& row) {
  for (std::string_view line; next_text(line);) {
    if (file_.partial_line() && !from_record_ && !line.empty()) {
      // Even if it looks whole: "ret=1" may be the start of "ret=12".
      log_.partial_last_line = NumberedLine{.line = file_.line_number(), .text = std::string{line}};
    } else if (const auto parsed = parse_bpftrace_row(line)) {
      row = *parsed;
      check_program(row);
      ++log_.rows;
      return true;
    } else if (!note_aside(line)) {
      note_unknown(line);
    }
  }
  finish();
  return false;
}

// The next line that was printed: of the file, or out of its records.
bool BpftraceReader::next_text(std::string_view& line) {
  for (;;) {
    from_record_ = printed_.next(printed_line_);
    if (from_record_) {
      line = printed_line_;
      return true;
    }
    if (!file_.next_line(line)) {
      return false;
    }
    if (file_.partial_line() || !take_record(line)) {
      return true;
    }
  }
}

// Whether `line` is a record that belongs to the five programs; what it prints is in printed_.
bool BpftraceReader::take_record(std::string_view line) {
  using Kind = BpftraceRecord::Kind;
  const auto record = is_bpftrace_record(line) ? parse_bpftrace_record(line) : std::nullopt;
  if (!record) {
    return false;
  }
  log_.json = true;
  switch (record->kind) {
    case Kind::text:
      printed_.add(record->text);
      return true;
    case Kind::attached_probes:
      ++log_.attach_lines;
      return true;
    case Kind::lost_events:
      ++log_.lost_lines;
      log_.lost_events += record->count;
      return true;
    case Kind::tables:
      return note_open_intervals(record->values);
    case Kind::message:
      ++log_.message_lines;
      keep(log_.messages, file_.line_number(), record->text);
      return true;
    case Kind::time:
    case Kind::other:
      break;
  }
  return false;
}

// Whether these are what was left in the program's own map.
bool BpftraceReader::note_open_intervals(const std::vector<CapturedValue>& values) {
  const bool own = std::all_of(values.begin(), values.end(), [&](const CapturedValue& value) {
    return log_.program && maps[static_cast<std::size_t>(*log_.program)] == value.name + "[";
  });
  log_.map_lines += own ? values.size() : 0;
  return own;
}

// Lines that bpftrace itself prints around the rows.
bool BpftraceReader::note_aside(std::string_view line) {
  if (line.find_first_not_of(" \t") == std::string_view::npos) {
    ++log_.blank_lines;
  } else if ((line.starts_with("Attaching ") && line.ends_with("...")) ||
             (line.starts_with("Attached ") && line.find(" probe") != std::string_view::npos)) {
    ++log_.attach_lines;
  } else if (const auto lost = lost_events(line)) {
    ++log_.lost_lines;
    log_.lost_events += *lost;
  } else if (line.find("RLIMIT_MEMLOCK") != std::string_view::npos) {
    ++log_.rlimit_lines;
  } else if (is_message(line)) {
    ++log_.message_lines;
    keep(log_.messages, file_.line_number(), line);
  } else if (is_map_line(line, log_.program)) {
    ++log_.map_lines;
  } else {
    return false;
  }
  return true;
}

void BpftraceReader::note_unknown(std::string_view line) {
  constexpr std::uint64_t patience = 20;  // strange lines before the first row
  ++log_.unknown_lines;
  keep(log_.unknown, file_.line_number(), line);
  if (log_.rows == 0 && log_.unknown_lines > patience) {
    finish();
  }
}

void BpftraceReader::check_program(const BpftraceRow& row) {
  if (!log_.program) {
    log_.program = row.program;
  } else if (*log_.program != row.program) {
    const std::string_view form = row_form(row.program);
    throw file_.error(1, "a row of the " + std::string{to_string(row.program)} + " program",
                      "only rows of the " + std::string{to_string(*log_.program)} + " program, as in the " +
                          std::to_string(log_.rows) + " rows before",
                      "run each program alone into a file of its own (or split this one with grep '" +
                          std::string{form.substr(0, form.find("%d"))} + "')");
  }
}

// What can only be judged once the capture is known as a whole.
void BpftraceReader::finish() {
  log_.crlf_lines = static_cast<std::uint64_t>(file_.crlf_lines());
  const bool failed = log_.rows == 0 && has_error(log_.messages);
  const std::uint64_t allowed = log_.rows == 0 ? 0 : std::max<std::uint64_t>(1, log_.rows / 100);
  if (!failed && log_.unknown_lines > allowed) {
    throw foreign();
  }
  if (log_.rows == 0) {
    const bool message = !log_.messages.empty();
    throw scenarios::InputError{
        {.file = file_.name(),
         .line = message ? log_.messages.front().line : 0,
         .found = message ? "no row, but " + scenarios::quoted(log_.messages.front().text, 120) : "no row",
         .expected = "at least one row of one of the five programs",
         .suggestion = "did bpftrace run as root, and long enough for the workload to show?"}};
  }
}

scenarios::InputError BpftraceReader::foreign() const {
  const NumberedLine& first = log_.unknown.front();
  const RowMismatch mismatch = explain_mismatch(first.text);
  const ForeignText foreign = recognise_foreign_text(first.text);
  std::string found = foreign.kind.empty() ? "" : std::string{foreign.kind} + ": ";
  found += scenarios::quoted(first.text);
  if (log_.rows > 0) {
    found += " and " + std::to_string(log_.unknown_lines - 1) + " more such lines among " +
             std::to_string(log_.rows) + " rows";
  }
  return scenarios::InputError{{.file = file_.name(),
                                .line = first.line,
                                .column = log_.json ? 0 : mismatch.column,
                                .found = std::move(found),
                                .expected = mismatch.expected,
                                .suggestion = std::string{foreign.suggestion}}};
}

}  // namespace calibration
