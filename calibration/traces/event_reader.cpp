#include "calibration/traces/event_reader.h"

#include <algorithm>
#include <array>
#include <system_error>

#include "calibration/traces/capture_file.h"
#include "calibration/traces/chain_json.h"
#include "calibration/traces/chain_rows.h"
#include "calibration/traces/ctf.h"
#include "calibration/traces/event_line.h"
#include "calibration/traces/foreign_text.h"
#include "calibration/traces/ftrace_text.h"
#include "calibration/traces/perf_script.h"
#include "calibration/traces/sorted_runs.h"
#include "calibration/traces/text_format.h"
#include "calibration/traces/trace_dat.h"

namespace calibration {
namespace {

using Formats = std::array<TextFormat, 4>;

// All text formats. Between the first two there is no doubt: a dash before the pid is ftrace's, a space
// perf's.
Formats text_formats() {
  return {ftrace_text_format(), perf_script_format(), chain_rows_format(), chain_json_format()};
}

// The text is none of our formats: says what it is, by the first of its lines that tells.
[[noreturn]] void refuse(CaptureFile& file) {
  constexpr int lines_looked_at = 50;
  constexpr std::string_view wanted = "trace text of ftrace, trace-cmd or perf, or rows of the chain program";
  std::string first;
  std::string_view line;
  for (int i = 0; i < lines_looked_at && file.next_line(line); ++i) {
    if (const ForeignText foreign = recognise_foreign_text(line); !foreign.kind.empty()) {
      throw file.error(0, std::string{foreign.kind}, std::string{wanted}, std::string{foreign.suggestion});
    }
    if (first.empty() && !trimmed(line).empty()) {
      first = scenarios::quoted(line);
    }
  }
  throw scenarios::InputError{{.file = file.name(),
                               .line = 1,
                               .column = 1,
                               .found = first.empty() ? "nothing but empty lines" : first,
                               .expected = std::string{wanted},
                               .suggestion = "is this the output of a tracer?"}};
}

const TextFormat& format_of(CaptureFile& file, const Formats& formats) {
  const std::string_view head = file.head();
  const auto known = std::find_if(formats.begin(), formats.end(),
                                  [&](const TextFormat& format) { return format.recognises(head); });
  if (known == formats.end()) {
    refuse(file);
  }
  return *known;
}

bool is_ctf(const std::filesystem::path& path) {
  std::error_code unreadable;
  return std::filesystem::exists(path / "metadata", unreadable);
}

}  // namespace

std::string_view to_string(CaptureFormat format) {
  switch (format) {
    case CaptureFormat::ftrace:
      return "ftrace text";
    case CaptureFormat::perf_script:
      return "perf script";
    case CaptureFormat::trace_dat:
      return "trace.dat";
    case CaptureFormat::ctf:
      return "CTF";
    case CaptureFormat::bpftrace_chain:
      return "bpftrace chain rows";
    case CaptureFormat::bpftrace_json:
      return "bpftrace chain rows as JSON";
  }
  return "";
}

struct EventReader::Impl {
  Impl(const std::filesystem::path& path, const std::vector<std::int64_t>& begins);
  void open_text(const std::filesystem::path& path, const std::vector<std::int64_t>& begins);
  void note(const Event& event);
  void finish();

  std::string name;
  Names names;
  CaptureLog log;
  SortedRuns runs;  // refers to names and log
  bool finished = false;
};

EventReader::Impl::Impl(const std::filesystem::path& path, const std::vector<std::int64_t>& begins)
    : name{path.string()} {
  if (is_ctf(path)) {
    log.format = CaptureFormat::ctf;
    runs.add(nullptr, open_ctf(path, names, log));
  } else if (std::error_code none;
             std::filesystem::is_regular_file(path, none) && is_trace_dat(first_bytes(path, 16))) {
    // (What was looked at in a pipe would be gone.)
    log.format = CaptureFormat::trace_dat;
    runs.add(nullptr, open_trace_dat(path, names, log));
  } else {
    open_text(path, begins);
  }
}

void EventReader::Impl::open_text(const std::filesystem::path& path,
                                  const std::vector<std::int64_t>& begins) {
  const Formats formats = text_formats();
  const TextFormat* format = nullptr;
  log.sorted_runs = static_cast<int>(begins.size()) + 1;
  for (std::size_t i = 0; i <= begins.size(); ++i) {
    auto file = std::make_unique<CaptureFile>(path);
    if (format == nullptr) {
      format = &format_of(*file, formats);
      log.format = format->format;
    }
    // Opened before lines are passed over: a format may have several forms, which only its head tells apart.
    auto source = format->open({.file = *file, .names = names, .log = log});
    file->limit_to(i == 0 ? 1 : begins[i - 1], i < begins.size() ? begins[i] - 1 : 0);
    runs.add(std::move(file), std::move(source), format->time_of);
  }
}

void EventReader::Impl::note(const Event& event) {
  if (log.events == 0) {
    log.first_time = log.last_time = event.time;
  }
  ++log.events;
  log.other_events += event.kind == EventKind::other ? 1 : 0;
  log.cpus = std::max(log.cpus, event.cpu + 1);
  if (event.time < log.last_time) {
    ++log.time_went_back;
  } else {
    log.last_time = event.time;
  }
}

void EventReader::Impl::finish() {
  if (std::exchange(finished, true)) {
    return;
  }
  if (log.events == 0) {
    throw scenarios::InputError{{.file = name,
                                 .found = "no event in " + std::to_string(log.lines) + " lines",
                                 .expected = "the events of a trace",
                                 .suggestion = "was tracing switched on?"}};
  }
  if (log.events == log.other_events) {
    warn(log, 0, "none of its events is of a tracepoint that the completion chain is made of");
  }
}

EventReader::EventReader(const std::filesystem::path& path, std::vector<std::int64_t> runs)
    : impl_{std::make_unique<Impl>(path, runs)} {}

EventReader::~EventReader() = default;

bool EventReader::next(Event& event) {
  if (impl_->finished || !impl_->runs.next(event)) {
    impl_->finish();
    return false;
  }
  impl_->note(event);
  return true;
}

Names& EventReader::names() { return impl_->names; }
const CaptureLog& EventReader::log() const { return impl_->log; }
const std::string& EventReader::name() const { return impl_->name; }
double EventReader::progress() const { return impl_->runs.progress(); }

}  // namespace calibration
