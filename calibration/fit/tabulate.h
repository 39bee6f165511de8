// Distributions as profiles write them: a fitted form, or a table of quantiles.
#pragma once

#include "calibration/fit/fitted.h"
#include "scenarios/distribution_yaml.h"

namespace calibration {

// Any distribution as 27 of its quantiles, dense in the tail; the last is its p99.999.
scenarios::WrittenDistribution tabulated(const sim::Distribution& distribution);

scenarios::WrittenDistribution written(const FittedDistribution& fitted);

}  // namespace calibration
