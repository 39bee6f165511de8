#include "calibration/capture/capture.h"

#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <boost/iostreams/device/back_inserter.hpp>
#include <boost/iostreams/filter/zstd.hpp>
#include <boost/iostreams/filtering_stream.hpp>
#include <cerrno>
#include <filesystem>
#include <fstream>
#include <limits>
#include <map>
#include <sstream>

#include "calibration/capture/machine_topology.h"
#include "calibration/capture/seed_programs.h"
#include "calibration/capture/symbols.h"
#include "calibration/capture/tasks.h"
#include "calibration/capture/tracer.h"
#include "calibration/traces/chain_rows.h"
#include "scenarios/input_error.h"
#include "scenarios/output.h"

namespace calibration {
namespace {

constexpr std::int64_t second = 1'000'000'000;  // ns
constexpr std::int64_t never = std::numeric_limits<std::int64_t>::max();
constexpr std::int64_t attach_patience = 60 * second;

// The load that is captured. It waits to be started, so that its first step is in the capture.
class Command {
 public:
  explicit Command(const std::vector<std::string>& words) : words_{words} {}
  ~Command() {
    if (pid_ > 0) {
      ::kill(-pid_, SIGTERM);
      ::waitpid(pid_, &status_, 0);
    }
  }
  Command(const Command&) = delete;
  Command& operator=(const Command&) = delete;

  void start() {
    std::vector<char*> arguments;
    for (std::string& word : words_) {
      arguments.push_back(word.data());
    }
    arguments.push_back(nullptr);
    if (words_.empty() || (pid_ = ::fork()) != 0) {
      return;
    }
    ::setpgid(0, 0);
    ::prctl(PR_SET_PDEATHSIG, SIGTERM);
    ::signal(SIGINT, SIG_DFL);
    ::signal(SIGTERM, SIG_DFL);
    ::execvp(arguments.front(), arguments.data());
    ::_exit(127);
  }
  bool ended() {
    if (pid_ > 0 && ::waitpid(pid_, &status_, WNOHANG) == pid_) {
      pid_ = -1;
      return true;
    }
    return false;
  }
  int status() const { return status_; }

 private:
  std::vector<std::string> words_;
  pid_t pid_ = -1;
  int status_ = 0;
};

[[noreturn]] void no_tracing(const TracerProcess& tracer, const std::string& what) {
  const std::string said = relevant_messages(tracer.messages());
  throw scenarios::InputError{{.file = "bpftrace",
                               .found = what + (said.empty() ? "" : ": " + scenarios::quoted(said, 400)),
                               .expected = "events",
                               .suggestion = "see chainsim capture --check"}};
}

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
  for (std::string line; tracer.next_line(line, never, nullptr);) {
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

void refuse_existing(const std::string& path) {
  if (std::filesystem::exists(path)) {
    throw scenarios::InputError{{.file = path,
                                 .found = "a capture of that name",
                                 .expected = "none: a capture is never overwritten",
                                 .suggestion = "choose another --name or --out"}};
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

std::string relevant_messages(std::string_view messages) {
  std::string kept;
  std::istringstream lines{std::string{messages}};
  for (std::string line; std::getline(lines, line);) {
    const bool harmless = line.find("RLIMIT_MEMLOCK") != std::string::npos || line.empty();
    kept += harmless ? "" : line + "\n";
  }
  if (!kept.empty()) {
    kept.pop_back();
  }
  return kept;
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

std::vector<std::string> capture_seed_programs(const Machine& machine, const CaptureRequest& request,
                                               const std::atomic<bool>& stop) {
  constexpr std::size_t most_bytes = std::size_t{1} << 30;
  std::vector<std::string> written;
  for (const SeedProgram& seed : seed_programs) {
    refuse_existing(request.directory + "/" + request.name + "." + std::string{seed.name} + ".txt");
  }
  scenarios::prepare_directory(request.directory);
  for (const SeedProgram& seed : seed_programs) {
    TracerProcess tracer{machine.bpftrace, std::string{seed.text}, {}};
    std::string output;
    const auto span = static_cast<std::int64_t>(request.seconds * static_cast<double>(second));
    std::int64_t deadline = monotonic_ns() + attach_patience;
    bool attached = false;
    for (std::string line;
         !stop.load() && output.size() < most_bytes && tracer.next_line(line, deadline, &stop);) {
      output += line + "\n";
      if (!attached) {
        attached = true;
        deadline = monotonic_ns() + span;
      }
    }
    if (stop.load()) {
      return written;
    }
    if (!tracer.timed_out() && output.size() < most_bytes) {
      tracer.wait();
      no_tracing(tracer, "that the program '" + std::string{seed.name} + "' ended");
    }
    tracer.interrupt();
    for (std::string line; tracer.next_line(line, never, nullptr);) {
      output += line + "\n";
    }
    tracer.wait();
    const std::string path = request.directory + "/" + request.name + "." + std::string{seed.name} + ".txt";
    scenarios::write_file(path, output);
    written.push_back(path);
  }
  return written;
}

}  // namespace calibration
