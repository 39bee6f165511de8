// Functions behind confidence intervals and inverse CDFs: for set-up and reports, not for hot paths.
//
// Built on sim/math.h alone, so reports too have the same bytes everywhere. Relative error below 1e-9,
// mostly far below, as tests/sim/special_functions_test.cpp checks against Boost.Math.
#pragma once

#include <cstdint>

namespace sim {

double log_gamma(double x);  // x > 0

// Regularised incomplete gamma, P(a, x) and 1 - P(a, x); a > 0, x >= 0.
double gamma_p(double a, double x);
double gamma_q(double a, double x);
double gamma_p_inverse(double a, double p);  // x with P(a, x) = p; p in [0, 1]

// Regularised incomplete beta, I_x(a, b); a, b > 0, x in [0, 1].
double incomplete_beta(double a, double b, double x);

double normal_cdf(double z);
double normal_quantile(double p);  // p in (0, 1)

double student_t_cdf(double t, double degrees);
double student_t_quantile(double p, double degrees);  // p in (0, 1), degrees > 0

// Probability of at most k successes in n trials of probability p.
double binomial_cdf(std::int64_t k, std::int64_t n, double p);

}  // namespace sim
