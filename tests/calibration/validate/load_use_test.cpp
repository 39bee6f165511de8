#include "calibration/validate/load_use.h"

#include <catch2/catch.hpp>

using calibration::LiveRun;
using calibration::LoadUse;

namespace {

LiveRun run(std::size_t steps, std::int64_t bytes, double idle) {
  LiveRun result;
  result.start_ns = 0;
  result.end_ns = 2'000'000'000;
  result.steps.resize(steps);
  result.counters[static_cast<std::size_t>(models::Counter::background_bytes)] = bytes;
  result.cpu = calibration::CpuUse{.user = 100 - idle, .idle = idle};
  return result;
}

}  // namespace

TEST_CASE("a load's rates are medians over its repetitions", "[validate]") {
  const std::vector<LiveRun> runs{run(100, 8000, 50), run(120, 6000, 60), run(9000, 7000, 1)};

  const LoadUse use = calibration::real_use(runs);

  CHECK(use.steps_per_second == 60);
  CHECK(use.background_bytes_per_second == 3500.0);
  CHECK(use.cpu->idle == 50);
}

TEST_CASE("background bytes come from the background where no counter has them", "[validate]") {
  LiveRun counted = run(1, 1, 1);
  counted.counters = {};
  CHECK_FALSE(calibration::real_use(std::vector{counted}).background_bytes_per_second.has_value());
  counted.background = {{"bulk", {.bytes = 500}}, {"writer", {.bytes = 300}}};
  CHECK(calibration::real_use(std::vector{counted}).background_bytes_per_second == 400.0);
}

TEST_CASE("a simulated run's CPU time is a share of all CPUs' time", "[validate]") {
  models::Metrics metrics;
  metrics.measured = sim::Nanos{1'000'000'000};
  metrics[models::Counter::steps] = 70;
  metrics[models::Counter::cpu_user_ns] = 500'000'000;
  metrics[models::Counter::cpu_softirq_ns] = 100'000'000;
  metrics[models::Counter::cpu_ksoftirqd_ns] = 20'000'000;
  metrics[models::Counter::cpu_idle_ns] = 1'380'000'000;

  const LoadUse use = calibration::simulated_use(std::vector{metrics}, 2);

  CHECK(use.steps_per_second == 70);
  CHECK(use.cpu->user == Approx(25));
  CHECK(use.cpu->softirq == Approx(6));
  CHECK(use.cpu->idle == Approx(69));
}

TEST_CASE("a saturated or slower side is warned of", "[validate]") {
  const LoadUse easy{
      .steps_per_second = 100, .background_bytes_per_second = 1e6, .cpu = calibration::CpuUse{.idle = 40}};
  LoadUse other = easy;
  CHECK(calibration::saturation_warnings(easy, other).empty());

  other.cpu->idle = 2;
  REQUIRE(calibration::saturation_warnings(easy, other).size() == 1);
  CHECK_THAT(calibration::saturation_warnings(easy, other)[0],
             Catch::Contains("simulated CPUs are idle for 2.0 %"));
  CHECK_THAT(calibration::saturation_warnings(other, easy)[0], Catch::Contains("real CPUs"));

  CHECK(calibration::saturation_warnings(easy, other, true).empty());

  other = easy;
  other.steps_per_second = 80;
  other.background_bytes_per_second = 1.05e6;
  REQUIRE(calibration::saturation_warnings(easy, other).size() == 1);
  CHECK_THAT(calibration::saturation_warnings(easy, other)[0], Catch::Contains("-20 %"));
}
