#include "calibration/fit/forms.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "calibration/fit/minimise.h"
#include "sim/check.h"
#include "sim/math.h"
#include "sim/special_functions.h"

namespace calibration {
namespace {

// The parameters while they are searched for: logarithms, so that each may be any number.
//   exponential  log mean
//   lognormal    log median, log sigma
//   gamma        log mean, log shape (1 / cv^2)
//   weibull      log scale, log shape
double cdf(Form form, const Point2& p, double ns) {
  if (ns <= 0) {
    return 0;
  }
  switch (form) {
    case Form::exponential:
      return 1 - sim::exp(-ns / sim::exp(p[0]));
    case Form::lognormal:
      return sim::normal_cdf((sim::log(ns) - p[0]) / sim::exp(p[1]));
    case Form::gamma: {
      const double shape = sim::exp(p[1]);
      return sim::gamma_p(shape, shape * ns / sim::exp(p[0]));
    }
    case Form::weibull:
      return 1 - sim::exp(-sim::pow(ns / sim::exp(p[0]), sim::exp(p[1])));
    case Form::constant:
      break;
  }
  return sim::log(ns) >= p[0] ? 1 : 0;
}

double log_likelihood(Form form, const Point2& p, const std::vector<ValueInterval>& values) {
  constexpr double impossible = 1e-300;  // keeps one far value from hiding the rest
  double sum = 0;
  for (const ValueInterval& value : values) {
    const double mass = cdf(form, p, value.high_ns) - cdf(form, p, value.low_ns);
    sum += value.weight * sim::log(std::max(mass, impossible));
  }
  return sum;
}

struct Moments {
  double mean = 0;
  double log_mean = 0;
  double log_deviation = 0;
};

Moments moments(const std::vector<ValueInterval>& values) {
  double weight = 0;
  double sum = 0;
  double log_sum = 0;
  double log_square = 0;
  for (const ValueInterval& value : values) {
    const double middle = (value.low_ns + value.high_ns) / 2;
    const double log_middle = sim::log(middle);
    weight += value.weight;
    sum += value.weight * middle;
    log_sum += value.weight * log_middle;
    log_square += value.weight * log_middle * log_middle;
  }
  const double log_mean = log_sum / weight;
  const double variance = std::max(0.0, log_square / weight - log_mean * log_mean);
  return {.mean = sum / weight, .log_mean = log_mean, .log_deviation = std::max(1e-3, std::sqrt(variance))};
}

Point2 starting_point(Form form, const Moments& m) {
  constexpr double weibull_deviation = 1.2825;  // pi / sqrt 6: of the log of an exponential
  switch (form) {
    case Form::lognormal:
      return {m.log_mean, sim::log(m.log_deviation)};
    case Form::gamma:
      return {sim::log(m.mean), -2 * sim::log(m.log_deviation)};
    case Form::weibull:
      return {sim::log(m.mean), sim::log(weibull_deviation / m.log_deviation)};
    case Form::constant:
    case Form::exponential:
      break;
  }
  return {sim::log(m.mean), 0};
}

double median_of(const std::vector<ValueInterval>& values) {
  double weight = 0;
  for (const ValueInterval& value : values) {
    weight += value.weight;
  }
  double below = 0;
  for (const ValueInterval& value : values) {
    if (below + value.weight >= weight / 2) {
      return value.low_ns + (value.high_ns - value.low_ns) * (weight / 2 - below) / value.weight;
    }
    below += value.weight;
  }
  return values.back().high_ns;
}

sim::Nanos whole(double ns) { return sim::Nanos{static_cast<std::int64_t>(std::max(1.0, ns + 0.5))}; }

double ten_thousandths(double x) { return std::max(1.0, std::floor(x * 1e4 + 0.5)) / 1e4; }

FormParameter span_parameter(const char* name, sim::Nanos value) {
  return {.name = name, .value = static_cast<double>(value.count()), .unit = "ns"};
}

FormParameter number_parameter(const char* name, double value) {
  return {.name = name, .value = value, .unit = ""};
}

FittedForm make(Form form, const Point2& p) {
  const sim::Nanos span = whole(sim::exp(p[0]));
  FittedForm fitted;
  fitted.form = form;
  switch (form) {
    case Form::constant:
      fitted.parameters = {span_parameter("value", span)};
      fitted.distribution = sim::Distribution::constant(span);
      break;
    case Form::exponential:
      fitted.parameters = {span_parameter("mean", span)};
      fitted.distribution = sim::Distribution::exponential(span);
      break;
    case Form::lognormal: {
      const double sigma = ten_thousandths(sim::exp(p[1]));
      fitted.parameters = {span_parameter("median", span), number_parameter("sigma", sigma)};
      fitted.distribution = sim::Distribution::lognormal(span, sigma);
      break;
    }
    case Form::gamma: {
      const double cv = ten_thousandths(sim::exp(-p[1] / 2));
      fitted.parameters = {span_parameter("mean", span), number_parameter("cv", cv)};
      fitted.distribution = sim::Distribution::gamma(span, cv);
      break;
    }
    case Form::weibull: {
      const double shape = ten_thousandths(sim::exp(p[1]));
      fitted.parameters = {span_parameter("scale", span), number_parameter("shape", shape)};
      fitted.distribution = sim::Distribution::weibull(span, shape);
      break;
    }
  }
  return fitted;
}

}  // namespace

std::string_view to_string(Form form) {
  constexpr std::array<std::string_view, all_forms.size()> names{"constant", "exponential", "lognormal",
                                                                 "gamma", "weibull"};
  return names[static_cast<std::size_t>(form)];
}

std::size_t parameter_count(Form form) { return form == Form::constant || form == Form::exponential ? 1 : 2; }

FittedForm fit_form(Form form, const std::vector<ValueInterval>& values) {
  sim::check(!values.empty(), "a form is fitted to at least one value");
  const Moments m = moments(values);
  Point2 best = starting_point(form, m);
  if (form == Form::constant) {
    best[0] = sim::log(std::max(1.0, median_of(values)));
  } else {
    // The exponential does not depend on the second coordinate, which costs it a few rounds.
    best = minimise([&](const Point2& p) { return -log_likelihood(form, p, values); }, best, 0.2);
  }
  FittedForm fitted = make(form, best);
  fitted.log_likelihood = log_likelihood(form, best, values);
  return fitted;
}

}  // namespace calibration
