#include <catch2/catch.hpp>

#include "calibration/traces/capture_set.h"
#include "calibration/traces/roles.h"
#include "calibration/traces/steps.h"
#include "tests/calibration/capture_bench.h"

using namespace calibration;

namespace {

constexpr const char* steps_header = "agent,start_ns,timer_late_ns,tool_ns,read_ns,parse_ns\n";

CaptureSet captures_in(const std::filesystem::path& path) { return find_captures({&path, 1}); }

}  // namespace

TEST_CASE("a roles file names tasks, and every other task is other", "[roles]") {
  const CaptureBench bench;

  const TaskRoles roles = TaskRoles::read(bench.write("roles.csv", "tid,role\n7,agent\n9,tracer\n7,agent\n"));

  CHECK(roles.of(7) == "agent");
  CHECK(roles.of(9) == "tracer");
  CHECK(roles.of(8) == "other");
  CHECK(TaskRoles{}.of(7) == "unknown");
}

TEST_CASE("a bad roles file is an error at line and column", "[roles]") {
  const CaptureBench bench;
  const auto refused = [&](std::string_view text) {
    return input_error_of([&] { TaskRoles::read(bench.write("roles.csv", text)); });
  };

  CHECK(refused("pid,role\n7,agent\n").suggestion() == "the column 'tid' is missing");
  const auto letter = refused("tid,role\n7,agent\nx8,server\n");
  CHECK(letter.line() == 3);
  CHECK(letter.column() == 1);
  CHECK(letter.found() == "'x8'");
  const auto two = refused("tid,role\n7,agent\n7,server\n");
  CHECK(two.line() == 3);
  CHECK(two.column() == 3);
  CHECK(refused("tid,role\n7,\n").found() == "no role");
  CHECK(refused("tid,role\n-7,agent\n").found() == "-7");
  CHECK(refused("tid,role\n7,agent,extra\n").line() == 2);
}

TEST_CASE("a steps file gives the columns of each step in any order of columns", "[steps]") {
  const CaptureBench bench;

  const Steps steps = read_steps(bench.write(
      "steps.csv.gz",
      gzipped("agent,tool_ns,start_ns,timer_late_ns,read_ns,parse_ns,cpu\n3,20,5000,1000,300,4000,1\n")));

  REQUIRE(steps.rows.size() == 1);
  CHECK(steps.rows[0].agent == 3);
  CHECK(steps.rows[0].timer_late_ns == 1000);
  CHECK(steps.rows[0].tool_ns == 20);
  CHECK(steps.rows[0].step_ns() == 5320);
  CHECK(steps.first_ns() == 4000);
  CHECK(steps.last_ns() == 9320);
}

TEST_CASE("a cut last step is dropped and remembered", "[steps]") {
  const CaptureBench bench;

  const Steps steps =
      read_steps(bench.write("steps.csv", std::string{steps_header} + "0,5000,1,2,3,4\n0,6000,1,2,3"));

  CHECK(steps.rows.size() == 1);
  CHECK(steps.partial_last_line);
}

TEST_CASE("a bad steps file is an error at line and column", "[steps]") {
  const CaptureBench bench;
  const auto refused = [&](const std::string& rows) {
    return input_error_of([&] { read_steps(bench.write("steps.csv", steps_header + rows)); });
  };

  const auto negative = refused("0,5000,1,2,3,4\n0,6000,1,-2,3,4\n");
  CHECK(negative.line() == 3);
  CHECK(negative.column() == 10);
  CHECK(refused("0,5000,1,2,3\n").expected() == "6, as in the header");
  CHECK(refused("0,5000,1,2.5,3,4\n").found() == "'2.5'");
  CHECK(refused("0,5000,1,99999999999999999999,3,4\n").column() == 10);
}

TEST_CASE("captures of a directory are grouped by load and program with their side files", "[capture_set]") {
  const CaptureBench bench;
  bench.write("n4.irq.txt", "irq=1 duration=1us\n");
  bench.write("idle.wakeup.txt.gz", gzipped("pid=1 wake_to_run=1us\n"));
  bench.write("idle.wakeup.roles.csv", "tid,role\n");
  bench.write("idle.wakeup.steps.csv.gz", gzipped(steps_header));
  bench.write("README.md", "not a capture\n");

  const CaptureSet set = captures_in(bench.directory);

  REQUIRE(set.entries.size() == 2);
  CHECK(set.loads() == std::vector<std::string>{"idle", "n4"});
  const CaptureEntry* wakeup = set.find("idle", "wakeup");
  REQUIRE(wakeup != nullptr);
  CHECK(wakeup->roles == bench.directory / "idle.wakeup.roles.csv");
  CHECK(wakeup->steps == bench.directory / "idle.wakeup.steps.csv.gz");
  REQUIRE(set.find("n4", "irq") != nullptr);
  CHECK_FALSE(set.find("n4", "irq")->roles);
}

TEST_CASE("a capture that is named itself needs no particular name", "[capture_set]") {
  const CaptureBench bench;

  const CaptureSet set = captures_in(bench.write("monday", "irq=1 duration=1us\n"));

  REQUIRE(set.entries.size() == 1);
  CHECK(set.entries[0].load == "monday");
  CHECK(set.entries[0].program.empty());
}

TEST_CASE("naming a directory and a capture in it reads the capture once", "[capture_set]") {
  const CaptureBench bench;
  const auto file = bench.write("n4.irq.txt", "irq=1 duration=1us\n");
  const std::array paths{bench.directory, file};

  CHECK(find_captures(paths).entries.size() == 1);
}

TEST_CASE("captures that cannot be found or told apart are errors", "[capture_set]") {
  const CaptureBench bench;
  CHECK(input_error_of([&] { captures_in(bench.directory / "absent"); }).found() ==
        "no such file or directory");
  CHECK(input_error_of([&] { captures_in(bench.directory); }).found() == "no capture in this directory");

  bench.write("n4.irq.txt", "irq=1 duration=1us\n");
  bench.write("n4.irq.txt.gz", gzipped("irq=1 duration=1us\n"));
  CHECK(input_error_of([&] { captures_in(bench.directory); }).found() == "a second capture named n4.irq");
}
