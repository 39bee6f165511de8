#include "tests/tools/cli.h"

#include <unistd.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

namespace {

long lines(const std::string& text) { return std::count(text.begin(), text.end(), '\n'); }

void check_refused(const CliResult& result, const std::string& begins) {
  CHECK(result.code == 2);
  CHECK(result.out.empty());
  CHECK(lines(result.err) == 1);
  CHECK_THAT(result.err, Catch::StartsWith("chainsim: " + begins));
}

}  // namespace

TEST_CASE("each verb's help has an example and the exit codes", "[cli]") {
  const Scratch scratch;
  for (const std::string verb : {"run", "compare", "check"}) {
    const CliResult result = chainsim(scratch, verb + " --help");

    CHECK(result.code == 0);
    CHECK_THAT(result.out, Catch::Contains("Example: chainsim " + verb));
    CHECK_THAT(result.out, Catch::Contains("Exit codes: 0 done"));
  }
  CHECK(chainsim(scratch, "--help").code == 0);
  CHECK_THAT(chainsim(scratch, "--version").out, Catch::StartsWith("chainsim "));
}

TEST_CASE("wrong usage is one line and exit code 2", "[cli]") {
  const CliScratch scratch;

  check_refused(chainsim(scratch, ""), "");
  check_refused(chainsim(scratch, "comparr s.yaml"), "unknown verb 'comparr'");
  check_refused(chainsim(scratch, "run"), "SCENARIO is required");
  check_refused(chainsim(scratch, "run s.yaml --jobs many"), "");
  check_refused(chainsim(scratch, "run s.yaml --jobs 0"), "");
  check_refused(chainsim(scratch, "run s.yaml --replications 0"), "");
  check_refused(chainsim(scratch, "run s.yaml --variant Z"),
                "s.yaml: found no variant 'Z', expected one of A, B");
}

TEST_CASE("a bad scenario is one line with its position, and exit code 2, under every verb", "[cli]") {
  const CliScratch scratch;
  scratch.write("bad.yaml", with_line(small_scenario(), 16, "    compute: 30"));

  for (const std::string verb : {"run", "compare", "check"}) {
    check_refused(chainsim(scratch, verb + " bad.yaml"), "bad.yaml:16:14: found missing unit in '30'");
    check_refused(chainsim(scratch, verb + " nowhere.yaml"), "nowhere.yaml: found No such file or directory");
    check_refused(chainsim(scratch, verb + " s.yaml --set host.cpus=0"), "--set:1:11: found 0 for host.cpus");
  }
}

TEST_CASE("an unreadable scenario is named", "[cli]") {
  const CliScratch scratch;
  if (::geteuid() == 0) {
    check_refused(chainsim(scratch, "run ."), ".: found Is a directory");
    return;  // root reads everything
  }
  std::filesystem::permissions(scratch.path("s.yaml"), std::filesystem::perms::none);
  check_refused(chainsim(scratch, "run s.yaml"), "s.yaml: found Permission denied");
}

TEST_CASE("run prints its label, stages, guards and provenance", "[cli]") {
  const CliScratch scratch;

  const CliResult result = chainsim(scratch, "run s.yaml --variant B");

  CHECK(result.code == 0);
  CHECK(result.err.empty());
  for (const char* part :
       {"OUTSIDE CALIBRATED DOMAIN", "LATENCY in us", "STAGES in us", "GUARDS", "PROVENANCE", "digest"}) {
    CHECK_THAT(result.out, Catch::Contains(part));
  }
}

TEST_CASE("compare prints the variants, their differences and what to look at first", "[cli]") {
  const CliScratch scratch;

  const CliResult result = chainsim(scratch, "compare s.yaml");

  CHECK(result.code == 0);
  for (const char* part : {"LOOK FIRST AT step p99", "PAIRED DIFFERENCE", "nicer", "GUARDS", "PROVENANCE"}) {
    CHECK_THAT(result.out, Catch::Contains(part));
  }
  CHECK(result.out.find('\033') == std::string::npos);
  std::istringstream in{result.out};
  for (std::string line; std::getline(in, line);) {
    CHECK(line.size() <= 120);
  }
}

TEST_CASE("check says what it understood, and the basis of every cost", "[cli]") {
  const CliScratch scratch;

  const CliResult result = chainsim(scratch, "check s.yaml --costs");

  CHECK(result.code == 0);
  CHECK_THAT(result.out, Catch::StartsWith("s.yaml: ok\n"));
  CHECK_THAT(result.out,
             Catch::Contains("hardirq_entry") && Catch::Contains("agents.reader.sched.nice = -5"));
}

