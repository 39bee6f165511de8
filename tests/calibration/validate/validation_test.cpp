// Simulated runs stand for real ones: validation has to find them equal to the simulation they came from, and
// different from one whose costs are others.
#include "calibration/validate/validation.h"

#include <catch2/catch.hpp>
#include <cmath>

#include "calibration/traces/ftrace_writer.h"
#include "calibration/traces/simulated_events.h"
#include "tests/support/live_directory.h"

using calibration::RealVariant;
using calibration::StepColumn;
using calibration::Validation;
using calibration::ValidationOptions;
using calibration::VariantValidation;
using sim::Equivalence;

namespace {

constexpr sim::Nanos warmup{200'000'000};
constexpr sim::Nanos duration{3'000'000'000};

const std::string source_dir = CHAINSIM_SOURCE_DIR;

// Four agents on the guest that the captures are of, "really" run by the simulator itself.
struct SelfRuns {
  SelfRuns() : scenario{scenarios::load_scenario(source_dir + "/scenarios/captured/n4.yaml")} {
    variant = scenario.base;
    variant.name = "n4";
    variant.profile.domain.loads = {"n4"};
  }

  std::vector<RealVariant> real(int repetitions) const {
    directory.repetitions(variant, warmup, duration, repetitions);
    calibration::LiveRuns runs = calibration::read_live_runs(directory.directory);
    return {{&variant, "n4", std::move(runs.variants[0].repetitions), false,
             std::move(runs.variants[0].captured)}};
  }

  LiveDirectory directory;
  scenarios::Scenario scenario;
  scenarios::Variant variant;
};

ValidationOptions options() {
  ValidationOptions result;
  result.compare.resamples = 300;
  result.warmup = warmup;
  result.threads = 2;
  return result;
}

scenarios::Profile with_doubled(scenarios::Profile profile, models::Cost cost) {
  auto& value = profile[cost]->value.value;
  value = value.scaled(2);
  return profile;
}

}  // namespace

TEST_CASE("a simulation is equivalent to itself under other seeds", "[validate]") {
  const SelfRuns self;
  const auto real = self.real(5);

  const Validation validation = calibration::validate_runs(real, self.variant.profile, options());

  REQUIRE(validation.variants.size() == 1);
  const VariantValidation& n4 = validation.variants[0];
  CHECK(n4.calibrated);
  CHECK(n4.warnings.empty());
  CHECK(n4.simulated_seconds == Approx(3));
  CHECK(n4.real_use.steps_per_second == Approx(n4.simulated_use.steps_per_second).epsilon(0.03));
  REQUIRE(n4.columns.size() == 5);
  for (const calibration::ColumnComparison& column : n4.columns) {
    for (std::size_t i = 0; i < 3; ++i) {
      CAPTURE(to_string(column.column), i, column.percentiles[i].error);
      CHECK(column.percentiles[i].aim_met(i));
      CHECK(column.percentiles[i].equivalence.verdict != Equivalence::different);
    }
    CHECK(column.percentiles[0].equivalence.verdict == Equivalence::equivalent);
    CHECK(column.distances.wasserstein < 1.5 * column.distances.wasserstein_floor + 0.005);
  }
  const calibration::Coverage coverage = validation.coverage(StepColumn::step, 0, true);
  CHECK(coverage.predictions == 5);
  CHECK(coverage.predicted >= 4);
}

TEST_CASE("a simulation with one cost doubled is told from what was run, and where it differs",
          "[validate]") {
  const SelfRuns self;
  const auto real = self.real(5);
  const scenarios::Profile slower = with_doubled(self.variant.profile, models::Cost::virtio_blk_request);

  const Validation validation = calibration::validate_runs(real, slower, options());

  const VariantValidation& n4 = validation.variants[0];
  const auto& read = n4.find(StepColumn::read)->percentiles[0];
  CHECK(read.equivalence.verdict == Equivalence::different);
  CHECK(read.error > 0.2);
  CHECK_FALSE(read.aim_met(0));
  CHECK(n4.find(StepColumn::step)->percentiles[0].error > 0.03);
  CHECK(n4.find(StepColumn::parse)->percentiles[0].equivalence.verdict == Equivalence::equivalent);
  CHECK(n4.all_steps.parts[0].part == "read");
  CHECK(n4.all_steps.parts[0].share > 0.8);
  CHECK(validation.coverage(StepColumn::step, 0, true).predicted == 0);
}

TEST_CASE("threads do not change a validation", "[validate]") {
  const SelfRuns self;
  const auto real = self.real(2);
  ValidationOptions one = options();
  one.duration = sim::Nanos{500'000'000};
  one.threads = 1;
  ValidationOptions three = one;
  three.threads = 3;

  const Validation a = calibration::validate_runs(real, self.variant.profile, one);
  const Validation b = calibration::validate_runs(real, self.variant.profile, three);

  for (std::size_t i = 0; i < 4; ++i) {
    const auto& first = a.variants[0].columns[0].percentiles[i];
    const auto& second = b.variants[0].columns[0].percentiles[i];
    CHECK(first.simulated_each_ns == second.simulated_each_ns);
    CHECK(first.error_interval.low == second.error_interval.low);
  }
}

TEST_CASE("an interrupted validation keeps the variants that were done", "[validate]") {
  const SelfRuns self;
  auto real = self.real(2);
  real.push_back(real[0]);
  real[1].name = "again";
  std::atomic<bool> stop{false};
  ValidationOptions some = options();
  some.duration = sim::Nanos{100'000'000};
  some.stop = &stop;
  some.progress = [&](double share) { stop = share > 0.5; };

  const Validation validation = calibration::validate_runs(real, self.variant.profile, some);

  CHECK(validation.interrupted);
  REQUIRE(validation.variants.size() == 1);
  CHECK(validation.variants[0].name == "n4");
}

// A capture of the simulated host under a tracer, written as the kernel writes one.
TEST_CASE("the stages of a captured run of the simulation are those of the simulation", "[validate]") {
  const SelfRuns self;
  calibration::Names names;
  scenarios::OutputFile file{self.directory.path("n4.trace")};
  calibration::FtraceTextWriter writer{file, names, {.nanoseconds = true}};
  models::HostConfig traced = self.variant.host;
  traced.tracer.program = models::TracerProgram::chain;
  calibration::simulate_events(traced, {.seed = 77, .warmup = warmup, .duration = duration}, names,
                               {.event = [&](const calibration::Event& event) { writer.write(event); }});
  writer.finish();
  file.commit();

  const calibration::CaptureComparison same = calibration::compare_capture(
      self.directory.path("n4.trace"),
      {.host = self.variant.host, .seed = 1, .warmup = warmup, .duration = duration});
  models::HostConfig slower = self.variant.host;
  slower.costs[models::Cost::virtio_blk_request].value =
      slower.costs[models::Cost::virtio_blk_request].value.scaled(2);
  const calibration::CaptureComparison other = calibration::compare_capture(
      self.directory.path("n4.trace"), {.host = slower, .seed = 1, .warmup = warmup, .duration = duration});

  CHECK(same.broken_switches == 0);
  CHECK(same.only_real.empty());
  CHECK(same.only_simulated.empty());
  CHECK(same.stages.size() > 25);
  int compared = 0;
  for (const calibration::StageComparison& stage : same.stages) {
    for (std::size_t i = 0; i < 2; ++i) {
      if (stage.judged[i] && stage.real_count > 1000 &&
          std::abs(stage.simulated_ns[i] - stage.real_ns[i]) > 1000) {
        CAPTURE(info(stage.stage).name, stage.group, i, stage.real_ns[i], stage.simulated_ns[i]);
        CHECK(std::abs(*stage.error(i)) < 0.1);
      }
      ++compared;
    }
  }
  CHECK(compared > 50);
  CHECK(same.all_steps.real_ns == Approx(same.all_steps.simulated_ns).epsilon(0.05));
  CHECK(other.all_steps.parts[0].part == "device");
  CHECK(other.all_steps.parts[0].share > 0.5);
}

TEST_CASE("interrupts meet by their handler, whatever their numbers", "[validate]") {
  CHECK(calibration::group_label("irq 36 virtio1-req.0") == "irq virtio-req");
  CHECK(calibration::group_label("irq 33 virtio0-req.0") == "irq virtio-req");
  CHECK(calibration::group_label("irq 130 nvme0q12") == "irq nvmeq");
  CHECK(calibration::group_label("NET_RX") == "NET_RX");
}
