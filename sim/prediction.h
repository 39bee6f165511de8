// Where the next observation will lie, which is a wider question than where the mean is.
//
// One sample:      mean +- t s sqrt(1 + 1/n), Student's prediction interval (Hahn, Meeker, "Statistical
//                  Intervals", 1991, 4.7).
// Several sources: centre +- t sqrt(sum of variances), t with Satterthwaite's degrees of freedom,
//                  (sum v)^2 / sum(v^2 / degrees) ("An approximate distribution of estimates of variance
//                  components", Biometrics Bulletin 2, 1946).
#pragma once

#include <span>

#include "sim/statistics.h"

namespace sim {

Interval student_prediction_interval(std::span<const double> values, double confidence = 0.95);  // 2 or more

// An independent source of error, and how well its variance is known.
struct VarianceComponent {
  double variance;  // >= 0
  double degrees;   // of freedom, > 0
};
Interval combined_interval(double centre, std::span<const VarianceComponent> components,
                           double confidence = 0.95);

}  // namespace sim
