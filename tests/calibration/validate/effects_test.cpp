#include "calibration/validate/effects.h"

#include <catch2/catch.hpp>

using calibration::ColumnComparison;
using calibration::Effect;
using calibration::PercentileEffect;
using calibration::StepColumn;

namespace {

std::vector<ColumnComparison> step_column(std::vector<double> real, std::vector<double> simulated) {
  ColumnComparison column;
  column.column = StepColumn::step;
  for (auto& row : column.percentiles) {
    row.real_each_ns = real;
    row.simulated_each_ns = simulated;
    row.judged = true;
  }
  return {column};
}

const std::vector<int> five{1, 2, 3, 4, 5};
const std::vector<double> reference{1000, 1100, 900, 1050, 950};  // drifts by more than the effect below

PercentileEffect effect(const std::vector<double>& real, const std::vector<double>& simulated) {
  const auto with = step_column(real, simulated);
  const auto without = step_column(reference, reference);
  return calibration::compare_effect("with", "without", {with, five}, {without, five})
      .columns[0]
      .percentiles[0];
}

}  // namespace

TEST_CASE("an effect is seen under a drift that both variants share", "[validate]") {
  const PercentileEffect helped = effect({951, 1049, 851, 999, 900}, {960, 1060, 860, 1010, 910});

  CHECK(helped.real.mean == Approx(-50));
  CHECK(helped.exceeds_noise());
  CHECK(helped.sign_right());
  CHECK(helped.size() == Approx(0.8));
  CHECK(helped.size_right());
  CHECK(helped.reference_ns == 1000);
}

TEST_CASE("an effect of the wrong sign or size is told", "[validate]") {
  const std::vector<double> real{951, 1049, 851, 999, 900};

  CHECK_FALSE(effect(real, {1040, 1140, 940, 1090, 990}).sign_right());
  const PercentileEffect twice = effect(real, {900, 1000, 800, 950, 850});
  CHECK(twice.sign_right());
  CHECK(twice.size() == Approx(2));
  CHECK_FALSE(twice.size_right());
}

TEST_CASE("differences of both signs do not exceed the noise", "[validate]") {
  CHECK_FALSE(effect({1010, 1090, 905, 1046, 951}, reference).exceeds_noise());
}

TEST_CASE("repetitions are paired by their numbers", "[validate]") {
  const std::vector<int> some{5, 2, 9};
  const auto with = step_column({960, 1110, 7}, {1, 2, 3});
  const auto without = step_column(reference, {1, 2, 3});

  const Effect two = calibration::compare_effect("with", "without", {with, some}, {without, five});
  CHECK(two.pairs == 2);
  CHECK(two.columns[0].percentiles[0].real.mean == Approx(10));
  const std::vector<int> none{7, 8, 9};
  CHECK(calibration::compare_effect("with", "without", {with, none}, {without, five}).columns.empty());
}
