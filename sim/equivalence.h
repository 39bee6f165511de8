// Whether two means are equal for all practical purposes, which "no significant difference" does not show.
//
// Welch:  means of two samples of different spread; degrees of freedom by Satterthwaite (Welch, "The
//         generalization of Student's problem", Biometrika 34, 1947).
// TOST:   two one-sided tests at `significance` each (Schuirmann, "A comparison of the two one-sided tests
//         procedure and the power approach", J. Pharmacokinet. Biopharm. 15, 1987). Both reject exactly where
//         the interval of confidence 1 - 2 significance lies inside the margin.
//
// Samples of positive values that are compared as ratios enter as logarithms, the margin too.
#pragma once

#include <cstdint>
#include <span>

#include "sim/statistics.h"

namespace sim {

// An estimated difference of means, with Student's t as the distribution of its error.
struct MeanDifference {
  double mean;
  double standard_error;
  double degrees;  // of freedom
  Interval interval(double confidence = 0.95) const;
};

MeanDifference welch_difference(std::span<const double> a, std::span<const double> b);  // a - b; 2 of each
MeanDifference paired_mean_difference(std::span<const double> a, std::span<const double> b);  // 2 pairs

enum class Equivalence : std::uint8_t {
  equivalent,   // the interval lies inside the margin
  different,    // it lies outside: more different than the margin allows
  cannot_tell,  // it crosses an end of the margin: more repetitions, or a wider margin
};

struct EquivalenceTest {
  double p_value;     // of "not equivalent"
  Interval interval;  // of confidence 1 - 2 significance
  Equivalence verdict;
};

// `margin` contains 0.
EquivalenceTest two_one_sided_tests(const MeanDifference& difference, Interval margin,
                                    double significance = 0.05);

}  // namespace sim
