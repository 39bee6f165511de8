#include "tools/live/workload_capture.h"

#include "calibration/capture/machine.h"
#include "calibration/traces/event_reader.h"
#include "tests/tools/live/live_bench.h"

using namespace tools::live;

TEST_CASE("a BPF capture and the steps of a workload are of the same time", "[live]") {
  if (!can_run_live() || !calibration::inspect_machine().can_capture()) {
    std::cout << "skipped: this machine cannot be captured\n";
    return;
  }
  const Scratch scratch;
  LiveBench bench;
  bench.options.capture = CaptureMode::bpf;
  bench.options.capture_directory = scratch.directory;
  bench.options.capture_name = "c1";

  const WorkloadResult result = bench.run();

  REQUIRE(result.capture.made);
  CHECK(result.start_ns == result.capture.bpf.start);
  CHECK(result.end_ns == result.capture.bpf.end);
  CHECK(std::filesystem::exists(scratch.path("c1.meta.json")));
  CHECK(std::filesystem::exists(scratch.path("c1.topology.yaml")));
  REQUIRE_FALSE(result.steps.empty());
  calibration::EventReader reader{scratch.path("c1.chain.txt.zst")};
  std::size_t gates = 0;  // an agent's epoll_wait entries, one a step
  bool strangers = false;
  for (calibration::Event event; reader.next(event);) {
    if (event.kind == calibration::EventKind::sys_enter &&
        event.sys_enter.call == calibration::Syscall::epoll_wait) {
      gates += reader.names().text(event.comm) == "agent-0" ? 1 : 0;
      strangers = strangers || reader.names().text(event.comm) != "agent-0";
    }
  }
  CHECK(gates >= result.steps.size());
  CHECK(gates <= result.steps.size() + 2);
  CHECK_FALSE(strangers);
}

TEST_CASE("a capture that cannot be stored is an error, and the workload ends", "[live]") {
  if (!can_run_live() || !calibration::inspect_machine().can_capture()) {
    std::cout << "skipped: this machine cannot be captured\n";
    return;
  }
  LiveBench bench;
  bench.options.capture = CaptureMode::bpf;
  bench.options.capture_directory = "/proc/nowhere";

  CHECK_THROWS(bench.run());

  CHECK(nothing_is_left_below(::getpid()));
}
