#include "calibration/validate/contributions.h"

#include <catch2/catch.hpp>

using calibration::Contributions;
using calibration::StepRow;

namespace {

StepRow step(std::int64_t late, std::int64_t tool, std::int64_t read, std::int64_t parse) {
  return {.timer_late_ns = late, .tool_ns = tool, .read_ns = read, .parse_ns = parse};
}

}  // namespace

// Means: late 10 and 40, tool 100 and 90, read 50 and 50, parse 30 and 30: +30, -10 of +20.
TEST_CASE("parts of a step are ranked by how much they differ, and add up to the difference", "[validate]") {
  const std::vector<StepRow> real{step(5, 110, 50, 30), step(15, 90, 50, 30)};
  const std::vector<StepRow> simulated{step(40, 90, 50, 30)};

  const Contributions all = calibration::column_contributions(real, simulated, 0);

  CHECK(all.real_steps == 2);
  CHECK(all.simulated_ns - all.real_ns == Approx(20));
  REQUIRE(all.parts.size() == 4);
  CHECK(all.parts[0].part == "timer_late");
  CHECK(all.parts[0].difference_ns() == Approx(30));
  CHECK(all.parts[0].share == Approx(0.75));
  CHECK(all.parts[1].part == "tool");
  CHECK(all.parts[1].difference_ns() == Approx(-10));
  CHECK(all.parts[1].share == Approx(0.25));
  CHECK(all.parts[3].share == 0);
}

TEST_CASE("the slowest steps are those of each side", "[validate]") {
  std::vector<StepRow> real(99, step(1, 1, 1, 1));
  std::vector<StepRow> simulated(99, step(2, 2, 2, 2));
  real.push_back(step(1, 900, 1, 1));
  simulated.push_back(step(600, 2, 2, 2));

  const Contributions slowest = calibration::column_contributions(real, simulated, 0.99);

  CHECK(slowest.real_steps == 1);
  CHECK(slowest.simulated_steps == 1);
  CHECK(slowest.parts[0].part == "tool");
  CHECK(slowest.parts[0].difference_ns() == Approx(-898));
  CHECK(slowest.parts[1].difference_ns() == Approx(599));
}

TEST_CASE("what both sides wait for is compared by what they blame", "[validate]") {
  const auto table = [](std::int64_t own, std::int64_t queue) {
    calibration::BlameTable blame;
    calibration::CriticalPath path;
    path.sums.own[static_cast<std::size_t>(calibration::Blame::own)] = own;
    path.sums.peer[static_cast<std::size_t>(calibration::Blame::run_queue)] = queue;
    blame.add(own + queue, path, [](std::int32_t) { return calibration::Name::none; });
    blame.add(own + queue, path, [](std::int32_t) { return calibration::Name::none; });
    return blame;
  };

  const Contributions parts = calibration::blame_contributions(table(100, 10), table(90, 40), 0);

  REQUIRE(parts.parts.size() == 2);
  CHECK(parts.parts[0].part == "run queue, of a peer");
  CHECK(parts.parts[0].difference_ns() == Approx(30));
  CHECK(parts.parts[1].difference_ns() == Approx(-10));
  CHECK(parts.real_ns == Approx(110));
}
