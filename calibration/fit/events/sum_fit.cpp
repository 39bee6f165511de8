#include "calibration/fit/events/sum_fit.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "calibration/fit/fitted.h"
#include "calibration/fit/minimise.h"
#include "calibration/fit/tabulate.h"
#include "sim/math.h"
#include "sim/special_functions.h"

namespace calibration {
namespace {

constexpr std::uint64_t fewest_samples = 30;
constexpr double least_share = 0.02;  // of T that A must be
constexpr double half_us = 500;

struct Bin {
  double low = 0, high = 0;
  double weight = 0;
};

// Means of equal groups of the sorted values, so that the mean stays.
std::vector<double> grouped(std::vector<double> values, std::size_t groups) {
  std::sort(values.begin(), values.end());
  if (values.size() <= groups) {
    return values;
  }
  std::vector<double> means;
  for (std::size_t g = 0; g < groups; ++g) {
    const std::size_t first = g * values.size() / groups;
    const std::size_t last = (g + 1) * values.size() / groups;
    double sum = 0;
    for (std::size_t i = first; i < last; ++i) {
      sum += values[i];
    }
    means.push_back(sum / static_cast<double>(last - first));
  }
  return means;
}

bool any_coarse(const std::vector<SumSample>& samples) {
  return std::any_of(samples.begin(), samples.end(), [](const SumSample& each) { return each.coarse; });
}

double mean_of(const std::vector<SumSample>& samples) {
  double sum = 0;
  for (const SumSample& each : samples) {
    sum += each.ns;
  }
  return samples.empty() ? 0 : sum / static_cast<double>(samples.size());
}

// Bins of equal count, finer towards the end; coarse values have a bin each.
std::vector<Bin> bins_of(const std::vector<SumSample>& samples) {
  std::vector<double> values;
  for (const SumSample& each : samples) {
    values.push_back(each.ns);
  }
  std::sort(values.begin(), values.end());
  std::vector<Bin> bins;
  const std::size_t n = values.size();
  if (any_coarse(samples)) {
    for (std::size_t i = 0; i < n;) {
      std::size_t j = i;
      while (j < n && values[j] == values[i]) {
        ++j;
      }
      bins.push_back({values[i] - half_us, values[i] + half_us, static_cast<double>(j - i)});
      i = j;
    }
    return bins;
  }
  std::size_t first = 0;
  while (first < n) {
    const double above = static_cast<double>(n - first) / static_cast<double>(n);
    const double share = above > 0.1 ? 1.0 / 80 : above / 8;
    const auto step = std::max<std::size_t>(3, static_cast<std::size_t>(share * static_cast<double>(n)));
    std::size_t last = std::min(n, first + step);
    while (last < n && values[last] == values[last - 1]) {
      ++last;
    }
    const double low = bins.empty() ? values[first] - 0.5 : bins.back().high;
    bins.push_back({low, values[last - 1] + 0.5, static_cast<double>(last - first)});
    first = last;
  }
  return bins;
}

// P(A + B <= x) for lognormal A.
double lognormal_sum_cdf(double log_median, double sigma, const std::vector<double>& known, double x) {
  double sum = 0;
  for (const double each : known) {
    if (x > each) {
      sum += sim::normal_cdf((sim::log(x - each) - log_median) / sigma);
    }
  }
  return sum / static_cast<double>(known.size());
}

double distance(const std::vector<Bin>& bins, const std::vector<double>& cdf_at_high, double total) {
  double below = 0;
  double worst = 0;
  for (std::size_t i = 0; i < bins.size(); ++i) {
    below += bins[i].weight;
    worst = std::max(worst, std::abs(cdf_at_high[i] - below / total));
  }
  return worst;
}

// P(B <= x), linear between the points.
double points_cdf(const std::vector<double>& points, double x) {
  if (points.size() == 1) {
    return x >= points.front() ? 1 : 0;
  }
  if (x <= points.front()) {
    return x == points.front() ? 0.5 / static_cast<double>(points.size()) : 0;
  }
  if (x >= points.back()) {
    return 1;
  }
  const auto above = std::upper_bound(points.begin(), points.end(), x);
  const auto i = static_cast<double>(above - points.begin());
  const double step = *above - *(above - 1);
  const double part = step > 0 ? (x - *(above - 1)) / step : 1;
  return (i - 0.5 + part) / static_cast<double>(points.size());
}

// A's distribution over cells of a grid, without a shape.
sim::Distribution by_grid(const std::vector<Bin>& bins, const std::vector<double>& known, double total) {
  constexpr std::size_t cells = 72;
  constexpr int rounds = 200;
  const double top = std::max(100.0, bins.back().high - known.front());
  const double bottom = std::max(10.0, std::min(top / 8, bins.front().low - known.back()));
  const double ratio = sim::exp(sim::log(top / bottom) / static_cast<double>(cells - 1));
  std::array<double, cells> at{};
  for (std::size_t c = 0; c < cells; ++c) {
    at[c] = c == 0 ? bottom : at[c - 1] * ratio;
  }
  std::vector<std::array<double, cells>> kernel(bins.size());
  for (std::size_t b = 0; b < bins.size(); ++b) {
    for (std::size_t c = 0; c < cells; ++c) {
      kernel[b][c] =
          std::max(0.0, points_cdf(known, bins[b].high - at[c]) - points_cdf(known, bins[b].low - at[c]));
    }
  }
  std::array<double, cells> share{};
  share.fill(1.0 / static_cast<double>(cells));
  for (int round = 0; round < rounds; ++round) {
    std::array<double, cells> next{};
    for (std::size_t b = 0; b < bins.size(); ++b) {
      double mass = 0;
      for (std::size_t c = 0; c < cells; ++c) {
        mass += share[c] * kernel[b][c];
      }
      if (mass > 0) {
        for (std::size_t c = 0; c < cells; ++c) {
          next[c] += bins[b].weight / total * share[c] * kernel[b][c] / mass;
        }
      }
    }
    share = next;
  }
  std::vector<sim::HistogramBin> histogram;
  const double half = std::sqrt(ratio);
  std::int64_t low = static_cast<std::int64_t>(bottom / half);
  for (std::size_t c = 0; c < cells; ++c) {
    const std::int64_t high = std::max(low + 1, static_cast<std::int64_t>(at[c] * half));
    histogram.push_back({sim::Nanos{low}, sim::Nanos{high}, static_cast<std::uint64_t>(share[c] * 1e9)});
    low = high;
  }
  return sim::Distribution::histogram(std::move(histogram));
}

SumFit direct(const std::vector<SumSample>& samples) {
  MeasuredQuantity quantity;
  quantity.resolution = sim::Nanos{1};
  for (const SumSample& each : samples) {
    quantity.values.add(std::max<std::int64_t>(1, std::llround(each.ns)));
  }
  const FittedDistribution fitted = fit(quantity);
  return {
      written(fitted),          fitted.form, samples.size(), fitted.goodness.ks, fitted.goodness.p50_error,
      fitted.goodness.p99_error};
}

}  // namespace

void SumOfCosts::fold(const std::vector<double>& other) {
  std::vector<double> sums;
  sums.reserve(points_.size() * other.size());
  for (const double a : points_) {
    for (const double b : other) {
      sums.push_back(a + b);
    }
  }
  points_ = grouped(std::move(sums), resolution);
}

void SumOfCosts::add(const sim::Distribution& cost, int times) {
  std::vector<double> points;
  if (cost.is_constant()) {
    points.push_back(cost.mean_ns());
  } else {
    // The tail has points of its own: groups of finer quantiles keep its mean.
    constexpr std::size_t fine = resolution * 16;
    for (std::size_t i = 0; i < fine; ++i) {
      points.push_back(cost.quantile_ns((static_cast<double>(i) + 0.5) / static_cast<double>(fine)));
    }
    points = grouped(std::move(points), resolution);
  }
  for (int i = 0; i < times; ++i) {
    fold(points);
  }
}

void SumOfCosts::add(std::vector<double> samples) { fold(grouped(std::move(samples), resolution)); }

void SumOfCosts::add_uniform(double low, double high) {
  constexpr int steps = 16;
  std::vector<double> points;
  for (int i = 0; i < steps; ++i) {
    points.push_back(low + (high - low) * (i + 0.5) / steps);
  }
  fold(points);
}

void SumOfCosts::add_constant(double ns) { fold({ns}); }

double SumOfCosts::mean() const {
  double sum = 0;
  for (const double each : points_) {
    sum += each;
  }
  return sum / static_cast<double>(points_.size());
}

std::optional<SumFit> fit_sum(const std::vector<SumSample>& samples, const SumOfCosts& known,
                              std::string& why) {
  if (samples.size() < fewest_samples) {
    why = samples.empty() ? "no such interval" : "only " + std::to_string(samples.size()) + " intervals";
    return std::nullopt;
  }
  const bool coarse = any_coarse(samples);
  if (known.nothing() && !coarse) {
    return direct(samples);
  }
  const double mean = mean_of(samples);
  const double rest = mean - known.mean();
  if (rest < least_share * mean || rest < 5) {
    why = "nothing remains once the known costs are subtracted";
    return std::nullopt;
  }
  SumOfCosts others = known;
  if (coarse) {
    others.add_uniform(-half_us, half_us);
  }
  const std::vector<Bin> bins = bins_of(samples);
  const std::vector<double>& points = others.points();
  const auto total = static_cast<double>(samples.size());
  const auto loss = [&](const Point2& p) {
    const double sigma = std::clamp(sim::exp(p[1]), 0.005, 4.0);
    double below = 0;
    double sum = 0;
    bool first = true;
    for (const Bin& bin : bins) {
      const double low = first || coarse ? lognormal_sum_cdf(p[0], sigma, points, bin.low) : below;
      below = lognormal_sum_cdf(p[0], sigma, points, bin.high);
      sum -= bin.weight * sim::log(std::max(below - low, 1e-9));
      first = false;
    }
    return sum;
  };
  const Point2 found = minimise(loss, Point2{sim::log(rest * 0.85), sim::log(0.5)}, 0.3, 90);
  const double sigma = std::clamp(sim::exp(found[1]), 0.005, 4.0);
  std::vector<double> cdf;
  for (const Bin& bin : bins) {
    cdf.push_back(lognormal_sum_cdf(found[0], sigma, points, bin.high));
  }
  SumFit result;
  result.count = samples.size();
  result.form = "lognormal";
  const sim::Nanos median{std::max<std::int64_t>(1, std::llround(sim::exp(found[0])))};
  const double rounded = static_cast<double>(std::llround(sigma * 1e4)) / 1e4;
  result.value = scenarios::written_lognormal(median, rounded);
  result.ks = distance(bins, cdf, total);
  if (result.ks > std::max(0.03, 1.36 / std::sqrt(total))) {
    const sim::Distribution table = by_grid(bins, points, total);
    const SumError by_table = compare_sum(table, known, samples);
    if (by_table.ks < result.ks) {
      result.form = "quantiles";
      result.value = tabulated(table);
    }
  }
  const SumError error = compare_sum(result.value.value, known, samples);
  result.ks = error.ks;
  result.p50_error = error.p50;
  result.p99_error = error.p99;
  return result;
}

SumError compare_sum(const sim::Distribution& cost, const SumOfCosts& known,
                     const std::vector<SumSample>& samples) {
  SumError error;
  error.count = samples.size();
  if (samples.empty()) {
    return error;
  }
  SumOfCosts all = known;
  if (any_coarse(samples)) {
    all.add_uniform(-half_us, half_us);
  }
  const std::vector<Bin> bins = bins_of(samples);
  double below = 0;
  for (const Bin& bin : bins) {
    below += bin.weight;
    double cdf = 0;
    for (const double each : all.points()) {
      cdf += bin.high > each ? cost.cdf(bin.high - each) : 0;
    }
    cdf /= static_cast<double>(all.points().size());
    error.ks = std::max(error.ks, std::abs(cdf - below / static_cast<double>(samples.size())));
  }
  const SumOfCosts noise = all;
  all.add(cost);
  std::vector<double> values;
  for (const SumSample& each : samples) {
    values.push_back(each.ns);
  }
  std::sort(values.begin(), values.end());
  if (any_coarse(samples)) {
    // Equal values of a coarse clock stand for values all over their microsecond.
    for (std::size_t i = 0; i < values.size();) {
      std::size_t j = i;
      while (j < values.size() && values[j] == values[i]) {
        ++j;
      }
      const double first = values[i] - half_us;
      for (std::size_t k = i; k < j; ++k) {
        values[k] = first + 2 * half_us * (static_cast<double>(k - i) + 0.5) / static_cast<double>(j - i);
      }
      i = j;
    }
  }
  const auto of_samples = [&](double p) {
    return values[std::min(values.size() - 1,
                           static_cast<std::size_t>(p * static_cast<double>(values.size())))];
  };
  const auto of_fit = [&](double p) {
    const std::vector<double>& points = all.points();
    const double at = p * static_cast<double>(points.size()) - 0.5;
    const auto i = static_cast<std::size_t>(std::clamp(at, 0.0, static_cast<double>(points.size() - 1)));
    const std::size_t j = std::min(i + 1, points.size() - 1);
    return points[i] + (points[j] - points[i]) * std::clamp(at - static_cast<double>(i), 0.0, 1.0);
  };
  // By bisection: a percentile of the tail lies between two of few points.
  const auto quantile = [&](double p) {
    double low = 0, high = 2 * std::max(of_fit(1), values.back()) + 1;
    for (int i = 0; i < 40; ++i) {
      const double middle = (low + high) / 2;
      double cdf = 0;
      for (const double each : noise.points()) {
        cdf += middle > each ? cost.cdf(middle - each) : 0;
      }
      (cdf < p * static_cast<double>(noise.points().size()) ? low : high) = middle;
    }
    return high;
  };
  const auto relative = [](double fitted, double sampled) {
    return sampled > 0 ? fitted / sampled - 1 : 0.0;
  };
  error.p50 = relative(quantile(0.5), of_samples(0.5));
  error.p99 = relative(quantile(0.99), of_samples(0.99));
  constexpr int steps = 100;
  double apart = 0;
  for (int i = 0; i < steps; ++i) {
    const double p = (i + 0.5) / steps;
    apart += std::abs(of_fit(p) - of_samples(p)) / steps;
  }
  const double mean = mean_of(samples);
  error.wasserstein = mean > 0 ? apart / mean : 0;
  return error;
}

}  // namespace calibration
