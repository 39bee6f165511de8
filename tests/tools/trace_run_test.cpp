#include <catch2/catch.hpp>

#include "tests/tools/cli.h"

namespace {

long events_in(const std::string& trace) {
  std::istringstream in{trace};
  long events = 0;
  for (std::string line; std::getline(in, line);) {
    events += line.front() == '#' ? 0 : 1;
  }
  return events;
}

}  // namespace

TEST_CASE("run --trace writes the events of the measured part, and says so", "[cli][trace]") {
  const CliScratch scratch;

  const CliResult result = chainsim(scratch, "run s.yaml --trace t.trace");

  const std::string trace = Scratch::read(scratch.path("t.trace"));
  REQUIRE(result.code == 0);
  CHECK_THAT(result.out, Catch::EndsWith("written: t.trace\n  variant base, replication 1: all " +
                                         std::to_string(events_in(trace)) + " events of 40ms\n"));
  CHECK_THAT(trace, Catch::StartsWith("# tracer: nop\n") && Catch::Contains("     0.005") &&
                        !Catch::Contains("     0.004"));
}

TEST_CASE("--trace-events keeps the first events, and the rest is counted", "[cli][trace]") {
  const CliScratch scratch;

  REQUIRE(chainsim(scratch, "run s.yaml --trace whole.trace").code == 0);
  const CliResult result = chainsim(scratch, "run s.yaml --trace t.trace --trace-events 100");

  const std::string trace = Scratch::read(scratch.path("t.trace"));
  const std::string whole = Scratch::read(scratch.path("whole.trace"));
  const std::size_t first = trace.find("\n  ");  // after the header, which counts differently
  REQUIRE(result.code == 0);
  CHECK(events_in(trace) == 100);
  CHECK(whole.substr(whole.find("\n  ")).compare(0, trace.size() - first, trace, first) == 0);
  CHECK_THAT(result.out, Catch::Contains(": the first 100 events, ") &&
                             Catch::Contains(" more until it stopped were not kept"));
}

TEST_CASE("compare --trace records the last variant as run --variant does", "[cli][trace]") {
  const CliScratch scratch;

  REQUIRE(chainsim(scratch, "compare s.yaml --json --out results --trace results/c.trace").code == 0);
  REQUIRE(chainsim(scratch, "run s.yaml --variant B --trace b.trace").code == 0);
  REQUIRE(chainsim(scratch, "run s.yaml --variant A --trace a.trace").code == 0);

  const std::string compared = Scratch::read(scratch.path("results/c.trace"));
  CHECK(compared == Scratch::read(scratch.path("b.trace")));
  CHECK(compared != Scratch::read(scratch.path("a.trace")));
}

TEST_CASE("a trace does not change the results", "[cli][trace]") {
  const CliScratch scratch;

  CHECK(chainsim(scratch, "run s.yaml --json").out ==
        chainsim(scratch, "run s.yaml --json --trace t.trace").out);
}

TEST_CASE("a trace that cannot be written is noticed before the run", "[cli][trace]") {
  const CliScratch scratch;

  const CliResult result =
      chainsim(scratch, "run s.yaml --set run.duration=10000s --trace absent/t.trace --trace-events 100");

  CHECK(result.code == 3);
  CHECK_THAT(result.err, Catch::Contains("absent/t.trace") && Catch::Contains("cannot be written"));
}
