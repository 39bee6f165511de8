#include "tools/live/workload.h"

#include "scenarios/input_error.h"
#include "sim/rng.h"
#include "tests/tools/live/live_bench.h"

using namespace tools::live;

TEST_CASE("a step's parts follow one another and last at least what was drawn for them", "[live]") {
  if (!can_run_live()) {
    return;
  }
  LiveBench bench;

  const WorkloadResult result = bench.run();

  REQUIRE(result.steps.size() >= 100);
  std::int64_t last = 0;
  for (const calibration::StepRow& row : result.steps) {
    CHECK(row.agent == 0);
    CHECK(row.tool_ns >= 200'000);
    CHECK(row.read_ns == 0);
    CHECK(row.parse_ns > 15'000);
    const std::int64_t intended = row.start_ns - row.timer_late_ns;
    CHECK(intended >= last + 500'000);
    last = row.end_ns();
    CHECK(intended >= result.start_ns);
    CHECK(last <= result.end_ns);
  }
  CHECK_FALSE(result.interrupted);
}

TEST_CASE("a stopped workload keeps the steps it has measured", "[live]") {
  if (!can_run_live()) {
    return;
  }
  LiveBench bench;
  bench.options.warmup = sim::Nanos{0};
  bench.options.steps_per_variant = 1'000'000;
  Running running{bench};
  const auto threads = running.threads({"agent-0", "server-0"});
  REQUIRE(sleeps_often(threads.find("agent-0")->second, 100));  // a few times a step

  const WorkloadResult result = running.end();

  CHECK(result.interrupted);
  CHECK_FALSE(result.steps.empty());
  CHECK(result.steps.size() < 1'000'000);
}

TEST_CASE("the wanted number of steps ends a workload before its time", "[live]") {
  if (!can_run_live()) {
    return;
  }
  LiveBench bench;
  bench.agent().count = 2;
  bench.options.steps_per_variant = 40;

  const WorkloadResult result = bench.run();

  CHECK(result.steps.size() >= 40);
  CHECK(result.steps.front().agent == 0);
  CHECK(result.steps.back().agent == 1);
}

TEST_CASE("agents read and writers write the data file", "[live]") {
  const Scratch scratch;
  if (!can_run_live() || !takes_direct_io(scratch)) {
    return;
  }
  LiveBench bench;
  const DataFile data{scratch.path("data"), 4 << 20, bench.stop};
  const models::RingMode ring = GENERATE(models::RingMode::plain, models::RingMode::defer_taskrun);
  bench.options.data_file = data.path();
  bench.agent().read = {.device = "disk", .count = 3, .size = sim::Bytes{4096}, .ring = ring};
  bench.host.background = {{.name = "writer",
                            .kind = models::BackgroundKind::writer,
                            .device = "disk",
                            .size = sim::Bytes{65536},
                            .rate = sim::BytesPerSecond{10'000'000}}};

  const WorkloadResult result = bench.run();

  REQUIRE_FALSE(result.steps.empty());
  for (const calibration::StepRow& row : result.steps) {
    CHECK(row.read_ns > 0);
  }
  REQUIRE(result.background.size() == 1);
  CHECK(result.background.front().bytes == result.background.front().loops * 65536);
  CHECK(result.background.front().loops > 0);
}

TEST_CASE("bulk traffic arrives, through a veth's own NAPI too", "[live]") {
  if (!can_run_live()) {
    return;
  }
  LiveBench bench;
  const bool gro = GENERATE(false, true);
  bench.host.devices = {models::VethConfig{.name = "veth0", .gro = gro, .threaded = gro}};
  bench.host.background = {{.name = "bulk",
                            .kind = models::BackgroundKind::bulk,
                            .device = "veth0",
                            .size = sim::Bytes{65536},
                            .rate = sim::BytesPerSecond{20'000'000}}};

  const WorkloadResult result = bench.run();

  CHECK(result.background.front().bytes >= 65536);
  CHECK(result.background.front().cpu_ns > 0);
  REQUIRE(result.interfaces.size() == 2);
  for (const InterfaceResult& each : result.interfaces) {
    CHECK(each.gro == gro);
    CHECK(each.tso == !gro);
    CHECK(each.threaded == gro);
  }
}

TEST_CASE("two runs of one seed draw the same think times", "[live]") {
  if (!can_run_live()) {
    return;
  }
  LiveBench bench;
  bench.options.warmup = sim::Nanos{0};
  bench.options.steps_per_variant = 20;
  bench.agent().think = sim::Distribution::exponential(sim::Nanos{500'000});
  const auto shortest_gaps = [&] {
    std::vector<std::int64_t> gaps;  // from a step's end to the next one's intended start: think and a clock
    const WorkloadResult result = bench.run();
    for (std::size_t i = 1; i < std::min<std::size_t>(result.steps.size(), 20); ++i) {
      gaps.push_back(result.steps[i].start_ns - result.steps[i].timer_late_ns - result.steps[i - 1].end_ns());
    }
    return gaps;
  };
  sim::Stream think = sim::Rng{bench.options.seed}.stream("agent-0/think");
  bench.agent().think.sample(think);  // of the first step

  for (const std::int64_t gap : shortest_gaps()) {
    CHECK(gap >= bench.agent().think.sample(think).count());
  }
}
