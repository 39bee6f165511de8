#include "sim/equivalence.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <vector>

#include "sim/check.h"
#include "sim/special_functions.h"

namespace sim {
namespace {

// P(T > t), where a standard error of zero makes t infinite.
double upper_tail(double difference, const MeanDifference& of) {
  if (of.standard_error == 0) {
    return difference > 0 ? 0 : 1;
  }
  return 1 - student_t_cdf(difference / of.standard_error, of.degrees);
}

}  // namespace

Interval MeanDifference::interval(double confidence) const {
  const double half = student_t_quantile((1 + confidence) / 2, degrees) * standard_error;
  return {mean - half, mean + half};
}

// degrees = (a + b)^2 / (a^2 / (n - 1) + b^2 / (m - 1)) with a and b the squared standard errors of the
// means.
MeanDifference welch_difference(std::span<const double> a, std::span<const double> b) {
  const double n = static_cast<double>(a.size());
  const double m = static_cast<double>(b.size());
  const double deviation_a = standard_deviation(a);
  const double deviation_b = standard_deviation(b);
  const double square_a = deviation_a * deviation_a / n;
  const double square_b = deviation_b * deviation_b / m;
  const double sum = square_a + square_b;
  const double degrees =
      sum == 0 ? n + m - 2 : sum * sum / (square_a * square_a / (n - 1) + square_b * square_b / (m - 1));
  return {mean(a) - mean(b), std::sqrt(sum), degrees};
}

MeanDifference paired_mean_difference(std::span<const double> a, std::span<const double> b) {
  check(a.size() == b.size(), "pairs have two members");
  std::vector<double> differences(a.size());
  std::transform(a.begin(), a.end(), b.begin(), differences.begin(), std::minus<>{});
  const double n = static_cast<double>(a.size());
  return {mean(differences), standard_deviation(differences) / std::sqrt(n), n - 1};
}

EquivalenceTest two_one_sided_tests(const MeanDifference& difference, Interval margin, double significance) {
  check(margin.low < 0 && margin.high > 0, "a margin of equivalence contains zero");
  check(significance > 0 && significance < 0.5, "significance lies between 0 and 1/2");
  const double not_above_low = upper_tail(difference.mean - margin.low, difference);
  const double not_below_high = upper_tail(margin.high - difference.mean, difference);
  const Interval interval = difference.interval(1 - 2 * significance);
  const Equivalence verdict =
      margin.contains(interval.low) && margin.contains(interval.high) ? Equivalence::equivalent
      : interval.high < margin.low || interval.low > margin.high      ? Equivalence::different
                                                                      : Equivalence::cannot_tell;
  return {std::max(not_above_low, not_below_high), interval, verdict};
}

}  // namespace sim
