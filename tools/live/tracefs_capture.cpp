#include "tools/live/tracefs_capture.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <boost/iostreams/device/back_inserter.hpp>
#include <boost/iostreams/filter/zstd.hpp>
#include <boost/iostreams/filtering_stream.hpp>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <sstream>

#include "calibration/capture/machine_topology.h"
#include "calibration/traces/event_reader.h"
#include "calibration/traces/ftrace_writer.h"
#include "scenarios/input_error.h"
#include "scenarios/output.h"
#include "tools/live/recorder.h"

namespace tools::live {
namespace {

// Those of the captures' README.
constexpr std::array events{"irq/irq_handler_entry",
                            "irq/irq_handler_exit",
                            "irq/softirq_raise",
                            "irq/softirq_entry",
                            "irq/softirq_exit",
                            "napi/napi_poll",
                            "sched/sched_waking",
                            "sched/sched_wakeup",
                            "sched/sched_wakeup_new",
                            "sched/sched_switch",
                            "sched/sched_migrate_task",
                            "block/block_rq_issue",
                            "block/block_rq_complete",
                            "io_uring/io_uring_complete",
                            "syscalls/sys_enter_epoll_wait",
                            "syscalls/sys_exit_epoll_wait",
                            "syscalls/sys_enter_io_uring_enter",
                            "syscalls/sys_exit_io_uring_enter",
                            "timer/hrtimer_expire_entry",
                            "power/cpu_idle"};

bool exists(const std::string& path) { return ::access(path.c_str(), F_OK) == 0; }

[[noreturn]] void refuse(const std::string& what) {
  throw scenarios::InputError{{.file = "tracefs",
                               .found = what,
                               .expected = "an instance of our own to trace in",
                               .suggestion = "capture by BPF (--capture bpf), or not at all"}};
}

std::string tracefs() {
  for (const char* const path : {"/sys/kernel/tracing", "/sys/kernel/debug/tracing"}) {
    if (exists(std::string{path} + "/instances")) {
      return path;
    }
  }
  refuse("no /sys/kernel/tracing/instances");
}

std::string file_text(const std::string& path) {
  std::ostringstream text;
  text << std::ifstream{path}.rdbuf();
  return text.str();
}

// A file without a name, for a reader that wants a path.
class MemoryFile {
 public:
  explicit MemoryFile(const std::string& source) : file_{::memfd_create("trace", MFD_CLOEXEC)} {
    std::ifstream from{source, std::ios::binary};
    std::ofstream to{path(), std::ios::binary};
    to << from.rdbuf();
  }
  ~MemoryFile() { ::close(file_); }
  MemoryFile(const MemoryFile&) = delete;
  MemoryFile& operator=(const MemoryFile&) = delete;

  std::string path() const { return "/proc/self/fd/" + std::to_string(file_); }

