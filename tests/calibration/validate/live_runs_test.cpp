#include "calibration/validate/live_runs.h"

#include <catch2/catch.hpp>

#include "scenarios/input_error.h"
#include "tests/support/live_directory.h"

using calibration::LiveRuns;
using Catch::Matchers::Contains;

namespace {

const std::string header = "agent,start_ns,timer_late_ns,tool_ns,read_ns,parse_ns\n";
const std::string whole_run =
    R"({"schema": 1, "kind": "live_run", "variant": "a.b", "repetition": 2, "capture": "none", "capture_complete": true,
  "start_ns": 1000, "end_ns": 2000001000, "steps": 2,
  "counters": {"steps": 2, "background_bytes": 700, "rx_drops": null},
  "cpu_percent": {"user": 10, "system": 20.5, "softirq": 3, "hardirq": 1, "idle": 65, "steal": 0.5},
  "background": {"bulk": {"bytes": 700, "cpu_ns": 5, "loops": 1}}, "settings": []})";

struct Runs : Scratch {
  void run(const std::string& stem, const std::string& json = whole_run) const {
    write(stem + ".run.json", json);
    write(stem + ".steps.csv", header + "0,5000,10,20,30,40\n1,6000,11,21,31,41\n");
  }
};

}  // namespace

TEST_CASE("live runs are read by variant, repetition and whether they were captured", "[validate]") {
  const Runs runs;
  runs.run("a.b.r2");
  runs.run("a.b.r10");
  runs.run("a.b.c1");
  runs.run("n4.r1");
  runs.write("a.b.c1.chain.txt.zst", "events");
  runs.write("results.json", R"({"scenario": {"path": "x.yaml", "sets": ["host.cpus=2"]},
                                 "live": {"machine": "m", "kernel": "6.18"}})");

  const LiveRuns read = calibration::read_live_runs(runs.directory);

  REQUIRE(read.variants.size() == 2);
  const calibration::LiveVariant& first = read.variants[0];
  CHECK(first.name == "a.b");
  REQUIRE(first.repetitions.size() == 2);
  CHECK(first.repetitions[0].repetition == 2);
  CHECK(first.repetitions[1].repetition == 10);
  REQUIRE(first.captured.size() == 1);
  CHECK(first.captured[0].events.filename() == "a.b.c1.chain.txt.zst");
  CHECK(read.scenario == "x.yaml");
  CHECK(read.sets == std::vector<std::string>{"host.cpus=2"});
  CHECK(read.kernel == "6.18");
}

TEST_CASE("a live run keeps what was counted, and what could not be is not zero", "[validate]") {
  const Runs runs;
  runs.run("a.r1");

  const LiveRuns read = calibration::read_live_runs(runs.directory);

  const calibration::LiveRun& run = read.variants[0].repetitions[0];
  CHECK(run.steps.size() == 2);
  CHECK(run.steps[1].step_ns() == 11 + 21 + 31 + 41);
  CHECK(run.seconds() == Approx(2));
  CHECK(run[models::Counter::background_bytes] == 700);
  CHECK_FALSE(run[models::Counter::rx_drops].has_value());
  CHECK_FALSE(run[models::Counter::migrations].has_value());
  CHECK(run.cpu->system == 20.5);
  CHECK(run.background.at("bulk").bytes == 700);
}

TEST_CASE("only the variants asked for are read", "[validate]") {
  const Runs runs;
  runs.run("a.r1");
  runs.run("n4.r1");
  runs.write("a.r2.run.json", "not JSON");

  CHECK(calibration::read_live_runs(runs.directory, std::vector<std::string>{"n4"}).variants.size() == 1);
  CHECK_THROWS_WITH(calibration::read_live_runs(runs.directory, std::vector<std::string>{"n5"}),
                    Contains("no run of variant 'n5'") && Contains("did you mean 'n4'"));
}

TEST_CASE("a damaged live run is named with what is wrong", "[validate]") {
  const Runs runs;
  const auto reading = [&] { return calibration::read_live_runs(runs.directory); };

  CHECK_THROWS_WITH(reading(), Contains("no VARIANT.rK.run.json"));
  runs.write("a.r1.run.json", "{\n\"schema\": 1,\n");
  CHECK_THROWS_WITH(reading(), Contains("a.r1.run.json:") && Contains("not JSON"));
  runs.write("a.r1.run.json", "[]");
  CHECK_THROWS_WITH(reading(), Contains("no object"));
  runs.write("a.r1.run.json", R"({"schema": 1, "kind": "results"})");
  CHECK_THROWS_WITH(reading(), Contains("kind 'results'") && Contains("live_run"));
  runs.write("a.r1.run.json", R"({"schema": 1, "kind": "live_run", "start_ns": -5, "end_ns": 7})");
  CHECK_THROWS_WITH(reading(), Contains("-5 at 'start_ns'"));
  runs.write("a.r1.run.json", R"({"schema": 1, "kind": "live_run", "start_ns": 7, "end_ns": 7})");
  CHECK_THROWS_WITH(reading(), Contains("end_ns not after start_ns"));
  runs.write("a.r1.run.json", whole_run);
  CHECK_THROWS_WITH(reading(), Contains("no a.r1.steps.csv"));
  runs.write("a.r1.steps.csv", header);
  CHECK_THROWS_WITH(reading(), Contains("no steps"));
}
