#include "calibration/capture/capture.h"

#include <sys/prctl.h>
#include <unistd.h>

#include <algorithm>
#include <boost/iostreams/device/back_inserter.hpp>
#include <boost/iostreams/filter/zstd.hpp>
#include <boost/iostreams/filtering_stream.hpp>
#include <fstream>
#include <map>
#include <sstream>

#include "calibration/capture/command.h"
#include "calibration/capture/machine_topology.h"
#include "calibration/capture/refusal.h"
#include "calibration/capture/symbols.h"
#include "calibration/capture/tasks.h"
#include "calibration/capture/tracer.h"
#include "calibration/traces/chain_rows.h"
#include "scenarios/input_error.h"
#include "scenarios/output.h"

namespace calibration {
namespace {

constexpr std::int64_t second = 1'000'000'000;  // ns
constexpr std::int64_t attach_patience = 60 * second;

// False when it was stopped before.
bool wait_until_it_traces(TracerProcess& tracer, const std::atomic<bool>& stop) {
  const std::int64_t deadline = monotonic_ns() + attach_patience;
  for (std::string line; tracer.next_line(line, deadline, &stop);) {
    if (line == chain_raw_tag) {
      return true;
    }
  }
  if (stop.load()) {
    return false;
  }
  const bool late = tracer.timed_out();
  tracer.kill();
  tracer.wait();
  no_tracing(tracer, late ? "no sign of tracing within a minute" : "that it ended before it traced");
}

// Until the time is over, the command has ended, or somebody has had enough.
CaptureEnd let_it_run(TracerProcess& tracer, Command& command, std::int64_t deadline,
                      const std::atomic<bool>& stop) {
  constexpr std::int64_t look = 50'000'000;  // ns between two looks at the command
  for (std::string line;;) {
    const std::int64_t now = monotonic_ns();
    if (now >= deadline) {
      return CaptureEnd::time;
    }
    if (stop.load(std::memory_order_relaxed)) {
      return CaptureEnd::signal;
    }
    if (command.ended()) {
      return CaptureEnd::command;
    }
    if (!tracer.next_line(line, std::min(deadline, now + look), &stop) && !tracer.timed_out()) {
      tracer.wait();
      no_tracing(tracer, "that it ended while it traced");
    }
  }
}

std::vector<ChainRow> take_rows(TracerProcess& tracer, CaptureSummary& summary) {
  std::vector<ChainRow> rows;
  const std::int64_t interrupted = monotonic_ns();
  tracer.interrupt();
  for (std::string line; tracer.next_line_awake(line);) {
    if (ChainRow row; parse_chain_row(line, row)) {
      rows.push_back(row);
    } else if (!line.empty() && !line.starts_with('#') && !line.starts_with("Attach")) {
      ++summary.odd_lines;
    }
  }
  summary.printing_ns = monotonic_ns() - interrupted;
  tracer.wait();
  summary.rows = rows.size();
  summary.tracer_total_cpu_ns = tracer.cpu_ns();
  summary.tracer_max_rss = tracer.max_rss();
  summary.messages = relevant_messages(tracer.messages());
  const auto earlier = [](const ChainRow& a, const ChainRow& b) {
    return a.time != b.time ? a.time < b.time : a.cpu < b.cpu;
  };
  if (!std::is_sorted(rows.begin(), rows.end(), earlier)) {
    std::sort(rows.begin(), rows.end(), earlier);  // no two rows are of one CPU and time
  }
  return rows;
}

std::unordered_map<std::int32_t, std::string> interrupt_names() {
  std::ostringstream text;
  text << std::ifstream{"/proc/interrupts"}.rdbuf();
  return parse_interrupt_names(text.str());
}

std::string stored_rows(const std::vector<ChainRow>& rows, const CaptureRequest& request,
                        const ChainProgram& program, int cpus, TaskCensus census, CaptureSummary& summary) {
  Names names;
  const KernelSymbols symbols = KernelSymbols::of_this_machine();
  Scrubber scrubber{{.start = summary.start,
                     .end = summary.end,
                     .comm = request.program.filter.comm,
                     .filtered_tasks = request.program.filter.tasks(),
                     .irq_names = interrupt_names()},
                    std::move(census),
                    symbols,
                    names};
  std::string text;
  ChainWriter writer{text, names};
  writer.header({.cpus = cpus,
                 .tracer = summary.tracer_pid,
                 .exact_context = program.exact_context,
                 .lost = summary.runs.misses});
  std::map<std::string, std::uint64_t> kinds;
  for (const ChainRow& row : rows) {
    if (Event event; scrubber.scrub(row, event)) {
      writer.event(event);
      summary.switches.see(event);
      ++summary.events;
      ++kinds[std::string{name_of(*chain_point(row.code))}];
    }
  }
  writer.end();
  summary.scrubbed = scrubber.counts();
  summary.events_by_kind.assign(kinds.begin(), kinds.end());
  return text;
}

std::string zstd(const std::string& text) {
  namespace io = boost::iostreams;
  std::string packed;
  io::filtering_ostream out;
  out.push(io::zstd_compressor{});
  out.push(io::back_inserter(packed));
  out.write(text.data(), static_cast<std::streamsize>(text.size()));
  out.reset();
  return packed;
}

// All of them or none: the last one is what makes it a capture.
void store(const std::vector<std::pair<std::string, std::string>>& files, CaptureSummary& summary) {
  try {
    for (const auto& [path, contents] : files) {
      scenarios::write_file(path, contents);
      summary.files.push_back(path);
    }
  } catch (const scenarios::OutputError&) {
    for (const std::string& path : summary.files) {
      ::unlink(path.c_str());
    }
    throw;
  }
}

}  // namespace

std::string_view to_string(CaptureEnd end) {
  switch (end) {
    case CaptureEnd::time:
      return "time";
    case CaptureEnd::command:
      return "command";
    case CaptureEnd::signal:
      return "signal";
    case CaptureEnd::map_full:
      return "map full";
  }
  return "";
}

double CaptureSummary::probe_share(int cpus) const {
  const double span = static_cast<double>(end - start) * std::max(cpus, 1);
  return span > 0 ? static_cast<double>(runs.run_ns) / span : 0;
}

CaptureSummary capture_chain(const Machine& machine, const CaptureRequest& request,
                             const std::atomic<bool>& stop) {
  const std::string stem = request.directory + "/" + request.name;
  refuse_existing(stem + ".chain.txt.zst");
  scenarios::prepare_directory(request.directory);
  CaptureSummary summary;
  const ChainProgram program = chain_program(machine, request.program);
  summary.map =
      plan_map(measure_event_rate(), request.seconds, machine.cpus, available_memory(), request.map_entries);

  const BpfStats stats;
  std::vector<std::int32_t> own = request.own_processes;
  own.insert(own.end(), request.program.filter.pids.begin(), request.program.filter.pids.end());
  own.push_back(static_cast<std::int32_t>(::getpid()));
  ::prctl(PR_SET_CHILD_SUBREAPER, 1);  // orphans of the command stay ours
  TracerProcess tracer{machine.bpftrace, program.text, chain_environment(summary.map.entries)};
  summary.tracer_pid = static_cast<std::int32_t>(tracer.pid());
  if (!wait_until_it_traces(tracer, stop)) {
    summary.ended_by = CaptureEnd::signal;
    return summary;
  }

  Command command{request.command};
  TaskCensus census{std::move(own)};
  census.look();
  const BpfRuns before = bpf_runs(tracer.pid());
  const std::int64_t cpu_before = cpu_time(tracer.pid());
  summary.start = monotonic_ns();
  if (request.progress != nullptr) {
    request.progress->start.store(summary.start);
  }
  command.start();
  const auto span = static_cast<std::int64_t>(request.seconds * static_cast<double>(second));
  summary.ended_by = let_it_run(tracer, command, summary.start + span, stop);
  summary.end = monotonic_ns();
  const BpfRuns after = bpf_runs(tracer.pid());
  summary.tracer_cpu_ns = cpu_time(tracer.pid()) - cpu_before;
  summary.counted = stats.counting();
  summary.runs = {.programs = after.programs,
                  .runs = after.runs - before.runs,
                  .run_ns = after.run_ns - before.run_ns,
                  .misses = after.misses - before.misses};
  census.look();
  if (request.progress != nullptr) {
    request.progress->end.store(summary.end);
  }
  command.stop();
  const std::vector<ChainRow> rows = take_rows(tracer, summary);
  summary.command_status = command.status();
  if (rows.size() >= summary.map.entries) {  // from the last row on, nothing could be kept
    summary.ended_by = CaptureEnd::map_full;
    summary.end = std::min(summary.end, rows.back().time);
  }
  if (rows.empty()) {
    throw scenarios::InputError{
        {.file = "bpftrace",
         .found = "no row" + (summary.messages.empty() ? "" : ", but " + summary.messages),
         .expected = "the events of the chain program"}};
  }
  const std::string text = stored_rows(rows, request, program, machine.cpus, std::move(census), summary);
  std::vector<std::pair<std::string, std::string>> files;
  if (request.topology) {
    files.emplace_back(stem + ".topology.yaml", machine_topology());
  }
  files.emplace_back(stem + ".meta.json", capture_meta(machine, request, summary, program));
  files.emplace_back(stem + ".chain.txt.zst", zstd(text));
  store(files, summary);
  return summary;
}

}  // namespace calibration
