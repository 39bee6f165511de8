#include "calibration/validate/compare_steps.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>

#include "sim/math.h"
#include "sim/rng.h"
#include "sim/ziggurat.h"

using calibration::ColumnComparison;
using calibration::RealSteps;
using calibration::StepColumn;
using calibration::StepRow;
using calibration::StepSample;
using sim::Equivalence;

namespace {

// Exponential tool time and a constant compute, everything of a run `factor` times as long.
std::vector<StepRow> steps(std::size_t count, double factor, sim::Stream& stream) {
  std::vector<StepRow> rows;
  for (std::size_t i = 0; i < count; ++i) {
    const double tool = -300'000 * sim::log(stream.uniform());
    rows.push_back({.agent = 0,
                    .start_ns = static_cast<std::int64_t>(i) * 1'000'000,
                    .timer_late_ns = static_cast<std::int64_t>(20'000 * factor),
                    .tool_ns = static_cast<std::int64_t>((50'000 + tool) * factor),
                    .read_ns = 0,
                    .parse_ns = static_cast<std::int64_t>(30'000 * factor)});
  }
  return rows;
}

// Repetitions that differ by 1 % from each other.
std::vector<std::vector<StepRow>> runs(int count, double factor, sim::Stream& stream,
                                       std::size_t length = 4000) {
  std::vector<std::vector<StepRow>> all;
  for (int i = 0; i < count; ++i) {
    all.push_back(steps(length, factor * (1 + 0.01 * sim::draw_normal(stream)), stream));
  }
  return all;
}

std::vector<StepSample> samples(const std::vector<std::vector<StepRow>>& all) {
  std::vector<StepSample> result;
  for (const auto& rows : all) {
    result.push_back(calibration::step_sample(rows));
  }
  return result;
}

ColumnComparison step_of(const std::vector<std::vector<StepRow>>& real,
                         const std::vector<std::vector<StepRow>>& simulated, double margin = 0.10) {
  const RealSteps side = calibration::real_steps(real);
  const scenarios::Profile profile;
  for (ColumnComparison& column : calibration::compare_steps(side, samples(simulated), {}, profile,
                                                             {.margin = margin, .resamples = 400})) {
    if (column.column == StepColumn::step) {
      return column;
    }
  }
  return {};
}

}  // namespace

TEST_CASE("runs of the same kind are equivalent at every judged percentile", "[validate]") {
  sim::Stream stream = sim::Rng{1}.stream("same");
  const ColumnComparison step = step_of(runs(5, 1, stream), runs(5, 1, stream));

  for (std::size_t i = 0; i < 3; ++i) {
    const auto& row = step.percentiles[i];
    CAPTURE(i, row.error);
    CHECK(row.judged);
    CHECK(row.equivalence.verdict == Equivalence::equivalent);
    CHECK(row.error_interval.contains(row.error));
    CHECK(row.aim_met(i));
    CHECK(row.spread->low_ns <= row.real_ns);
    CHECK(row.spread->high_ns >= row.real_ns);
  }
  CHECK(step.distances.wasserstein < 2 * step.distances.wasserstein_floor);
}

TEST_CASE("a simulation that is half as long again is different, by that error and distance", "[validate]") {
  sim::Stream stream = sim::Rng{2}.stream("longer");
  const ColumnComparison step = step_of(runs(5, 1, stream), runs(5, 1.5, stream));

  for (std::size_t i = 0; i < 3; ++i) {
    const auto& row = step.percentiles[i];
    CHECK(row.error == Approx(0.5).margin(0.08));
    CHECK(row.error_interval.low > 0.3);
    CHECK(row.equivalence.verdict == Equivalence::different);
    CHECK_FALSE(row.aim_met(i));
    CHECK_FALSE(row.inside_spread);
    CHECK(row.predicted == 0);
  }
  CHECK(step.distances.wasserstein == Approx(0.5).margin(0.05));
  CHECK(step.distances.wasserstein > 10 * step.distances.wasserstein_floor);
}

TEST_CASE("an error about as large as the margin cannot be judged from noisy runs", "[validate]") {
  sim::Stream stream = sim::Rng{3}.stream("margin");
  const ColumnComparison step = step_of(runs(3, 1, stream, 800), runs(3, 1.1, stream, 800));

  CHECK(step.percentiles[2].equivalence.verdict == Equivalence::cannot_tell);
}

// 1000 steps in each of two runs: 20 lie above p99, 2 above p99.9.
TEST_CASE("a percentile with fewer than ten samples above it is not judged", "[validate]") {
  sim::Stream stream = sim::Rng{4}.stream("few");
  const ColumnComparison step = step_of(runs(2, 1, stream, 1000), runs(5, 1, stream));

  CHECK(step.percentiles[2].real_above == 20);
  CHECK(step.percentiles[2].judged);
  CHECK(step.percentiles[3].real_above == 2);
  CHECK_FALSE(step.percentiles[3].judged);
}

TEST_CASE("a value inside the real spread meets the aim, however large its error", "[validate]") {
  calibration::PercentileComparison row;
  row.error = 0.2;
  CHECK_FALSE(row.aim_met(0));
  row.inside_spread = true;
  CHECK(row.aim_met(0));
  row = {};
  row.error = -0.24;
  CHECK(row.aim_met(3));
  CHECK_FALSE(row.aim_met(2));
}

TEST_CASE("the error is that of medians over repetitions, so one stalled repetition does not move it",
          "[validate]") {
  sim::Stream stream = sim::Rng{5}.stream("stall");
  auto real = runs(5, 1, stream);
  real[2] = steps(4000, 3, stream);
  const ColumnComparison step = step_of(real, runs(5, 1, stream));

  CHECK(step.percentiles[0].error == Approx(0).margin(0.03));
  CHECK(step.percentiles[0].spread->high_ns > 2.5 * step.percentiles[0].real_ns);
}

TEST_CASE("one real run is cut into blocks of time: its own percentiles, no spread", "[validate]") {
  sim::Stream stream = sim::Rng{6}.stream("blocks");
  const std::vector<std::vector<StepRow>> real{steps(10'000, 1, stream)};
  const StepSample whole = calibration::step_sample(real.front());
  const ColumnComparison step = step_of(real, runs(5, 1, stream, 10'000));

  for (std::size_t i = 0; i < 4; ++i) {
    const auto& row = step.percentiles[i];
    CHECK(row.real_ns == static_cast<double>(
                             sim::percentile(whole[StepColumn::step], calibration::compared_percentiles[i])));
    CHECK(row.real_each_ns.size() == calibration::time_blocks);
    CHECK_FALSE(row.spread.has_value());
    CHECK(row.predictions == 1);
  }
  CHECK(step.percentiles[0].equivalence.verdict == Equivalence::equivalent);
  CHECK(step_of(real, runs(5, 1.5, stream, 10'000)).percentiles[0].equivalence.verdict ==
        Equivalence::different);
}

// Exponentials: the standard error of a median is 1 / (2 f(m) sqrt n) = mean / sqrt n. With independent steps
// the interval from blocks is about as wide.
TEST_CASE("the interval from blocks is as wide as independent steps make it", "[validate]") {
  sim::Stream stream = sim::Rng{7}.stream("width");
  double width = 0;
  constexpr int trials = 20;
  for (int i = 0; i < trials; ++i) {
    const std::vector<std::vector<StepRow>> real{steps(4000, 1, stream)};
    const auto row = step_of(real, runs(5, 1, stream, 40'000)).percentiles[0];
    width += (row.equivalence.interval.high - row.equivalence.interval.low) / trials;
  }
  const double expected = 2 * 1.83 * (300.0 / std::sqrt(4000.0)) / (100 + 300 * std::log(2.0));

  CHECK(width == Approx(expected).epsilon(0.25));
}

TEST_CASE("columns that no real step uses are left out", "[validate]") {
  sim::Stream stream = sim::Rng{8}.stream("columns");
  const RealSteps side = calibration::real_steps(runs(2, 1, stream, 500));
  const auto columns =
      calibration::compare_steps(side, samples(runs(2, 1, stream, 500)), {}, {}, {.resamples = 50});

  CHECK(std::none_of(columns.begin(), columns.end(),
                     [](const auto& each) { return each.column == StepColumn::read; }));
  CHECK(columns.size() == 4);
}

TEST_CASE("blocks hold equally many steps, in the order in which those ended", "[validate]") {
  sim::Stream stream = sim::Rng{9}.stream("order");
  auto rows = steps(25, 1, stream);
  std::reverse(rows.begin(), rows.end());

  const auto blocks = calibration::in_blocks(rows, 10);

  REQUIRE(blocks.size() == 10);
  for (std::size_t i = 0; i < blocks.size(); ++i) {
    CHECK(blocks[i].size() >= 2);
    CHECK(blocks[i].size() <= 3);
    CHECK((i == 0 || blocks[i - 1].back().end_ns() <= blocks[i].front().end_ns()));
  }
  CHECK(calibration::in_blocks(std::span{rows}.first(3), 10).size() == 3);
}
