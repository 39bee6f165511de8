#include "tools/analyze_survey.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>
#include <system_error>
#include <utility>

#include "calibration/analysis/analysis.h"
#include "calibration/traces/bpftrace_rows.h"
#include "calibration/traces/byte_source.h"
#include "calibration/traces/event_reader.h"
#include "calibration/traces/histogram_text.h"
#include "calibration/traces/roles.h"
#include "calibration/traces/steps.h"
#include "scenarios/input_error.h"
#include "tools/interrupt.h"

namespace tools {
namespace {

namespace fs = std::filesystem;
using calibration::StageId;
using scenarios::InputError;
using namespace std::string_view_literals;

constexpr std::string_view settings = "saved settings of a machine";  // as foreign_text.h calls them

bool is_trace_directory(const fs::path& path) {
  return fs::is_directory(path) && fs::exists(path / "metadata");
}

std::string compression_of(const fs::path& path) {
  try {
    calibration::ByteSource source{path};
    const std::string_view first = source.directory() ? ""sv : source.peek();
    return first.starts_with("\x1f\x8b")           ? "gzip"
           : first.starts_with("\x28\xb5\x2f\xfd") ? "zstd"
           : first.starts_with(
                 "\xfd"
                 "7zXZ")
               ? "xz"
           : source.directory() ? ""
                                : "none";
  } catch (const std::system_error&) {
    return "";
  }
}

std::string reason_of(const InputError& error) {
  const scenarios::InputErrorDetails& details = error.details();
  std::string reason = details.line > 0 ? fmt::format("line {}: ", details.line) : "";
  return reason + details.found + (details.suggestion.empty() ? "" : "; " + details.suggestion);
}

std::string counted(std::uint64_t count, std::string_view what) {
  return fmt::format("{} {}{}", count, what, count == 1 ? "" : "s");
}

// What the file's name says it is; "" when it may be a capture.
std::string side_kind(const fs::path& path) {
  const std::string name = path.filename().string();
  const auto has = [&](std::string_view part) { return name.find(part) != std::string::npos; };
  if (has(".steps.csv")) {
    return "steps";
  }
  if (has(".roles.csv")) {
    return "roles";
  }
  if (name.starts_with("README") || name.ends_with(".md")) {
    return "text about captures";
  }
  const std::string folder = path.parent_path().filename().string();
  return name.starts_with("LICENSE") || name.starts_with("COPYING") || folder == "LICENSES" ? "licence" : "";
}

void survey_side(const fs::path& path, SurveyRow& row) {
  row.kind = SurveyKind::side;
  if (row.format == "steps") {
    const calibration::Steps steps = calibration::read_steps(path);
    row.count = steps.rows.size();
    row.counted = counted(row.count, "step");
    if (steps.partial_last_line) {
      row.warnings.emplace_back("the last line is cut");
    }
  } else if (row.format == "roles") {
    row.count = calibration::TaskRoles::read(path).all().size();
    row.counted = counted(row.count, "task");
  }
}

void add_stages(const calibration::StageTable& table, SurveyRow& row) {
  for (std::size_t i = 0; i < calibration::stage_ids; ++i) {
    const auto stage = static_cast<StageId>(i);
    if (const std::uint64_t count = table.all(stage).count(); count > 0) {
      row.stages.push_back({.name = std::string{info(stage).name}, .count = count});
    }
  }
}

void warn_of_log(const calibration::CaptureLog& log, SurveyRow& row) {
  const auto warn = [&](std::uint64_t count, std::string text) {
    if (count > 0) {
      row.warnings.push_back(std::move(text));
    }
  };
  warn(log.lost_events, counted(log.lost_events, "event") + " lost by the tracer");
  warn(log.sorted_runs > 1 ? 1 : 0, fmt::format("{} sorted runs, merged by time", log.sorted_runs));
  warn(log.time_went_back, fmt::format("time went back {} times", log.time_went_back));
  warn(log.unknown_lines, counted(log.unknown_lines, "line") + " not understood");
  warn(log.partial_last_line ? 1 : 0, "the last line is cut");
  for (const calibration::CaptureWarning& warning : log.warnings) {
    row.warnings.push_back((warning.line > 0 ? fmt::format("line {}: ", warning.line) : "") + warning.text);
  }
}

void fill(const calibration::EventReader& reader, const calibration::Analysis& analysis, SurveyRow& row) {
  const calibration::CaptureLog& log = reader.log();
  row.kind = SurveyKind::events;
  row.format = to_string(log.format);
  if (!log.detail.empty()) {
    row.format += ", " + log.detail;
  }
  row.count = log.events;
  row.counted = counted(row.count, "event");
  row.switches = analysis.losses().switches;
  row.broken_switches = analysis.losses().broken_switches;
  add_stages(analysis.stages(), row);
  warn_of_log(log, row);
  if (log.events > 0 && log.cpus == 0) {
    row.warnings.emplace_back("its events do not tell their CPU, so that no duration can be measured");
  }
  if (const std::uint64_t negative = analysis.stages().negative(); negative > 0) {
    row.warnings.push_back(counted(negative, "duration") + " below zero, not counted");
  }
}

// Counts in `events`, so that a refusal after some can be told from one before any.
void survey_events(const fs::path& path, SurveyRow& row, std::uint64_t& events) {
  constexpr std::uint64_t events_between_looks = 1 << 16;  // at Ctrl-C
  calibration::read_capture(path, [&](calibration::EventReader& reader) {
    calibration::Analysis analysis{reader.names(), {}};
    events = 0;
    for (calibration::Event event; reader.next(event);) {
      analysis.add(event);
      if (++events % events_between_looks == 0 && interrupted()) {
        return;
      }
    }
    analysis.finish();
    fill(reader, analysis, row);
  });
}

std::string_view stage_of(calibration::BpftraceProgram program) {
  constexpr std::array stages{StageId::irq_handler, StageId::softirq_run, StageId::wakeup_to_run,
                              StageId::epoll_blocked, StageId::io_uring_blocked};
  return info(stages[static_cast<std::size_t>(program)]).name;
}

void survey_rows(const fs::path& path, SurveyRow& row, std::uint64_t& rows) {
  calibration::BpftraceReader reader{path};
  for (calibration::BpftraceRow each; reader.next(each);) {
    ++rows;
  }
  const calibration::BpftraceLog& log = reader.log();
  row.kind = SurveyKind::rows;
  row.format = fmt::format("{} rows{}", to_string(*log.program), log.json ? ", JSON" : "");
  row.count = log.rows;
  row.counted = counted(row.count, "row");
  row.stages.push_back({.name = std::string{stage_of(*log.program)}, .count = log.rows});
  if (log.lost_events > 0) {
    row.warnings.push_back(counted(log.lost_events, "event") + " lost by the tracer");
  }
  if (log.attach_lines > 1) {
    row.warnings.push_back(fmt::format("{} runs appended to each other", log.attach_lines));
  }
  if (log.unknown_lines > 0) {
    row.warnings.push_back(counted(log.unknown_lines, "line") + " not understood");
  }
  if (log.partial_last_line) {
    row.warnings.emplace_back("the last line is cut");
  }
}

// bcc's sections name the stage; other histograms do not say what they measure.
void add_table_stages(const calibration::CapturedTables& tables, SurveyRow& row) {
  std::map<StageId, std::uint64_t> counts;
  for (const calibration::CapturedHistogram& histogram : tables.histograms) {
    if (histogram.key.starts_with("hardirq = ")) {
      counts[StageId::irq_handler] += histogram.total();
    } else if (histogram.key.starts_with("softirq = ")) {
      counts[StageId::softirq_run] += histogram.total();
    }
  }
  for (const auto& [stage, count] : counts) {
    row.stages.push_back({.name = std::string{info(stage).name}, .count = count});
  }
}

void survey_tables(const fs::path& path, SurveyRow& row) {
  const calibration::CapturedTables tables = calibration::read_tables(path);
  row.kind = SurveyKind::tables;
  row.format = tables.format;
  row.count = tables.histograms.size();
  row.counted = counted(row.count, "histogram");
  if (const std::size_t values = tables.values.size(); values > 0) {
    row.counted = (row.count == 0 ? "" : row.counted + ", ") + counted(values, "number");
  }
  add_table_stages(tables, row);
  if (tables.lost_events > 0) {
    row.warnings.push_back(counted(tables.lost_events, "event") + " lost by the tracer");
  }
  if (tables.printed_records > 0) {
    row.warnings.push_back(counted(tables.printed_records, "record") + " of printf not read");
  }
  if (tables.unknown_lines > 0) {
    row.warnings.push_back(counted(tables.unknown_lines, "line") + " not understood");
  }
  if (tables.partial_last_line) {
    row.warnings.emplace_back("the last line is cut");
  }
  for (const calibration::TableWarning& warning : tables.warnings) {
    row.warnings.push_back(fmt::format("line {}: {}", warning.line, warning.text));
  }
}

void refuse(const InputError& error, SurveyRow& row) {
  const bool side = error.found().starts_with(settings);
  row.kind = side ? SurveyKind::side : SurveyKind::refused;
  row.format = side ? "machine settings" : "";
  row.reason = side ? "" : reason_of(error);
}

}  // namespace

std::vector<fs::path> survey_files(std::span<const std::string> paths) {
  std::vector<fs::path> files;
  for (const std::string& each : paths) {
    if (!fs::exists(each)) {
      throw InputError{{.file = each,
                        .found = "no such file or directory",
                        .expected = "captures, or directories of them",
                        .suggestion = "check the path"}};
    }
    if (!fs::is_directory(each) || is_trace_directory(each)) {
      files.emplace_back(each);
      continue;
    }
    for (auto entry = fs::recursive_directory_iterator{each}; entry != fs::recursive_directory_iterator{};
         ++entry) {
      if (is_trace_directory(entry->path())) {
        entry.disable_recursion_pending();
        files.push_back(entry->path());
      } else if (entry->is_regular_file()) {
        files.push_back(entry->path());
      }
    }
  }
  std::sort(files.begin(), files.end());
  files.erase(std::unique(files.begin(), files.end()), files.end());
  return files;
}

SurveyRow survey(const fs::path& path) {
  SurveyRow row{.file = path.string(), .format = side_kind(path), .compression = compression_of(path)};
  std::uint64_t seen = 0;  // events or rows before a refusal
  try {
    if (!row.format.empty()) {
      survey_side(path, row);
      return row;
    }
    survey_events(path, row, seen);
    return row;
  } catch (const InputError& error) {
    refuse(error, row);
  }
  // The refusal as events stays the reason, since it knows the most kinds of text, unless rows were read
  // before theirs.
  const auto attempt = [&](auto&& read) {
    if (row.kind != SurveyKind::refused) {
      return;
    }
    try {
      read();
      row.reason.clear();
    } catch (const InputError& error) {
      if (std::exchange(seen, 0) > 0) {
        refuse(error, row);
      }
    }
  };
  if (seen == 0) {
    attempt([&] { survey_rows(path, row, seen); });
    attempt([&] { survey_tables(path, row); });
  }
  return row;
}

std::vector<SurveyRow> survey_all(std::span<const std::string> paths) {
  std::vector<SurveyRow> rows;
  for (const fs::path& path : survey_files(paths)) {
    rows.push_back(survey(path));
    if (interrupted()) {
      rows.pop_back();  // of a part of the file
      break;
    }
  }
  return rows;
}

}  // namespace tools
