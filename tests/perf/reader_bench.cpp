// Reading captures: nanoseconds of CPU time for a line of ftrace text, from the file to the Event.
//
// `ratio` is the time of a bare pass over the same decompressed lines (CaptureFile, which finds only their
// ends) to that of the reader, measured in alternating rounds of one run: what the grammar costs on top. The
// text repeats the lines of one agent's step, each kind about once.
#include <benchmark/benchmark.h>
#include <unistd.h>

#include <boost/iostreams/copy.hpp>
#include <boost/iostreams/device/array.hpp>
#include <boost/iostreams/device/file.hpp>
#include <boost/iostreams/filter/zstd.hpp>
#include <boost/iostreams/filtering_stream.hpp>
#include <cstdio>
#include <filesystem>
#include <string>
#include <vector>

#include "calibration/traces/capture_file.h"
#include "calibration/traces/event_reader.h"
#include "tests/perf/race.h"

namespace {

constexpr const char* texts[] = {
    "agent-1-9969    [000] d..2.  %s: sched_switch: prev_comm=agent-1 prev_pid=9969 prev_prio=120 "
    "prev_state=S ==> "
    "next_comm=swapper/0 next_pid=0 next_prio=120",
    "<idle>-0       [000] d..1.  %s: cpu_idle: state=1 cpu_id=0",
    "<idle>-0       [000] d.h1.  %s: hrtimer_expire_entry: hrtimer=00000000ca8903c0 function=hrtimer_wakeup "
    "now=24948206320",
    "<idle>-0       [000] d.h2.  %s: sched_waking: comm=server pid=9978 prio=120 target_cpu=000",
    "<idle>-0       [000] dNh3.  %s: sched_wakeup: comm=server pid=9978 prio=120 target_cpu=000",
    "<idle>-0       [000] d..2.  %s: sched_switch: prev_comm=swapper/0 prev_pid=0 prev_prio=120 prev_state=R "
    "==> "
    "next_comm=server next_pid=9978 next_prio=120",
    "server-9978    [000] d..1.  %s: softirq_raise: vec=3 [action=NET_RX]",
    "server-9978    [000] ..s1.  %s: softirq_entry: vec=3 [action=NET_RX]",
    "server-9978    [000] d.s5.  %s: sched_waking: comm=agent-0 pid=9967 prio=120 target_cpu=001",
    "server-9978    [000] d.s6.  %s: sched_migrate_task: comm=agent-0 pid=9967 prio=120 orig_cpu=1 "
    "dest_cpu=0",
    "server-9978    [000] ..s1.  %s: napi_poll: napi poll on napi struct 00000000deadbeef for device "
    "(no_device) "
    "work 1 budget 64",
    "server-9978    [000] ..s1.  %s: softirq_exit: vec=3 [action=NET_RX]",
    "agent-0-9967    [001] .....  %s: sys_epoll_wait -> 0x1",
    "agent-0-9967    [001] .....  %s: sys_io_uring_enter(fd: 6, to_submit: 2, min_complete: 2, flags: 1, "
    "argp: 0, "
    "argsz: 8)",
    "agent-0-9967    [001] .....  %s: block_rq_issue: 254,0 R 4096 () 37576856 + 8 be,0,4 [agent-0]",
    "<idle>-0       [001] d.h1.  %s: irq_handler_entry: irq=36 name=virtio1-req.0",
    "<idle>-0       [001] ..s1.  %s: block_rq_complete: 254,0 R () 37576856 + 8 be,0,4 [0]",
    "agent-0-9967    [001] ...1.  %s: io_uring_complete: ring 000000004e0aa521, req 00000000da7c1024, "
    "user_data 0x0, "
    "result 4096, cflags 0x0 extra1 0 extra2 0 ",
};

// A capture of 36 000 lines that is gone afterwards.
class Capture {
 public:
  explicit Capture(bool zstd)
      : path_{std::filesystem::temp_directory_path() /
              ("chainsim-reader-bench-" + std::to_string(::getpid()) + (zstd ? ".zst" : ".txt"))} {
    namespace io = boost::iostreams;
    std::string text = "# tracer: nop\n#\n";
    for (int i = 0; i < 2000; ++i) {
      for (std::size_t k = 0; k < std::size(texts); ++k) {
        char time[32];
        char line[256];
        std::snprintf(time, sizeof time, "6910.%06d", i * 400 + static_cast<int>(k) * 3);
        std::snprintf(line, sizeof line, texts[k], time);
        text += std::string{"        "} + line + "\n";
      }
    }
    io::filtering_ostream out;
    if (zstd) {
      out.push(io::zstd_compressor{});
    }
    out.push(io::file_sink{path_.string(), std::ios::binary});
    io::copy(io::array_source{text.data(), text.size()}, out);
    bytes = static_cast<std::int64_t>(text.size());
  }
  ~Capture() {
    std::error_code ignored;
    std::filesystem::remove(path_, ignored);
  }
  const std::filesystem::path& path() const { return path_; }
  std::int64_t bytes = 0;

 private:
  std::filesystem::path path_;
};

void ftrace_text(benchmark::State& state, bool zstd) {
  const Capture capture{zstd};
  std::vector<double> ratios;
  std::uint64_t events = 0;
  double seconds = 0;
  for (auto _ : state) {
    double start = perf::cpu_seconds();
    calibration::CaptureFile file{capture.path()};
    std::size_t length = 0;
    for (std::string_view line; file.next_line(line);) {
      length += line.size();
    }
    benchmark::DoNotOptimize(length);
    const double bare = perf::cpu_seconds() - start;
    start = perf::cpu_seconds();
    calibration::EventReader reader{capture.path()};
    for (calibration::Event event; reader.next(event);) {
      benchmark::DoNotOptimize(event);
    }
    const double span = perf::cpu_seconds() - start;
    state.SetIterationTime(span);
    ratios.push_back(bare / span);
    events += reader.log().events;
    seconds += span;
  }
  state.SetItemsProcessed(static_cast<std::int64_t>(events));
  state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations()) * capture.bytes);
  state.counters["ns/line"] = seconds * 1e9 / static_cast<double>(events);
  state.counters["ratio"] = perf::median(ratios);
}

BENCHMARK_CAPTURE(ftrace_text, plain, false)->UseManualTime()->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(ftrace_text, zstd, true)->UseManualTime()->Unit(benchmark::kMillisecond);

}  // namespace
