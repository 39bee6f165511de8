#include "calibration/validate/compare_steps.h"

#include <algorithm>
#include <cmath>

#include "calibration/validate/blocked_sample.h"
#include "sim/bootstrap.h"
#include "sim/check.h"
#include "sim/histogram.h"
#include "sim/math.h"

namespace calibration {
namespace {

using Values = std::vector<std::int64_t>;

// A percentile of 0 has no logarithm; nothing here is timed to less than a nanosecond.
double percentile_of(const Values& ascending, double p) {
  return std::max(1.0, static_cast<double>(sim::percentile(ascending, p)));
}

std::vector<double> percentiles_of(std::span<const StepSample> samples, StepColumn column, double p) {
  std::vector<double> result;
  for (const StepSample& sample : samples) {
    result.push_back(percentile_of(sample[column], p));
  }
  return result;
}

std::vector<double> logs(std::span<const double> values) {
  std::vector<double> result;
  for (const double value : values) {
    result.push_back(sim::log(value));
  }
  return result;
}

double median_of(std::span<const double> values, std::span<const std::size_t> units) {
  std::vector<double> chosen;
  for (const std::size_t unit : units) {
    chosen.push_back(values[unit]);
  }
  return sim::median(chosen);
}

std::uint64_t above(const Values& ascending, double p) {
  const auto n = static_cast<std::uint64_t>(ascending.size());
  return n == 0 ? 0 : n - sim::nearest_rank(p, n);
}

// One column of both sides.
class ColumnComparer {
 public:
  ColumnComparer(const RealSteps& real, std::span<const StepSample> simulated,
                 std::span<const StepSample> perturbed, StepColumn column, const scenarios::Profile& profile,
                 const CompareOptions& options)
      : real_{real},
        simulated_{simulated},
        perturbed_{perturbed},
        column_{column},
        profile_{profile},
        options_{options},
        real_pooled_{pooled(real.samples, column)},
        simulated_pooled_{pooled(simulated, column)} {
    if (real.blocks) {
      blocked_.emplace(real.samples, column);
    }
  }

  bool used() const { return !real_pooled_.empty() && real_pooled_.back() > 0; }
  ColumnComparison compare() const;

 private:
  static Values pooled(std::span<const StepSample> samples, StepColumn column) {
    Values values;
    for (const StepSample& sample : samples) {
      values.insert(values.end(), sample[column].begin(), sample[column].end());
    }
    std::sort(values.begin(), values.end());
    return values;
  }
  PercentileComparison compare_percentile(std::size_t i) const;
  std::vector<double> resampled_real(const PercentileComparison& result, double p, sim::Stream& stream) const;
  void judge_errors(PercentileComparison& result, std::size_t i) const;
  void judge_prediction(PercentileComparison& result, std::size_t i) const;
  ColumnDistances distances() const;

