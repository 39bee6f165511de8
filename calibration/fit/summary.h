// What a user sees of the captures before anything is fitted: per file the program, its rows, its
// quantities with their percentiles, and every flaw with what was done about it.
#pragma once

#include <string>
#include <vector>

#include "calibration/fit/fitted.h"
#include "calibration/fit/measured.h"

namespace calibration {

// Lines of text that end in a newline, at most 110 columns where names allow. Percentiles are nearest
// rank, of the values as captured; a percentile with fewer than 10 values above it is marked '~'. The mean
// is that of the values corrected and without their truncation, so half a microsecond above the printed.
std::string summary(const MeasuredCapture& capture);
std::string summary(const std::vector<MeasuredCapture>& captures);

// One line per quantity: form, parameters, D, errors of p50, p99, p99.9.
struct NamedFit {
  std::string name;
  FittedDistribution fit;
};
std::string fit_table(const std::vector<NamedFit>& fits);

}  // namespace calibration
