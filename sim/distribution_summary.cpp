// What is known of a Distribution without drawing from it: mean, quantiles, CDF, description.
#include <algorithm>
#include <cmath>
#include <cstdio>

#include "sim/distribution.h"
#include "sim/distribution_table.h"
#include "sim/math.h"
#include "sim/special_functions.h"

namespace sim {

namespace {

using namespace distribution_detail;

// "812ns", "9us", "2.5ms": four digits, in the largest unit that leaves at least 1.
std::string span_text(double ns) {
  const char* unit = "ns";
  if (ns >= 1e9) {
    ns /= 1e9;
    unit = "s";
  } else if (ns >= 1e6) {
    ns /= 1e6;
    unit = "ms";
  } else if (ns >= 1e3) {
    ns /= 1e3;
    unit = "us";
  }
  char text[40];
  std::snprintf(text, sizeof text, "%.4g%s", ns, unit);
  return text;
}

std::string number_text(double x) {
  char text[40];
  std::snprintf(text, sizeof text, "%.4g", x);
  return text;
}

// Simpson's rule over a CDF: what raising all values below `floor` to it adds to the mean.
template <class Cdf>
double lifted_by_floor(double minimum, double floor, Cdf&& cdf) {
  constexpr int halves = 4096;
  const double step = (floor - minimum) / halves;
  double sum = cdf(minimum) + cdf(floor);
  for (int i = 1; i < halves; ++i) {
    sum += (i % 2 == 1 ? 4 : 2) * cdf(minimum + i * step);
  }
  return sum * step / 3;
}

}  // namespace

double Distribution::shape_minimum() const {
  switch (kind_) {
    case Kind::constant:
      return static_cast<double>(constant_);
    case Kind::pareto:
      return 1;
    case Kind::table:
    case Kind::mixture:
      return shape_quantile(0);
    default:
      return 0;
  }
}

double Distribution::shape_mean() const {
  switch (kind_) {
    case Kind::constant:
      return static_cast<double>(constant_);
    case Kind::exponential:
      return 1;
    case Kind::lognormal:
      return exp(shape_ * shape_ / 2);
    case Kind::gamma:
      return shape_;
    case Kind::weibull:
      return exp(log_gamma(1 + 1 / shape_));
    case Kind::pareto:
      return shape_ > 1 ? shape_ / (shape_ - 1) : math_detail::infinity;
    case Kind::uniform:
      return 0.5;
    case Kind::table:
      return table_mean(*table_);
    case Kind::mixture:
      break;
  }
  double mean = 0;
  for (std::size_t i = 0; i < table_->parts.size(); ++i) {
    mean += table_->pieces[i].mass * table_->parts[i].mean_ns();
  }
  return mean;
}

double Distribution::shape_quantile(double p) const {
  switch (kind_) {
    case Kind::constant:
      return static_cast<double>(constant_);
    case Kind::exponential:
      return -log(1 - p);
    case Kind::lognormal:
      if (p <= 0 || p >= 1) {
        return p <= 0 ? 0 : math_detail::infinity;
      }
      return exp(shape_ * normal_quantile(p));
    case Kind::gamma:
      return gamma_p_inverse(shape_, p);
    case Kind::weibull:
      return pow(-log(1 - p), helper_);
    case Kind::pareto:
      return exp(-log(1 - p) * helper_);
    case Kind::uniform:
      return p;
    case Kind::table:
      return table_quantile(*table_, p);
    case Kind::mixture:
      break;
  }
  double low = math_detail::infinity;  // the parts' own quantiles enclose the mixture's
  double high = 0;
  for (const Distribution& part : table_->parts) {
    low = std::min(low, part.quantile_ns(p));
    high = std::max(high, part.quantile_ns(p));
  }
  if (p <= 0 || p >= 1) {
    return p <= 0 ? low : high;
  }
  constexpr double rounding = 1e-14;
  for (double middle = (low + high) / 2; low < middle && middle < high; middle = (low + high) / 2) {
    (shape_cdf(middle) < p - rounding ? low : high) = middle;
  }
  return high;
}

double Distribution::shape_cdf(double x) const {
  switch (kind_) {
    case Kind::constant:
      return x < static_cast<double>(constant_) ? 0 : 1;
    case Kind::exponential:
      return x <= 0 ? 0 : 1 - exp(-x);
    case Kind::lognormal:
      return x <= 0 ? 0 : normal_cdf(log(x) / shape_);
    case Kind::gamma:
      return gamma_p(shape_, x);
    case Kind::weibull:
      return x <= 0 ? 0 : 1 - exp(-pow(x, shape_));
    case Kind::pareto:
      return x <= 1 ? 0 : 1 - exp(-shape_ * log(x));
    case Kind::uniform:
      return std::clamp(x, 0.0, 1.0);
    case Kind::table:
      return table_cdf(*table_, x);
    case Kind::mixture:
      break;
  }
  double probability = 0;
  for (std::size_t i = 0; i < table_->parts.size(); ++i) {
    probability += table_->pieces[i].mass * table_->parts[i].cdf(x);
  }
  return probability;
}

double Distribution::mean_ns() const {
  const double mean = shift_ + scale_ * shape_mean();
  const double minimum = shift_ + scale_ * shape_minimum();
  if (minimum >= floor_) {
    return mean;
  }
  const auto unfloored_cdf = [&](double ns) { return shape_cdf((ns - shift_) / scale_); };
  return mean + lifted_by_floor(minimum, floor_, unfloored_cdf);
}

double Distribution::quantile_ns(double p) const {
  check(p >= 0 && p <= 1, "a quantile is asked for at a probability from 0 to 1");
  return std::max(floor_, shift_ + scale_ * shape_quantile(p));
}

Nanos Distribution::quantile(double p) const {
  constexpr double longest_ns = 0x1p62;
  return Nanos{static_cast<std::int64_t>(std::min(quantile_ns(p), longest_ns) + 0.5)};
}

double Distribution::cdf(double ns) const { return ns < floor_ ? 0 : shape_cdf((ns - shift_) / scale_); }

std::string Distribution::describe() const {
  std::string text = describe_shape();
  const bool has_own_shift = kind_ == Kind::uniform;
  if (shift_ != 0 && !has_own_shift) {
    text += (shift_ > 0 ? " + " : " - ") + span_text(std::abs(shift_));
  }
  if (floor_ > 0) {
    text += ", at least " + span_text(floor_);
  }
  return text;
}

std::string Distribution::describe_shape() const {
  switch (kind_) {
    case Kind::constant:
      return "constant(" + span_text(static_cast<double>(constant_)) + ")";
    case Kind::exponential:
      return "exponential(mean " + span_text(scale_) + ")";
    case Kind::lognormal:
      return "lognormal(median " + span_text(scale_) + ", p99 " + span_text(scale_ * shape_quantile(0.99)) +
             ')';
    case Kind::gamma:
      return "gamma(mean " + span_text(scale_ * shape_) + ", cv " + number_text(1 / std::sqrt(shape_)) + ")";
    case Kind::weibull:
      return "weibull(scale " + span_text(scale_) + ", shape " + number_text(shape_) + ")";
    case Kind::pareto:
      return "pareto(minimum " + span_text(scale_) + ", shape " + number_text(shape_) + ")";
    case Kind::uniform:
      return "uniform(" + span_text(shift_) + ", " + span_text(shift_ + scale_) + ")";
    case Kind::table:
    case Kind::mixture:
      break;
  }
  return describe_table() + (scale_ == 1 ? "" : " x " + number_text(scale_));
}

std::string Distribution::describe_table() const {
  std::string text = table_->origin;
  if (kind_ == Kind::table) {
    return text + ", median " + span_text(shape_quantile(0.5)) + ", p99 " + span_text(shape_quantile(0.99)) +
           ", max " + span_text(shape_quantile(1)) + ")";
  }
  for (std::size_t i = 0; i < table_->parts.size(); ++i) {
    text += (i == 0 ? "" : ", ") + number_text(table_->pieces[i].mass) + " " + table_->parts[i].describe();
  }
  return text + ")";
}

}  // namespace sim