TEST_CASE("one thread and two threads give the same bytes", "[cli]") {
  const CliScratch scratch;

  const CliResult one = chainsim(scratch, "compare s.yaml --jobs 1 --json");
  const CliResult two = chainsim(scratch, "compare s.yaml --jobs 2 --json --out results");

  REQUIRE(one.code == 0);
  CHECK(one.out == two.out);
  CHECK(one.out == Scratch::read(scratch.path("results/results.json")));
  CHECK(one.out != chainsim(scratch, "compare s.yaml --json --seed 2").out);
}

TEST_CASE("a variant that changes nothing differs in nothing", "[cli]") {
  const CliScratch scratch;

  const CliResult result = chainsim(scratch, "compare s.yaml --json --set 'variants={A: {}, Z: {}}'");

  REQUIRE(result.code == 0);
  const auto json = nlohmann::json::parse(result.out);
  REQUIRE(json["differences"].size() > 0);
  for (const auto& difference : json["differences"]) {
    CHECK(difference["difference_ns"] == 0.0);
    CHECK(difference["verdict"] == "cannot_tell");
  }
}

TEST_CASE("JSON results satisfy the documented schema", "[cli]") {
  const CliScratch scratch;
  if (std::system("/usr/bin/python3 -c 'import jsonschema' 2>/dev/null") != 0) {
    WARN("skipped: /usr/bin/python3 has no jsonschema (apt-get install python3-jsonschema)");
    return;
  }
  const std::string validate =
      "/usr/bin/python3 -c 'import json, sys, jsonschema; "
      "jsonschema.validate(json.load(open(sys.argv[1])), json.load(open(sys.argv[2])))' ";
  const std::string schema = std::string{CHAINSIM_SOURCE_DIR} + "/docs/results.schema.json";

  for (const std::string arguments :
       {"compare s.yaml", "run s.yaml", "run s.yaml --replications 1 --set run.duration=1ms"}) {
    REQUIRE(chainsim(scratch, arguments + " --json --out results").code == 0);
    CHECK(std::system((validate + scratch.path("results/results.json") + " '" + schema + "'").c_str()) == 0);
  }
}

TEST_CASE("output that cannot be written is one line and exit code 3, before the work is done", "[cli]") {
  const CliScratch scratch;
  const std::string endless = "--set run.duration=10000s";
  const auto check_output_error = [&](const CliResult& result, const std::string& reason) {
    CHECK(result.code == 3);
    CHECK(lines(result.err) == 1);
    CHECK_THAT(result.err, Catch::Contains("cannot be written: " + reason));
  };

  check_output_error(chainsim(scratch, "run s.yaml --out s.yaml " + endless), "Not a directory");
  check_output_error(chainsim(scratch, "run s.yaml --out /proc/nowhere " + endless), "");
  const std::string to_full =
      "cd '" + scratch.directory + "' && '" + CHAINSIM_BINARY + "' run s.yaml >/dev/full 2>err.txt";
  const int status = std::system(to_full.c_str());
  CHECK(WEXITSTATUS(status) == 3);
  CHECK_THAT(Scratch::read(scratch.path("err.txt")),
             Catch::Contains("standard output: cannot be written: No space left"));
}

// A file size limit fails the write as a full disk does, without needing one.
TEST_CASE("a results file that does not fit leaves nothing half-written", "[cli]") {
  const CliScratch scratch;

  const CliResult result = chainsim(scratch, "run s.yaml --out results", "trap '' XFSZ; ulimit -f 4;");

  CHECK(result.code == 3);
  CHECK_THAT(result.err, Catch::Contains("results/results.json: cannot be written: File too large"));
  CHECK(std::filesystem::is_empty(scratch.path("results")));
}

TEST_CASE("an interrupted run reports what was done, labelled, and exits with 130", "[cli]") {
  const CliScratch scratch;

  const CliResult result = chainsim(scratch, "compare s.yaml --set run.duration=100000s --out results",
                                    "timeout --foreground --preserve-status -s INT 1");

  CHECK(result.code == 130);
  CHECK_THAT(result.out, Catch::Contains("PARTIAL: interrupted; replications completed of 3: A 0, B 0"));
  CHECK(result.err == "chainsim: interrupted\n");
  CHECK(nlohmann::json::parse(Scratch::read(scratch.path("results/results.json")))["run"]["interrupted"] ==
        true);
}
