#include "tools/live/live_results.h"

#include <catch2/catch.hpp>

#include "calibration/traces/steps.h"
#include "calibration/validate/live_runs.h"
#include "scenarios/scenario.h"
#include "tests/scenarios/scratch.h"
#include "tools/live/live_text.h"

using namespace tools::live;
using models::Counter;
using models::Metric;

namespace {

// Two readers (tool, read and compute) and an agent of another entry that only computes.
scenarios::Scenario load(const Scratch& scratch) {
  return scenarios::load_scenario(
      scratch.write("s.yaml", with_line(with_line(small_scenario(), 19,
                                                  "  - {name: hogs, kind: hog}\n"
                                                  "  - {name: bulk, kind: bulk, device: veth0, rate: 8MB/s}"),
                                        17,
                                        "    steps_per_session: 2\n    deadline: 25us\n"
                                        "  - {name: thinker, think: 1us, compute: 1us}")));
}

WorkloadResult result() {
  WorkloadResult result;
  result.start_ns = 1'000;
  result.end_ns = 1'000'001'000;
  result.steps = {{0, 2'000, 1'000, 10'000, 5'000, 3'000},   // 19 us
                  {0, 40'000, 2'000, 20'000, 6'000, 3'000},  // 31 us: late
                  {0, 80'000, 1'000, 10'000, 5'000, 3'000},
                  {2, 2'000, 500, 0, 0, 1'000}};
  result.background = {{"hogs", 0, 700'000'000, 700}, {"bulk", 4'000'000, 5'000'000, 60}};
  result.counters.cpu = {.user = 500, .system = 200, .softirq = 100, .hardirq = 0, .idle = 150, .steal = 50};
  result.counters.ksoftirqd_cpu_ns = 30;
  result.counters.context_switches = 99;
  result.migrations = 7;
  result.spin_ns = 1.0;
  result.spin_ns_after = 1.2;
  return result;
}

}  // namespace

TEST_CASE("real steps are the metrics of a simulated run, each agent by its own entry", "[live_results]") {
  const Scratch scratch;
  const scenarios::Scenario scenario = load(scratch);

  const models::Metrics metrics = metrics_of(scenario.base.host, result());

  CHECK(metrics[Metric::step].count() == 4);
  CHECK(metrics[Metric::step].max() == 31'000);
  CHECK(metrics[Metric::tool].count() == 3);
  CHECK(metrics[Metric::read].count() == 3);
  CHECK(metrics[Metric::compute].count() == 4);
  CHECK(metrics[Metric::session].count() == 1);
  CHECK(metrics[Metric::session].max() == 50'000);
  CHECK(metrics[Counter::deadline_misses] == 1);
  CHECK(metrics[Counter::background_bytes] == 4'000'000);
  CHECK(metrics[Counter::background_cpu_ns] == 700'000'000);
  CHECK(metrics[Counter::cpu_softirq_ns] == 70);
  CHECK(metrics[Counter::cpu_ksoftirqd_ns] == 30);
  CHECK(metrics[Counter::cpu_other_ns] == 50);
  CHECK(metrics.measured == sim::Nanos{1'000'000'000});
}

TEST_CASE("what a machine does not tell is null, not 0", "[live_results]") {
  const std::vector<Counter> unknown = not_counted(result());
  const auto has = [&](Counter counter) {
    return std::find(unknown.begin(), unknown.end(), counter) != unknown.end();
  };

  CHECK(has(Counter::completions));
  CHECK(has(Counter::interrupts_ipi));
  CHECK_FALSE(has(Counter::context_switches));
  CHECK_FALSE(has(Counter::migrations));
}

TEST_CASE("a repetition's files are what validate reads", "[live_results]") {
  const Scratch scratch;
  const scenarios::Scenario scenario = load(scratch);
  LiveRun run{.variant = 0,
              .repetition = 3,
              .capture = CaptureMode::none,
              .settings = {"x: 1 -> 2"},
              .result = result()};

  write_run(scratch.directory, scenario.variants[0], run);
  const calibration::LiveRuns runs = calibration::read_live_runs(scratch.directory);

  REQUIRE(runs.find("A") != nullptr);
  REQUIRE(runs.find("A")->repetitions.size() == 1);
  const calibration::LiveRun& read = runs.find("A")->repetitions[0];
  CHECK(read.repetition == 3);
  CHECK(read.steps.size() == 4);
  CHECK(read.steps[1].tool_ns == 20'000);
  CHECK(read[Counter::context_switches] == 99);
  CHECK_FALSE(read[Counter::completions]);
  CHECK(read.background.at("bulk").bytes == 4'000'000);
  CHECK(read.cpu->steal == Approx(5));
}

TEST_CASE("doubts name stolen time, another speed and loads that fell short, the gravest first",
          "[live_results]") {
  const Scratch scratch;
  const scenarios::Scenario scenario = load(scratch);
  scenarios::Report report{.command = "live",
                           .version = "1",
                           .scenario = &scenario,
                           .variants = {&scenario.base},
                           .run = scenario.run,
                           .result = {}};
  report.result.variants.resize(1);
  std::vector<LiveRun> runs(1);
  runs[0].repetition = 1;
  runs[0].result = result();

  const std::vector<std::string> found = doubts(report, runs);

  REQUIRE(found.size() == 3);
  CHECK_THAT(found[0], Catch::Contains("base.r1: the hypervisor took 5.0 % of the CPUs"));
  CHECK_THAT(found[1], Catch::Contains("the CPU's speed changed"));
  CHECK_THAT(found[2], Catch::Contains("bulk did 50 % of the rate that was asked for"));
}

TEST_CASE("steps are written as they are read", "[live_results]") {
  const Scratch scratch;
  const WorkloadResult run = result();

  const calibration::Steps read = calibration::read_steps(scratch.write("x.steps.csv", steps_csv(run.steps)));

  REQUIRE(read.rows.size() == 4);
  CHECK(read.rows[3].agent == 2);
  CHECK(read.rows[3].parse_ns == 1'000);
}
