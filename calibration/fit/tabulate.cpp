#include "calibration/fit/tabulate.h"

#include <array>

namespace calibration {
namespace {

constexpr std::array grid{0.0, 0.01, 0.02, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3,  0.35, 0.4,   0.45,  0.5, 0.55,
                          0.6, 0.65, 0.7,  0.75, 0.8, 0.85, 0.9, 0.95, 0.98, 0.99, 0.995, 0.999, 1.0};
constexpr double top = 0.99999;  // stands for 1, where a form's own maximum is unbounded

}  // namespace

scenarios::WrittenDistribution tabulated(const sim::Distribution& distribution) {
  if (distribution.is_constant()) {
    return scenarios::written_constant(distribution.quantile(0.5));
  }
  QuantileTable points;
  for (const double p : grid) {
    points.emplace_back(p, distribution.quantile(p == 1.0 ? top : p));
  }
  return scenarios::written_quantiles(points);
}

scenarios::WrittenDistribution written(const FittedDistribution& fitted) {
  const auto parameter = [&](std::size_t i) { return fitted.parameters.at(i).value; };
  const auto nanos = [&](std::size_t i) { return sim::Nanos{static_cast<std::int64_t>(parameter(i))}; };
  if (fitted.form == "constant") {
    return scenarios::written_constant(nanos(0));
  }
  if (fitted.form == "exponential") {
    return scenarios::written_exponential(nanos(0));
  }
  if (fitted.form == "lognormal") {
    return scenarios::written_lognormal(nanos(0), parameter(1));
  }
  if (fitted.form == "gamma") {
    return scenarios::written_gamma(nanos(0), parameter(1));
  }
  if (fitted.form == "weibull") {
    return scenarios::written_weibull(nanos(0), parameter(1));
  }
  return scenarios::written_quantiles(fitted.table);
}

}  // namespace calibration
