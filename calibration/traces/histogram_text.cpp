#include "calibration/traces/histogram_text.h"

#include <string>
#include <utility>

#include "calibration/traces/bcc_text.h"
#include "calibration/traces/bpftrace_json.h"
#include "calibration/traces/foreign_text.h"
#include "calibration/traces/histogram_lines.h"
#include "calibration/traces/map_text.h"
#include "calibration/traces/rtla_histogram.h"

namespace calibration {
namespace {

class TableReader {
 public:
  explicit TableReader(const std::filesystem::path& path) : file_{path, TableLimits::line} {}

  CapturedTables read();

 private:
  bool take(std::string_view line);
  bool take_record(std::string_view line);
  void add_record(BpftraceRecord& record);
  bool is_aside(std::string_view line);
  void close();
  void note_unknown(std::string_view line);
  CapturedTables finish();
  scenarios::InputError foreign();

  CaptureFile file_;
  TableStore store_{file_};
  MapText maps_{store_};
  BccText bcc_{store_};
  RtlaHistogram rtla_{store_};
  std::string clock_;
  std::uint64_t data_lines_ = 0;
  // What the file is instead of a capture of tables: the first unknown line that tells, or the first.
  ForeignText what_{"", "is this the output of a tracer?"};
  std::string first_unknown_;
  std::int64_t first_unknown_line_ = 0;
};

CapturedTables TableReader::read() {
  for (std::string_view line; file_.next_line(line);) {
    if (file_.partial_line() && !line.empty()) {
      store_.tables().partial_last_line = true;  // "12" may be the start of "123"
      maps_.cut();
      bcc_.cut();
    } else if (take(line)) {
      ++data_lines_;
    } else if (!is_aside(line)) {
      note_unknown(line);
    }
  }
  close();
  rtla_.finish();
  return finish();
}

// Whether the line belongs to a table.
bool TableReader::take(std::string_view line) {
  const std::int64_t number = file_.line_number();
  if (maps_.take(line, number, clock_)) {
    bcc_.close();
    return true;
  }
  if (bcc_.take(line, number, clock_)) {
    maps_.close();
    return true;
  }
  return take_record(line) || rtla_.take(line, number);
}

bool TableReader::take_record(std::string_view line) {
  auto record = is_bpftrace_record(line) ? parse_bpftrace_record(line) : std::nullopt;
  if (!record) {
    return false;
  }
  store_.format("bpftrace -f json");
  switch (record->kind) {
    case BpftraceRecord::Kind::tables:
      add_record(*record);
      return true;
    case BpftraceRecord::Kind::lost_events:
      store_.tables().lost_events += record->count;
      return true;
    case BpftraceRecord::Kind::time:
      clock_ = parse_clock(record->text.substr(0, record->text.find('\n'))).value_or("");
      return true;
    case BpftraceRecord::Kind::message:
      store_.warn(file_.line_number(), scenarios::quoted(record->text, 100));
      return true;
    case BpftraceRecord::Kind::attached_probes:
      return true;
    case BpftraceRecord::Kind::text:
    case BpftraceRecord::Kind::other:
      ++store_.tables().printed_records;
      return true;
  }
  return false;
}

void TableReader::add_record(BpftraceRecord& record) {
  for (CapturedHistogram& histogram : record.histograms) {
    histogram.line = file_.line_number();
    histogram.time = clock_;
    store_.add(std::move(histogram));
  }
  for (CapturedValue& value : record.values) {
    value.line = file_.line_number();
    value.time = clock_;
    store_.add(std::move(value));
  }
  store_.tables().text_values += record.text_values;
  store_.tables().time_series += record.time_series;
  if (!record.ascending) {
    store_.warn(file_.line_number(), "a histogram whose buckets do not ascend is left out");
  }
}

// Lines that belong to no table and are no surprise either.
bool TableReader::is_aside(std::string_view line) {
  if (without_spaces(line).empty()) {
    close();
    maps_.blank();
  } else if (const auto clock = parse_clock(line)) {
    close();
    clock_ = *clock;
  } else if (const auto lost = parse_lost_events(line)) {
    store_.tables().lost_events += *lost;
  } else if (line == "[...]") {
    maps_.cut();
    bcc_.cut();
  } else if (line.starts_with("#")) {  // the command line of the next run
    close();
    clock_.clear();
    bcc_.section("");
  } else if (const auto section = parse_section(line)) {
    close();
    bcc_.section(*section);
  } else {
    return maps_.in_time_series() || is_table_decoration(line);
  }
  return true;
}

void TableReader::close() {
  maps_.close();
  bcc_.close();
}

void TableReader::note_unknown(std::string_view line) {
  constexpr std::uint64_t patience = 200;  // lines of something else before the first table
  CapturedTables& tables = store_.tables();
  ++tables.unknown_lines;
  const bool may_tell = what_.kind.empty() && tables.unknown_lines <= patience;
  const ForeignText what = may_tell ? recognise_foreign_text(line.substr(0, 1024)) : what_;
  if (first_unknown_line_ == 0 || (may_tell && !what.kind.empty())) {
    first_unknown_ = line.substr(0, 1024);
    first_unknown_line_ = file_.line_number();
    what_ = what;
  }
  if (data_lines_ == 0 && tables.unknown_lines > patience) {
    throw foreign();
  }
}

CapturedTables TableReader::finish() {
  CapturedTables& tables = store_.tables();
  const bool none = tables.histograms.empty() && tables.values.empty() && tables.text_values == 0;
  if (none || tables.unknown_lines > data_lines_) {
    throw foreign();
  }
  judge_units(tables);
  return std::move(tables);
}

scenarios::InputError TableReader::foreign() {
  std::string found = scenarios::quoted(first_unknown_);
  if (first_unknown_line_ == 0) {
    found = store_.tables().printed_records > 0 ? "printed records and no map" : "no table";
  }
  if (!what_.kind.empty()) {
    found = std::string{what_.kind} + ": " + found;
  }
  return scenarios::InputError{{.file = file_.name(),
                                .line = first_unknown_line_,
                                .found = std::move(found),
                                .expected = "histograms, maps or totals of bpftrace, bcc, perf-tools or rtla",
                                .suggestion = std::string{what_.suggestion}}};
}

}  // namespace

CapturedTables read_tables(const std::filesystem::path& path) { return TableReader{path}.read(); }

}  // namespace calibration
