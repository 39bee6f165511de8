#include "calibration/validate/validation.h"

#include <fmt/format.h>

#include <algorithm>

#include "scenarios/experiment.h"
#include "sim/check.h"

namespace calibration {
namespace {

constexpr int least_replications = 5;

// The runs of one variant that are simulated: replications, then draws of uncertain costs.
class VariantRunner {
 public:
  VariantRunner(const RealVariant& real, const scenarios::Profile& profile, const ValidationOptions& options);

  int simulations() const { return static_cast<int>(jobs_.size() + real_.captured.size()); }
  // False when it was stopped.
  bool run(VariantValidation& result, const std::function<void()>& done) const;

 private:
  void simulate(VariantValidation& result, const std::vector<SimulatedRun>& runs) const;
  void compare_captures(VariantValidation& result, const std::function<void()>& done) const;

  const RealVariant& real_;
  const scenarios::Profile& profile_;
  const ValidationOptions& options_;
  std::size_t replications_;
  std::vector<SimulationJob> jobs_;
};

double median_seconds(const std::vector<LiveRun>& runs) {
  std::vector<double> seconds;
  for (const LiveRun& run : runs) {
    seconds.push_back(run.seconds());
  }
  return sim::median(seconds);
}

std::vector<StepRow> all_steps(const std::vector<LiveRun>& runs) {
  std::vector<StepRow> rows;
  for (const LiveRun& run : runs) {
    rows.insert(rows.end(), run.steps.begin(), run.steps.end());
  }
  return rows;
}

double step_median(const std::vector<StepRow>& rows) {
  return static_cast<double>(sim::percentile(step_sample(rows)[StepColumn::step], 0.5));
}

bool has_hogs(const models::HostConfig& host) {
  return std::any_of(host.background.begin(), host.background.end(),
                     [](const auto& background) { return background.kind == models::BackgroundKind::hog; });
}

VariantRunner::VariantRunner(const RealVariant& real, const scenarios::Profile& profile,
                             const ValidationOptions& options)
    : real_{real}, profile_{profile}, options_{options} {
  sim::check(!real.repetitions.empty(), "a variant to validate was run");
  const int wanted = options.replications > 0
                         ? options.replications
                         : std::max(least_replications, static_cast<int>(real.repetitions.size()));
  replications_ = static_cast<std::size_t>(std::max(2, wanted));
  SimulationJob job;
  job.host = real.variant->host;
  job.host.costs = scenarios::costs_of(profile);
  job.host.tracer.program = real.traced ? models::TracerProgram::chain : models::TracerProgram::none;
  job.warmup = options.warmup;
  job.duration = options.duration.count() > 0
                     ? options.duration
                     : sim::Nanos{static_cast<std::int64_t>(median_seconds(real.repetitions) * 1e9)};
  for (std::size_t i = 0; i < replications_; ++i) {
    job.seed = scenarios::replication_seed(options.seed, static_cast<int>(i));
    jobs_.push_back(job);
  }
  const int draws = has_uncertainties(profile) ? options.draws : 0;
  for (int draw = 0; draw < draws; ++draw) {
    job.seed = scenarios::replication_seed(options.seed, static_cast<int>(replications_) + draw);
    job.host.costs = perturbed_costs(profile, static_cast<std::uint64_t>(draw) + 1);
    jobs_.push_back(job);
  }
}

void VariantRunner::simulate(VariantValidation& result, const std::vector<SimulatedRun>& runs) const {
  std::vector<StepSample> samples;
  std::vector<StepRow> steps;
  std::vector<models::Metrics> metrics;
  for (std::size_t i = 0; i < runs.size(); ++i) {
    samples.push_back(step_sample(runs[i].steps));
    if (i < replications_) {
      steps.insert(steps.end(), runs[i].steps.begin(), runs[i].steps.end());
      metrics.push_back(runs[i].metrics);
    }
  }
  std::vector<std::vector<StepRow>> repetitions;
  for (const LiveRun& run : real_.repetitions) {
    repetitions.push_back(run.steps);
    result.repetitions.push_back(run.repetition);
  }
  const RealSteps real = real_steps(repetitions);
  const std::vector<StepRow> real_rows = all_steps(real_.repetitions);
  result.blocks = real.blocks;
  result.replications = static_cast<int>(replications_);
  result.real_seconds = median_seconds(real_.repetitions);
  result.simulated_seconds = static_cast<double>(jobs_.front().duration.count()) * 1e-9;
  result.real_steps = real_rows.size();
  result.simulated_steps = steps.size();
  const std::span all{samples};
  result.columns =
      compare_steps(real, all.first(replications_), all.subspan(replications_), profile_, options_.compare);
  result.real_use = real_use(real_.repetitions);
  result.simulated_use = simulated_use(metrics, real_.variant->host.topology.cpus);
  result.all_steps = column_contributions(real_rows, steps, 0);
  result.slowest_steps = column_contributions(real_rows, steps, 0.99);
  result.warnings = saturation_warnings(result.real_use, result.simulated_use, has_hogs(real_.variant->host));
}

void VariantRunner::compare_captures(VariantValidation& result, const std::function<void()>& done) const {
  for (const LiveRun& run : real_.captured) {
    if (run.events.empty() || (options_.stop != nullptr && options_.stop->load())) {
      continue;
    }
    SimulationJob job = jobs_.front();
    job.duration = sim::Nanos{run.end_ns - run.start_ns};
    result.captures.push_back(compare_capture(run.events, job));
    if (!run.capture_complete) {
      result.warnings.push_back(
          fmt::format("{}: the capture is incomplete, its stages lack events", result.captures.back().name));
    }
    if (!real_.traced) {
      std::vector<double> untraced;
      for (const LiveRun& other : real_.repetitions) {
        untraced.push_back(step_median(other.steps));
      }
      result.capture_slowdown.push_back(step_median(run.steps) / sim::median(untraced) - 1);
    }
    done();
  }
}

bool VariantRunner::run(VariantValidation& result, const std::function<void()>& done) const {
  const std::vector<SimulatedRun> runs = simulate_runs(jobs_, options_.threads, options_.stop, done);
  if (options_.stop != nullptr && options_.stop->load()) {
    return false;
  }
  const bool silent =
      std::any_of(runs.begin(), runs.end(), [](const SimulatedRun& run) { return run.steps.empty(); });
  if (silent) {
    result.warnings.push_back("a simulated replication ended without one step: nothing to compare");
    return true;
  }
  simulate(result, runs);
  compare_captures(result, done);
  return true;
}

void add_effects(Validation& validation, const std::vector<RealVariant>& real) {
  const auto find = [&](const std::string& name) {
    const auto found = std::find_if(validation.variants.begin(), validation.variants.end(),
                                    [&](const VariantValidation& each) { return each.name == name; });
    return found == validation.variants.end() ? nullptr : &*found;
  };
  for (const RealVariant& each : real) {
    const VariantValidation* with = find(each.name);
    const VariantValidation* without = find(each.variant->against);
    if (each.variant->against.empty() || with == nullptr || without == nullptr || with->blocks ||
        without->blocks) {
      continue;
    }
    validation.effects.push_back(compare_effect(with->name, without->name, {with->columns, with->repetitions},
                                                {without->columns, without->repetitions}));
  }
}

}  // namespace

const ColumnComparison* VariantValidation::find(StepColumn column) const {
  const auto found =
      std::find_if(columns.begin(), columns.end(), [&](const auto& each) { return each.column == column; });
  return found == columns.end() ? nullptr : &*found;
}

Coverage Validation::coverage(StepColumn column, std::size_t percentile, bool calibrated) const {
  Coverage sum;
  for (const VariantValidation& variant : variants) {
    const ColumnComparison* found = variant.find(column);
    if (found != nullptr && variant.calibrated == calibrated && found->percentiles[percentile].judged) {
      sum.predicted += found->percentiles[percentile].predicted;
      sum.predictions += found->percentiles[percentile].predictions;
    }
  }
  return sum;
}

Validation validate_runs(const std::vector<RealVariant>& real, const scenarios::Profile& profile,
                         const ValidationOptions& options) {
  std::vector<VariantRunner> runners;
  int total = 0;
  for (const RealVariant& each : real) {
    runners.emplace_back(each, profile, options);
    total += runners.back().simulations();
  }
  int finished = 0;
  const auto done = [&] {
    ++finished;
    if (options.progress) {
      options.progress(static_cast<double>(finished) / total);
    }
  };
  Validation validation;
  for (std::size_t i = 0; i < real.size(); ++i) {
    VariantValidation result;
    result.name = real[i].name;
    result.title = real[i].variant->title;
    result.traced = real[i].traced;
    result.outside_domain = outside_domain(profile, real[i].variant->host);
    const auto& loads = profile.domain.loads;
    result.calibrated = std::find(loads.begin(), loads.end(), real[i].name) != loads.end();
    if (!runners[i].run(result, done)) {
      validation.interrupted = true;
      break;
    }
    validation.variants.push_back(std::move(result));
  }
  add_effects(validation, real);
  return validation;
}

}  // namespace calibration
