#include "calibration/fit/fitted.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <optional>

#include "sim/check.h"

namespace calibration {
namespace {

double ns(sim::Nanos span) { return static_cast<double>(span.count()); }

std::uint64_t count_of(const std::vector<sim::HistogramBin>& bins) {
  std::uint64_t count = 0;
  for (const sim::HistogramBin& bin : bins) {
    count += bin.count;
  }
  return count;
}

// Neighbouring bins together until each interval holds about a hundredth of the values: the search for
// the maximum is quick and hardly less certain. The intervals touch, so gaps count as seen and empty.
std::vector<ValueInterval> intervals(const std::vector<sim::HistogramBin>& bins) {
  constexpr double groups = 100;
  const double least = static_cast<double>(count_of(bins)) / groups;
  std::vector<ValueInterval> result;
  ValueInterval open{.low_ns = ns(bins.front().low)};
  for (const sim::HistogramBin& bin : bins) {
    open.high_ns = std::max(ns(bin.high), open.low_ns + 1);
    open.weight += static_cast<double>(bin.count);
    if (open.weight >= least) {
      result.push_back(open);
      open = {.low_ns = open.high_ns};
    }
  }
  if (open.weight > 0) {
    result.push_back(open);
  }
  return result;
}

// p is rounded to seven digits, so that a profile prints the table that was judged.
double seven_digits(double p) { return std::floor(p * 1e7 + 0.5) / 1e7; }

// Every corner of the piecewise linear CDF.
std::vector<std::pair<double, double>> corners(const std::vector<sim::HistogramBin>& bins) {
  constexpr double atom = 0.005;  // of the values: below, an exact value is one point at its middle rank
  const double all = static_cast<double>(count_of(bins));
  std::vector<std::pair<double, double>> points;
  double below = 0;
  for (const sim::HistogramBin& bin : bins) {
    const double from = below / all;
    below += static_cast<double>(bin.count);
    const double to = below / all;
    if (bin.low == bin.high && to - from < atom && !points.empty() && to < 1) {
      points.emplace_back((from + to) / 2, ns(bin.low));
    } else {
      points.emplace_back(from, ns(bin.low));
      points.emplace_back(to, ns(bin.high));
    }
  }
  points.front().first = 0;
  points.back().first = 1;
  return points;
}

bool straight(const std::vector<std::pair<double, double>>& points, std::size_t from, std::size_t to) {
  const auto [p0, v0] = points[from];
  const auto [p1, v1] = points[to];
  for (std::size_t i = from + 1; i < to; ++i) {
    const auto [p, v] = points[i];
    const double line = v1 > v0 ? p0 + (p1 - p0) * (v - v0) / (v1 - v0) : p;
    if (std::abs(line - p) > std::min(0.002, 0.1 * (1 - p))) {
      return false;
    }
  }
  return true;
}

double quantile_error(const sim::Distribution& fitted, const sim::Distribution& data, double p) {
  const double real = data.quantile_ns(p);
  return real > 0 ? (fitted.quantile_ns(p) - real) / real : 0;
}

bool quantile_good(double error, const sim::Distribution& data, double p, double share,
                   sim::Nanos resolution) {
  return std::abs(error) <= share || std::abs(error) * data.quantile_ns(p) <= ns(resolution);
}

bool good_enough(const GoodnessOfFit& goodness, const MeasuredQuantity& quantity,
                 const sim::Distribution& data) {
  constexpr double ks_bound = 0.03;
  constexpr std::uint64_t enough_for_p999 = 10'000;  // ten values above it
  const std::uint64_t count = quantity.best().count();
  const double chance = 1.36 / std::sqrt(static_cast<double>(count));
  return goodness.ks <= std::max(ks_bound, chance) &&
         quantile_good(goodness.p50_error, data, 0.5, 0.05, quantity.resolution) &&
         quantile_good(goodness.p99_error, data, 0.99, 0.10, quantity.resolution) &&
         (count < enough_for_p999 ||
          quantile_good(goodness.p999_error, data, 0.999, 0.20, quantity.resolution));
}

bool better(const FormTrial& one, const FormTrial& other) {
  const bool one_constant = one.form == Form::constant;
  if (one_constant != (other.form == Form::constant)) {
    return one_constant;
  }
  return one.aic < other.aic;
}

void use_form(FittedDistribution& fitted, const FormTrial& trial, const sim::Distribution& distribution) {
  fitted.form = to_string(trial.form);
  fitted.parameters = trial.parameters;
  fitted.distribution = distribution;
  fitted.goodness = trial.goodness;
  fitted.why = trial.form == Form::constant ? "all but a few values share one interval"
                                            : "the smallest AIC of the forms that are good enough";
}

void use_table(FittedDistribution& fitted, const std::vector<sim::HistogramBin>& bins, std::string why) {
  fitted.form = "quantiles";
  fitted.table = quantile_table(bins);
  fitted.distribution = sim::Distribution::quantiles(fitted.table);
  fitted.goodness = goodness_of_fit(fitted.distribution, bins);
  fitted.why = std::move(why);
}

// A form continues into the first interval by assumption, a table is flat in it.
void note_resolution(FittedDistribution& fitted, const MeasuredQuantity& quantity) {
  constexpr double much = 0.25;
  const auto zero = quantity.best().values().find(0);
  if (!quantity.truncated() || zero == quantity.best().values().end()) {
    return;
  }
  const double share = static_cast<double>(zero->second) / static_cast<double>(fitted.count);
  if (share >= much) {
    fitted.notes.push_back(fmt::format("{:.0f} % of the values print 0: their shape below {} ns is assumed",
                                       100 * share, quantity.resolution.count()));
  }
}

}  // namespace

QuantileTable quantile_table(const std::vector<sim::HistogramBin>& bins) {
  const auto points = corners(bins);
  QuantileTable table;
  const auto keep = [&](std::size_t i) {
    const sim::Nanos value{static_cast<std::int64_t>(points[i].second)};
    const double p = seven_digits(points[i].first);
    if (table.empty() || table.back().first != p || table.back().second != value) {
      table.emplace_back(p, value);
    }
  };
  keep(0);
  std::size_t from = 0;
  for (std::size_t to = 2; to < points.size(); ++to) {
    if (!straight(points, from, to)) {
      from = to - 1;
      keep(from);
    }
  }
  keep(points.size() - 1);
  return table;
}

GoodnessOfFit goodness_of_fit(const sim::Distribution& distribution,
                              const std::vector<sim::HistogramBin>& bins) {
  const double all = static_cast<double>(count_of(bins));
  GoodnessOfFit goodness;
  double below = 0;
  for (const sim::HistogramBin& bin : bins) {
    // An exact value's CDF jumps there: what lies just below is compared half a nanosecond before.
    const double before = bin.low == bin.high ? ns(bin.low) - 0.5 : ns(bin.low);
    goodness.ks = std::max(goodness.ks, std::abs(distribution.cdf(before) - below / all));
    below += static_cast<double>(bin.count);
    goodness.ks = std::max(goodness.ks, std::abs(distribution.cdf(ns(bin.high)) - below / all));
  }
  const sim::Distribution data = sim::Distribution::histogram(bins);
  goodness.p50_error = quantile_error(distribution, data, 0.5);
  goodness.p99_error = quantile_error(distribution, data, 0.99);
  goodness.p999_error = quantile_error(distribution, data, 0.999);
  return goodness;
}

FittedDistribution fit(const MeasuredQuantity& quantity) {
  constexpr std::uint64_t fewest = 50;
  sim::check(!quantity.best().empty(), "a distribution is fitted to at least one value");
  const std::vector<sim::HistogramBin> bins = quantity.bins();
  FittedDistribution fitted;
  fitted.count = quantity.best().count();
  note_resolution(fitted, quantity);
  if (fitted.count < fewest) {
    use_table(fitted, bins, fmt::format("fewer than {} values: no form can be told from another", fewest));
    return fitted;
  }
  const sim::Distribution data = sim::Distribution::histogram(bins);
  const std::vector<ValueInterval> values = intervals(bins);
  std::optional<FormTrial> best;
  for (const Form form : all_forms) {
    const FittedForm candidate = fit_form(form, values);
    FormTrial trial;
    trial.form = form;
    trial.parameters = candidate.parameters;
    trial.goodness = goodness_of_fit(candidate.distribution, bins);
    trial.aic = 2 * static_cast<double>(parameter_count(form)) - 2 * candidate.log_likelihood;
    trial.good_enough = good_enough(trial.goodness, quantity, data);
    if (trial.good_enough && (!best || better(trial, *best))) {
      best = trial;
      use_form(fitted, trial, candidate.distribution);
    }
    fitted.tried.push_back(std::move(trial));
  }
  if (!best) {
    const auto closest =
        std::min_element(fitted.tried.begin(), fitted.tried.end(),
                         [](const auto& a, const auto& b) { return a.goodness.ks < b.goodness.ks; });
    use_table(fitted, bins,
              fmt::format("no form is good enough; the closest, {}, is off by D = {:.3f}, p99 by {:+.0f} %",
                          to_string(closest->form), closest->goodness.ks, 100 * closest->goodness.p99_error));
  }
  return fitted;
}

}  // namespace calibration
