// The distribution that stands for a measured quantity in a profile.
//
// Each form (constant, exponential, lognormal, gamma, Weibull) is fitted by maximum likelihood to the
// values as intervals. A form is good enough when
//   - the Kolmogorov-Smirnov distance D to the de-truncated values is at most 0.03, or what chance
//     alone gives (1.36 / sqrt n), where that is more;
//   - its p50 is within 5 %, its p99 within 10 % and, from 10 000 values on, its p99.9 within 20 % of the
//     values', or within one resolution.
// Of the good ones a constant wins, else the one with the smallest AIC. If none is good enough, or if
// there are fewer than 50 values, the quantity is described by a table of its quantiles.
//
// Left out: mixtures and shifted forms; a two-humped cost is better served by its table.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "calibration/fit/forms.h"
#include "calibration/fit/measured.h"
#include "sim/distribution.h"
#include "sim/time.h"

namespace calibration {

using QuantileTable = std::vector<std::pair<double, sim::Nanos>>;  // as sim::Distribution::quantiles

// How well a distribution describes the values, all against the de-truncated ones.
struct GoodnessOfFit {
  double ks = 0;         // largest distance of the CDFs, where the values' CDF is known
  double p50_error = 0;  // relative, signed: +0.1 is 10 % too high
  double p99_error = 0;
  double p999_error = 0;
};

struct FormTrial {
  Form form{};
  std::vector<FormParameter> parameters;
  GoodnessOfFit goodness;
  double aic = 0;
  bool good_enough = false;
};

struct FittedDistribution {
  std::string form;                       // "lognormal", ..., or "quantiles"
  std::vector<FormParameter> parameters;  // in the order of sim::Distribution's constructor of that form
  QuantileTable table;                    // for "quantiles" only
  sim::Distribution distribution = sim::Distribution::constant(sim::Nanos{0});
  std::uint64_t count = 0;
  GoodnessOfFit goodness;
  std::string why;                 // this form
  std::vector<std::string> notes;  // where the fit rests on assumption
  std::vector<FormTrial> tried;    // all forms, also those that lost
};

// Of at least one value.
FittedDistribution fit(const MeasuredQuantity& quantity);

// Quantiles of bins, thinned: between the points that remain, linear interpolation errs by at most 0.2 %
// in probability and by at most a tenth of the probability still above.
QuantileTable quantile_table(const std::vector<sim::HistogramBin>& bins);

GoodnessOfFit goodness_of_fit(const sim::Distribution& distribution,
                              const std::vector<sim::HistogramBin>& bins);

}  // namespace calibration