 private:
  int file_;
};

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

}  // namespace

TracefsCapture::TracefsCapture(std::uint64_t buffer_kib_per_cpu) {
  const std::string path = tracefs() + "/instances/" + instance_prefix + std::to_string(::getpid());
  if (::mkdir(path.c_str(), 0750) != 0) {
    refuse(path + " cannot be made: " + std::strerror(errno));
  }
  path_ = path;
  try {
    set("tracing_on", "0");
    set("trace_clock", "mono");
    set("buffer_size_kb", std::to_string(buffer_kib_per_cpu));
    enable_events();
  } catch (...) {
    ::rmdir(path_.c_str());
    throw;
  }
}

TracefsCapture::~TracefsCapture() {
  std::ofstream{path_ + "/tracing_on"} << "0";
  std::ofstream{path_ + "/events/enable"} << "0";
  ::rmdir(path_.c_str());
}

void TracefsCapture::set(const std::string& file, const std::string& value) const {
  const std::string path = path_ + "/" + file;
  const int knob = ::open(path.c_str(), O_WRONLY | O_CLOEXEC);
  const bool done =
      knob >= 0 && ::write(knob, value.data(), value.size()) == static_cast<ssize_t>(value.size());
  const int error = errno;
  if (knob >= 0) {
    ::close(knob);
  }
  if (!done) {
    refuse(path + " does not take " + value + ": " + std::strerror(error));
  }
}

void TracefsCapture::enable_events() {
  for (const std::string event : events) {
    const std::string file = "events/" + event + "/enable";
    if (exists(path_ + "/" + file)) {
      set(file, "1");
    } else {
      summary_.absent_events.push_back(event);
    }
  }
}

void TracefsCapture::start() {
  set("tracing_on", "1");
  summary_.start = monotonic_ns();
}

void TracefsCapture::stop() {
  summary_.end = monotonic_ns();
  set("tracing_on", "0");
}

void TracefsCapture::note_tasks(const std::vector<std::int32_t>& processes) {
  census_ = calibration::TaskCensus{processes};
  census_.look();
}

// per_cpu/cpuN/stats: "overrun: 0", "commit overrun: 0", "dropped events: 0"
std::uint64_t TracefsCapture::lost_events() const {
  std::uint64_t lost = 0;
  for (int cpu = 0; exists(path_ + "/per_cpu/cpu" + std::to_string(cpu)); ++cpu) {
    std::istringstream lines{file_text(path_ + "/per_cpu/cpu" + std::to_string(cpu) + "/stats")};
    for (std::string line; std::getline(lines, line);) {
      const bool counts = line.starts_with("overrun:") || line.starts_with("commit overrun:") ||
                          line.starts_with("dropped events:");
      if (std::uint64_t value = 0; counts && std::istringstream{line.substr(line.find(':') + 1)} >> value) {
        lost += value;
      }
    }
  }
  return lost;
}

void TracefsCapture::hide_names(calibration::Event& event, calibration::Names& names) const {
  using calibration::EventKind;
  const auto name = [&](std::int32_t pid, calibration::Name& comm) {
    if (pid > 0 && !census_.keeps_name(pid)) {
      comm = names.intern("other");
    }
  };
  name(event.pid, event.comm);
  switch (event.kind) {
    case EventKind::sched_waking:
    case EventKind::sched_wakeup:
    case EventKind::sched_wakeup_new:
      name(event.wakeup.pid, event.wakeup.comm);
      break;
    case EventKind::sched_migrate_task:
      name(event.migrate.pid, event.migrate.comm);
      break;
    case EventKind::sched_switch:
      name(event.sched_switch.prev_pid, event.sched_switch.prev_comm);
      name(event.sched_switch.next_pid, event.sched_switch.next_comm);
      break;
    case EventKind::block_rq_insert:
    case EventKind::block_rq_issue:
      name(event.pid, event.block.comm);
      break;
    default:
      break;
  }
}

void TracefsCapture::rewrite(const std::string& raw, const std::string& text) {
  calibration::read_capture(raw, [&](calibration::EventReader& reader) {
    scenarios::OutputFile file{text};
    calibration::FtraceTextWriter writer{file, reader.names()};
    summary_.events = 0;
    summary_.switches = {};
    for (calibration::Event event; reader.next(event);) {
      hide_names(event, reader.names());
      summary_.switches.see(event);
      ++summary_.events;
      writer.write(event);
    }
    writer.finish();
    file.commit();
    summary_.odd_lines = reader.log().unknown_lines;
  });
}

TracefsSummary TracefsCapture::store(const std::string& directory, const std::string& name) {
  const std::string stem = directory + "/" + name;
  scenarios::prepare_directory(directory);
  summary_.lost = lost_events();
  const MemoryFile raw{path_ + "/trace"};
  rewrite(raw.path(), stem + ".trace");
  scenarios::write_file(stem + ".topology.yaml", calibration::machine_topology());
  scenarios::write_file(stem + ".trace.zst", zstd(file_text(stem + ".trace")));
  ::unlink((stem + ".trace").c_str());
  summary_.files = {stem + ".topology.yaml", stem + ".trace.zst"};
  return summary_;
}

}  // namespace tools::live
