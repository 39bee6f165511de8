#include "tools/analyze_survey.h"

#include <catch2/catch.hpp>

#include "tests/calibration/capture_bench.h"

using namespace tools;

namespace {

constexpr std::string_view trace =
    "# tracer: nop\n"
    "#\n"
    "          <idle>-0       [000] d.h1.   100.000100: irq_handler_entry: irq=36 name=virtio1-req.0\n"
    "          <idle>-0       [000] d.h1.   100.000104: irq_handler_exit: irq=36 ret=handled\n"
    "          <idle>-0       [000] d.h1.   100.000106: sched_waking: comm=reader pid=7 prio=120 "
    "target_cpu=000\n"
    "          <idle>-0       [000] dNh1.   100.000107: sched_wakeup: comm=reader pid=7 prio=120 "
    "target_cpu=000\n"
    "          <idle>-0       [000] d..2.   100.000110: sched_switch: prev_comm=swapper/0 prev_pid=0 "
    "prev_prio=120 "
    "prev_state=R ==> next_comm=reader next_pid=7 next_prio=120\n";

std::vector<std::string> names(const std::vector<SurveyedStage>& stages) {
  std::vector<std::string> result;
  for (const SurveyedStage& stage : stages) {
    result.push_back(stage.name);
  }
  return result;
}

}  // namespace

TEST_CASE("a survey tells of each file what it is", "[survey]") {
  const CaptureBench bench;

  const SurveyRow events = survey(bench.write("a.trace.gz", gzipped(std::string{trace})));
  CHECK(events.kind == SurveyKind::events);
  CHECK(events.format == "ftrace text");
  CHECK(events.compression == "gzip");
  CHECK(events.counted == "5 events");
  CHECK(events.switches == 1);
  CHECK(events.broken_switches == 0);
  CHECK(names(events.stages) ==
        std::vector<std::string>{"irq_handler", "waking_to_wakeup", "wakeup_to_run", "wake_to_run"});

  const SurveyRow rows =
      survey(bench.write("b.txt", "irq=1 duration=2us\nLost 3 events\nirq=1 duration=2us\n"));
  CHECK(rows.kind == SurveyKind::rows);
  CHECK(rows.counted == "2 rows");
  CHECK(names(rows.stages) == std::vector<std::string>{"irq_handler"});
  CHECK(rows.warnings == std::vector<std::string>{"3 events lost by the tracer"});

  const SurveyRow tables = survey(bench.write("c.txt", "@us:\n[4, 8)   3 |@|\n\n@x: 7\n"));
  CHECK(tables.kind == SurveyKind::tables);
  CHECK(tables.counted == "1 histogram, 1 number");

  const SurveyRow refused = survey(bench.write("d.txt", "SYSCALL             COUNT\nread  7\n"));
  CHECK(refused.kind == SurveyKind::refused);
  CHECK(refused.reason.starts_with("line 1: syscount's table of system calls"));
}

TEST_CASE("files beside captures are no errors", "[survey]") {
  const CaptureBench bench;
  const std::string header = "agent,start_ns,timer_late_ns,tool_ns,read_ns,parse_ns\n";

  const SurveyRow steps = survey(bench.write("a.steps.csv", header + "0,5000,1,2,3,4\n"));
  CHECK(steps.kind == SurveyKind::side);
  CHECK(steps.counted == "1 step");
  CHECK(survey(bench.write("README.md", "# Captures\n")).kind == SurveyKind::side);
  CHECK(
      survey(bench.write("kernel-config", "#\n# Automatically generated file; DO NOT EDIT.\nCONFIG_HZ=250\n"))
          .kind == SurveyKind::side);
  CHECK(survey(bench.write("b.steps.csv", header + "0,x,1,2,3,4\n")).kind == SurveyKind::refused);
}

TEST_CASE("what breaks off amid good rows is refused as what it is", "[survey]") {
  const CaptureBench bench;
  std::string text = "irq=1 duration=2us\n";
  for (int i = 0; i < 30; ++i) {
    text += "irq=1 duration=2\n";
  }

  const SurveyRow row = survey(bench.write("a.txt", text));

  CHECK(row.kind == SurveyKind::refused);
  CHECK(row.reason.find("'irq=1 duration=2'") != std::string::npos);
  CHECK(row.stages.empty());
}

TEST_CASE("maps with a few rows among them are tables", "[survey]") {
  const CaptureBench bench;

  const SurveyRow row = survey(bench.write("a.txt", "irq=1 duration=2us\n@a: 1\n@b: 2\n@c: 3\n"));

  CHECK(row.kind == SurveyKind::tables);
  CHECK(row.warnings == std::vector<std::string>{"1 line not understood"});
  CHECK(row.reason.empty());
}

TEST_CASE("a directory with metadata is one entry, other directories are searched", "[survey]") {
  const CaptureBench bench;
  std::filesystem::create_directories(bench.directory / "trace");
  std::filesystem::create_directories(bench.directory / "more");
  bench.write("trace/metadata", "/* CTF 1.8 */\n");
  bench.write("trace/channel0_0", "x");
  bench.write("more/b.txt", "@x: 1\n");
  bench.write("a.txt", "@x: 1\n");
  const std::string path = bench.directory.string();

  CHECK(survey_files({&path, 1}) == std::vector<std::filesystem::path>{bench.directory / "a.txt",
                                                                       bench.directory / "more/b.txt",
                                                                       bench.directory / "trace"});
  const std::string absent = path + "/absent";
  CHECK(input_error_of([&] { survey_files({&absent, 1}); }).found() == "no such file or directory");
}

TEST_CASE("a survey's table fits a page and counts the files", "[survey]") {
  const CaptureBench bench;
  bench.write("a.trace", trace);
  bench.write("b.txt", "SYSCALL             COUNT\nread  7\n");
  const std::string path = bench.directory.string();

  const std::vector<SurveyRow> rows = survey_all({&path, 1});
  const std::string text = survey_text(rows);

  REQUIRE(rows.size() == 2);
  CHECK(text.find("      stages: irq_handler waking_to_wakeup") != std::string::npos);
  CHECK(text.find("      refused: line 1: syscount's table") != std::string::npos);
  CHECK(text.find("\n\n      ") == std::string::npos);
  CHECK(text.ends_with("2 files: 1 of events, 0 of rows, 0 of tables, 0 beside captures, 1 refused.\n"));
  const auto json = survey_json(rows);
  CHECK(json["files"][0]["stages"][0]["stage"] == "irq_handler");
  CHECK(json["files"][1]["kind"] == "refused");
}
