#include "tools/live/experiment.h"

#include <catch2/catch.hpp>

using namespace tools::live;

namespace {

std::vector<std::string> names(const std::vector<LiveRun>& runs) {
  std::vector<std::string> result;
  for (const LiveRun& run : runs) {
    result.push_back(run_stem(run.variant == 0 ? "a" : "b", run.repetition, run.captured()));
  }
  return result;
}

using Names = std::vector<std::string>;

}  // namespace

TEST_CASE("repetitions take turns over the variants, the captured ones come last", "[live_experiment]") {
  CHECK(names(planned_runs(2, 2, 1, CaptureMode::bpf)) ==
        Names{"a.r1", "b.r1", "a.r2", "b.r2", "a.c1", "b.c1"});
}

TEST_CASE("without a capture each repetition is run once", "[live_experiment]") {
  CHECK(names(planned_runs(2, 2, 0, CaptureMode::none)) == Names{"a.r1", "b.r1", "a.r2", "b.r2"});
  CHECK(names(planned_runs(1, 1, 3, CaptureMode::none)) == Names{"a.r1"});
}

TEST_CASE("captured repetitions may be all there are", "[live_experiment]") {
  CHECK(names(planned_runs(1, 0, 2, CaptureMode::ftrace)) == Names{"a.c1", "a.c2"});
}
