#include "tools/live/tracefs_capture.h"

#include <filesystem>

#include "calibration/traces/event_reader.h"
#include "tests/tools/live/live_bench.h"

using namespace tools::live;

namespace {

bool can_trace() {
  const bool can = can_run_live() && (std::filesystem::exists("/sys/kernel/tracing/instances") ||
                                      std::filesystem::exists("/sys/kernel/debug/tracing/instances"));
  if (!can) {
    std::cout << "skipped: no tracefs\n";
  }
  return can;
}

}  // namespace

TEST_CASE("a trace instance exists while it is needed, and no longer", "[live]") {
  if (!can_trace()) {
    return;
  }
  std::string path;
  {
    const TracefsCapture capture{1024};
    path = capture.path();
    CHECK(std::filesystem::exists(path));
    CHECK(text_of(path + "/tracing_on") == "0\n");
    CHECK(text_of(path + "/trace_clock").find("[mono]") != std::string::npos);
    CHECK(text_of(path + "/events/sched/sched_switch/enable") == "1\n");
  }
  CHECK_FALSE(std::filesystem::exists(path));
}

TEST_CASE("an ftrace capture holds the workload's events and nobody's names but its own", "[live]") {
  if (!can_trace()) {
    return;
  }
  const Scratch scratch;
  LiveBench bench;
  bench.options.capture = CaptureMode::ftrace;
  bench.options.capture_directory = scratch.directory;
  bench.options.capture_name = "c1";

  const WorkloadResult result = bench.run();

  REQUIRE(result.capture.made);
  CHECK(std::filesystem::exists(scratch.path("c1.trace.zst")));
  CHECK_FALSE(std::filesystem::exists(scratch.path("c1.trace")));
  CHECK_FALSE(result.steps.empty());
  CHECK(result.capture.complete == (result.capture.label == "complete"));
  calibration::EventReader reader{scratch.path("c1.trace.zst")};
  std::size_t switches_to_agent = 0;
  bool strangers = false;
  for (calibration::Event event; reader.next(event);) {
    if (event.kind == calibration::EventKind::sched_switch) {
      const std::string_view next = reader.names().text(event.sched_switch.next_comm);
      switches_to_agent += next == "agent-0" ? 1 : 0;
      strangers = strangers || next.find("chainsim_tests") != std::string_view::npos;
    }
  }
  CHECK(switches_to_agent > result.steps.size());
  CHECK_FALSE(strangers);
  CHECK(result.start_ns < reader.log().last_time);
  CHECK(reader.log().first_time < result.end_ns);
}
