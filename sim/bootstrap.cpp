#include "sim/bootstrap.h"

#include <algorithm>

#include "sim/check.h"
#include "sim/histogram.h"

namespace sim {

Interval bootstrap_interval(std::vector<double> estimates, double estimate, double confidence,
                            BootstrapMethod method) {
  check(!estimates.empty(), "a bootstrap interval rests on resamples");
  check(confidence > 0 && confidence < 1, "confidence lies between 0 and 1");
  std::sort(estimates.begin(), estimates.end());
  const auto at = [&](double p) { return estimates[nearest_rank(p, estimates.size()) - 1]; };
  const Interval percentile{at((1 - confidence) / 2), at((1 + confidence) / 2)};
  return method == BootstrapMethod::percentile
             ? percentile
             : Interval{2 * estimate - percentile.high, 2 * estimate - percentile.low};
}

}  // namespace sim