  const RealSteps& real_;
  std::span<const StepSample> simulated_, perturbed_;
  StepColumn column_;
  const scenarios::Profile& profile_;
  const CompareOptions& options_;
  Values real_pooled_, simulated_pooled_;
  std::optional<BlockedSample> blocked_;
};

std::vector<double> ColumnComparer::resampled_real(const PercentileComparison& result, double p,
                                                   sim::Stream& stream) const {
  return sim::bootstrap(
      real_.samples.size(), options_.resamples, stream, [&](std::span<const std::size_t> units) {
        return blocked_ ? blocked_->percentile(units, p) : median_of(result.real_each_ns, units);
      });
}

void ColumnComparer::judge_errors(PercentileComparison& result, std::size_t i) const {
  const double p = compared_percentiles[i];
  sim::Stream stream = sim::Rng{options_.seed}.stream("bootstrap/" + std::string{to_string(column_)}, i);
  const std::vector<double> real = resampled_real(result, p, stream);
  const std::vector<double> simulated = sim::bootstrap(
      simulated_.size(), options_.resamples, stream,
      [&](std::span<const std::size_t> units) { return median_of(result.simulated_each_ns, units); });
  std::vector<double> errors(real.size());
  std::transform(simulated.begin(), simulated.end(), real.begin(), errors.begin(),
                 [](double s, double r) { return s / r - 1; });
  result.error = result.simulated_ns / result.real_ns - 1;
  result.error_interval = sim::bootstrap_interval(std::move(errors), result.error);

  const std::vector<double> simulated_logs = logs(result.simulated_each_ns);
  sim::MeanDifference difference = sim::welch_difference(simulated_logs, logs(result.real_each_ns));
  if (blocked_) {
    // Blocks do not have the whole run's percentile; how it scatters is what resampling shows.
    const double n = static_cast<double>(simulated_logs.size());
    const double own = sim::standard_deviation(simulated_logs) / std::sqrt(n);
    const double blocks = sim::standard_deviation(logs(real));
    difference = {sim::mean(simulated_logs) - sim::log(result.real_ns),
                  std::sqrt(own * own + blocks * blocks), static_cast<double>(real_.samples.size()) - 1};
  }
  const double margin = sim::log(1 + options_.margin);
  result.equivalence = two_one_sided_tests(difference, {-margin, margin});
}

void ColumnComparer::judge_prediction(PercentileComparison& result, std::size_t i) const {
  const std::vector<double> perturbed = percentiles_of(perturbed_, column_, compared_percentiles[i]);
  result.prediction = predict({.replications = result.simulated_each_ns,
                               .perturbed = perturbed,
                               .repeat_spread = repeat_spread(profile_, metric_of(column_), i)});
  const std::vector<double> runs = blocked_ ? std::vector<double>{result.real_ns} : result.real_each_ns;
  result.predictions = static_cast<int>(runs.size());
  result.predicted = static_cast<int>(std::count_if(
      runs.begin(), runs.end(), [&](double run) { return result.prediction.interval.contains(run); }));
}

PercentileComparison ColumnComparer::compare_percentile(std::size_t i) const {
  const double p = compared_percentiles[i];
  PercentileComparison result;
  result.real_each_ns = percentiles_of(real_.samples, column_, p);
  result.simulated_each_ns = percentiles_of(simulated_, column_, p);
  result.real_pooled_ns = percentile_of(real_pooled_, p);
  result.simulated_pooled_ns = percentile_of(simulated_pooled_, p);
  result.real_ns = real_.blocks ? result.real_pooled_ns : sim::median(result.real_each_ns);
  result.simulated_ns = sim::median(result.simulated_each_ns);
  result.real_above = above(real_pooled_, p);
  result.judged =
      result.real_above >= samples_above_to_judge && above(simulated_pooled_, p) >= samples_above_to_judge;
  if (!real_.blocks) {
    const auto [low, high] = std::minmax_element(result.real_each_ns.begin(), result.real_each_ns.end());
    result.spread =
        Spread{*low, *high, sim::standard_deviation(result.real_each_ns) / sim::mean(result.real_each_ns)};
    result.inside_spread = *low <= result.simulated_ns && result.simulated_ns <= *high;
  }
  judge_errors(result, i);
  judge_prediction(result, i);
  return result;
}

// A run cut into blocks is compared whole; the floor is between its halves.
ColumnDistances ColumnComparer::distances() const {
  std::vector<Values> simulated;
  for (const StepSample& sample : simulated_) {
    simulated.push_back(sample[column_]);
  }
  if (real_.blocks) {
    const std::span blocks{real_.samples};
    const std::vector<Values> halves{pooled(blocks.first(blocks.size() / 2), column_),
                                     pooled(blocks.subspan(blocks.size() / 2), column_)};
    return column_distances(std::vector<Values>{real_pooled_}, halves, simulated);
  }
  std::vector<Values> real;
  for (const StepSample& sample : real_.samples) {
    real.push_back(sample[column_]);
  }
  return column_distances(real, real, simulated);
}

double mean_of(const Values& values) {
  double sum = 0;
  for (const std::int64_t value : values) {
    sum += static_cast<double>(value);
  }
  return values.empty() ? 0 : sum / static_cast<double>(values.size());
}

ColumnComparison ColumnComparer::compare() const {
  ColumnComparison result;
  result.column = column_;
  result.real_mean_ns = mean_of(real_pooled_);
  result.simulated_mean_ns = mean_of(simulated_pooled_);
  for (std::size_t i = 0; i < compared_percentiles.size(); ++i) {
    result.percentiles[i] = compare_percentile(i);
  }
  result.distances = distances();
  return result;
}

}  // namespace

bool PercentileComparison::aim_met(std::size_t percentile) const {
  return std::abs(error) <= aimed_errors[percentile] || inside_spread;
}

RealSteps real_steps(std::span<const std::vector<StepRow>> repetitions) {
  sim::check(!repetitions.empty(), "there is a real run to compare with");
  RealSteps real;
  real.blocks = repetitions.size() == 1;
  const auto parts = real.blocks ? in_blocks(repetitions.front(), time_blocks)
                                 : std::vector<std::vector<StepRow>>(repetitions.begin(), repetitions.end());
  for (const auto& rows : parts) {
    real.samples.push_back(step_sample(rows));
  }
  return real;
}

std::vector<ColumnComparison> compare_steps(const RealSteps& real, std::span<const StepSample> simulated,
                                            std::span<const StepSample> perturbed,
                                            const scenarios::Profile& profile,
                                            const CompareOptions& options) {
  sim::check(real.samples.size() >= 2 && simulated.size() >= 2, "each side has something to scatter");
  std::vector<ColumnComparison> columns;
  for (std::size_t i = 0; i < step_columns; ++i) {
    const ColumnComparer comparer{real, simulated, perturbed, static_cast<StepColumn>(i), profile, options};
    if (comparer.used()) {
      columns.push_back(comparer.compare());
    }
  }
  return columns;
}

}  // namespace calibration
