#include "calibration/fit/measured.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>
#include <utility>

#include "calibration/fit/flaws.h"
#include "calibration/fit/plausible.h"
#include "calibration/fit/printed_rows.h"
#include "calibration/traces/roles.h"
#include "calibration/traces/steps.h"
#include "sim/check.h"

namespace calibration {
namespace {

std::string key_name(BpftraceProgram program, std::int64_t key, const TaskRoles& roles) {
  switch (program) {
    case BpftraceProgram::irq:
      return "irq." + std::to_string(key);
    case BpftraceProgram::softirq:
      return "softirq." + std::string{softirq_name(key)};
    case BpftraceProgram::wakeup:
      return "wakeup_to_run." + roles.of(key);
    case BpftraceProgram::epoll:
      return "epoll_wait." + roles.of(key);
    case BpftraceProgram::uring:
      return "io_uring_enter." + roles.of(key);
  }
  return {};
}

MeasuredQuantity& quantity_named(MeasuredCapture& capture, const std::string& name) {
  for (MeasuredQuantity& quantity : capture.quantities) {
    if (quantity.name == name) {
      return quantity;
    }
  }
  MeasuredQuantity fresh;
  fresh.name = name;
  fresh.source_file = capture.entry.rows.filename().string();
  fresh.load = capture.entry.load;
  fresh.program = capture.program;
  fresh.span_s = capture.span_s;
  capture.quantities.push_back(std::move(fresh));
  return capture.quantities.back();
}

void add_dropped(MeasuredQuantity& quantity, const char* reason,
                 const std::map<std::int64_t, std::uint64_t>& rows, std::int64_t key) {
  if (const auto found = rows.find(key); found != rows.end()) {
    auto& dropped = quantity.dropped;
    const auto same = std::find_if(dropped.begin(), dropped.end(),
                                   [&](const auto& entry) { return entry.first == reason; });
    if (same == dropped.end()) {
      dropped.emplace_back(reason, found->second);
    } else {
      same->second += found->second;
    }
  }
}

// "epoll_wait.agent.ret=2", where the agents' waits ended in more than one way.
void add_by_result(MeasuredCapture& capture, const PrintedRows& rows, const TaskRoles& roles) {
  std::map<std::int64_t, ValueCounts> by_ret;
  for (const auto& [key, durations] : rows.durations) {
    if (roles.of(key.first) == "agent") {
      by_ret[key.second].add(durations);
    }
  }
  for (const auto& [ret, durations] : by_ret) {
    if (by_ret.size() > 1) {
      quantity_named(capture, fmt::format("epoll_wait.agent.ret={}", ret)).values.add(durations);
    } else {
      quantity_named(capture, "epoll_wait.agent").notes.push_back(fmt::format("every wait returned {}", ret));
    }
  }
}

void add_rows(MeasuredCapture& capture, const PrintedRows& rows, const TaskRoles& roles, const Races& races) {
  std::optional<std::int64_t> last_key;
  for (const auto& [key, durations] : rows.durations) {
    MeasuredQuantity& quantity = quantity_named(capture, key_name(capture.program, key.first, roles));
    quantity.values.add(durations);
    if (last_key != key.first) {  // the rows of one key are neighbours
      add_dropped(quantity, "uptime_as_duration", races.uptime, key.first);
      add_dropped(quantity, "start_after_end", races.start_after_end, key.first);
      add_dropped(quantity, "impossible_duration", races.impossible, key.first);
      last_key = key.first;
    }
  }
  if (capture.program == BpftraceProgram::epoll) {
    add_by_result(capture, rows, roles);
  }
  std::sort(capture.quantities.begin(), capture.quantities.end(),
            [](const MeasuredQuantity& a, const MeasuredQuantity& b) { return a.name < b.name; });
}

void correct_overlaps(MeasuredCapture& capture, const PrintedRows& rows, const Races& races) {
  if (has_tasks(capture.program)) {
    return;
  }
  for (const auto& [key, durations] : rows.durations) {
    const std::string name = key_name(capture.program, key.first, {});
    note_overlap(capture, quantity_named(capture, name), key.first, races);
  }
}

void add_tracer(MeasuredCapture& capture, bool guessed) {
  std::uint64_t rows = 0;
  for (const MeasuredQuantity& quantity : capture.quantities) {
    rows += quantity.name.ends_with(".tracer") ? quantity.count() : 0;
  }
  if (rows == 0) {
    return;
  }
  TracerLoad load = capture.tracer.value_or(TracerLoad{});
  load.rows = rows;
  load.guessed = guessed;
  load.row_share = static_cast<double>(rows) / static_cast<double>(capture.log.rows);
  const std::uint64_t timed = load.rows_meanwhile > 0 ? load.rows_meanwhile : rows;
  if (capture.span_s > 0) {
    load.rows_per_s = static_cast<double>(timed) / capture.span_s;
    load.loop_us = 1e6 / load.rows_per_s;
  }
  capture.tracer = load;
}

void add_steps(MeasuredCapture& capture, const Steps& steps) {
  struct Column {
    const char* name;
    std::int64_t (*value)(const StepRow&);
  };
  constexpr std::array columns{
      Column{"timer_late", [](const StepRow& row) { return row.timer_late_ns; }},
      Column{"tool", [](const StepRow& row) { return row.tool_ns; }},
      Column{"read", [](const StepRow& row) { return row.read_ns; }},
      Column{"parse", [](const StepRow& row) { return row.parse_ns; }},
      Column{"step", [](const StepRow& row) { return row.step_ns(); }},
  };
  for (const Column& column : columns) {
    MeasuredQuantity& quantity = quantity_named(capture, column.name);
    quantity.source_file = capture.entry.steps->filename().string();
    quantity.resolution = sim::Nanos{1};
    for (const StepRow& row : steps.rows) {
      quantity.values.add(column.value(row));
    }
  }
}

}  // namespace

double MeasuredQuantity::rate_per_s() const {
  return span_s > 0 ? static_cast<double>(best().count()) / span_s : 0;
}

std::vector<sim::HistogramBin> MeasuredQuantity::bins() const {
  std::vector<sim::HistogramBin> bins;
  bins.reserve(best().values().size());
  for (const auto& [value, times] : best().values()) {
    // An exact value is a bin of no width.
    const sim::Nanos low = value * resolution;
    bins.push_back({.low = low, .high = truncated() ? low + resolution : low, .count = times});
  }
  return bins;
}

sim::Distribution MeasuredQuantity::dequantized() const {
  sim::check(!best().empty(), "a distribution is made of at least one value");
  return sim::Distribution::histogram(bins());
}

const MeasuredQuantity* MeasuredCapture::find(std::string_view name) const {
  const auto found = std::find_if(quantities.begin(), quantities.end(),
                                  [&](const MeasuredQuantity& quantity) { return quantity.name == name; });
  return found == quantities.end() ? nullptr : &*found;
}

const Flaw* MeasuredCapture::flaw(std::string_view name) const {
  const auto found =
      std::find_if(flaws.begin(), flaws.end(), [&](const Flaw& candidate) { return candidate.name == name; });
  return found == flaws.end() ? nullptr : &*found;
}

MeasuredCapture measure(const CaptureEntry& entry) {
  MeasuredCapture capture;
  capture.entry = entry;
  const Steps steps = entry.steps ? read_steps(*entry.steps) : Steps{};
  TaskRoles roles = entry.roles ? TaskRoles::read(*entry.roles) : TaskRoles{};
  capture.steps = steps.rows.size();
  capture.span_s = steps.span_s();

  PrintedRows rows = read_printed_rows(entry.rows, roles);
  capture.log = rows.log;
  capture.program = rows.log.program.value();
  if (rows.tracer_meanwhile > 0) {
    capture.tracer = TracerLoad{.rows_meanwhile = rows.tracer_meanwhile};
  }
  const PlausibleDuration rule = plausible_duration(capture.program, &steps);
  const Races races = take_out_races(rows, rule);
  const auto guess = roles.known() ? std::nullopt : guess_tracer(rows);
  if (guess) {
    roles.set(*guess, "tracer");
  }
  add_rows(capture, rows, roles, races);
  add_tracer(capture, guess.has_value());

  note_races(capture, races, rule);
  correct_overlaps(capture, rows, races);
  note_tracer(capture, roles);
  note_truncation(capture);
  note_wakeup_stamps(capture);
  note_log(capture);
  note_side_files(capture, roles.known(), steps.partial_last_line);
  if (entry.steps) {
    add_steps(capture, steps);
  }
  return capture;
}

std::vector<MeasuredCapture> measure(const CaptureSet& set) {
  std::vector<MeasuredCapture> captures;
  for (const CaptureEntry& entry : set.entries) {
    captures.push_back(measure(entry));
  }
  return captures;
}

const MeasuredQuantity* find(const std::vector<MeasuredCapture>& captures, std::string_view load,
                             BpftraceProgram program, std::string_view name) {
  for (const MeasuredCapture& capture : captures) {
    if (capture.entry.load == load && capture.program == program) {
      return capture.find(name);
    }
  }
  return nullptr;
}

}  // namespace calibration
