#include "sim/prediction.h"

#include <array>
#include <cmath>

#include "sim/check.h"
#include "sim/special_functions.h"

namespace sim {

Interval combined_interval(double centre, std::span<const VarianceComponent> components, double confidence) {
  check(confidence > 0 && confidence < 1, "confidence lies between 0 and 1");
  double sum = 0;
  double weighted = 0;
  for (const VarianceComponent& each : components) {
    check(each.variance >= 0 && each.degrees > 0, "a variance is not negative and has degrees of freedom");
    sum += each.variance;
    weighted += each.variance * each.variance / each.degrees;
  }
  const double half =
      sum == 0 ? 0 : student_t_quantile((1 + confidence) / 2, sum * sum / weighted) * std::sqrt(sum);
  return {centre - half, centre + half};
}

// The mean's error and the new value's own spread are known by the same deviation: one component.
Interval student_prediction_interval(std::span<const double> values, double confidence) {
  const double n = static_cast<double>(values.size());
  const double deviation = standard_deviation(values);
  const std::array<VarianceComponent, 1> component{{{deviation * deviation * (1 + 1 / n), n - 1}}};
  return combined_interval(mean(values), component, confidence);
}

}  // namespace sim
