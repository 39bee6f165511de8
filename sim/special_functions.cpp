#include "sim/special_functions.h"

#include <cmath>
#include <limits>

#include "sim/check.h"
#include "sim/math.h"

namespace sim {

namespace {

constexpr double half_log_2pi = 0.91893853320467274178;
constexpr double tiny = 1e-300;
constexpr double epsilon = 1e-16;

// Lentz's evaluation of a continued fraction 1 / (b0 + a1 / (b1 + ...)), as in Numerical Recipes 5.2.
template <class Term>
double continued_fraction(double b0, Term&& term) {
  double d = 1 / (b0 == 0 ? tiny : b0);
  double c = 1 / tiny;
  double value = d;
  for (int i = 1; i < 1'000'000; ++i) {
    const auto [a, b] = term(i);
    d = a * d + b;
    d = 1 / (d == 0 ? tiny : d);
    c = b + a / c;
    c = c == 0 ? tiny : c;
    value *= c * d;
    if (std::abs(c * d - 1) <= 2 * epsilon) {
      break;
    }
  }
  return value;
}

struct FractionTerm {
  double a;
  double b;
};

double gamma_series(double a, double x) {
  double term = 1 / a;
  double sum = term;
  for (double n = a + 1; term > sum * epsilon; ++n) {
    term *= x / n;
    sum += term;
  }
  return sum * exp(a * log(x) - x - log_gamma(a));
}

double gamma_fraction(double a, double x) {
  const double fraction = continued_fraction(x + 1 - a, [&](int i) {
    return FractionTerm{-i * (i - a), x + 2.0 * i + 1 - a};
  });
  return fraction * exp(a * log(x) - x - log_gamma(a));
}

// Bisection for an increasing function. Neighbouring doubles end it.
template <class Function>
double solve_increasing(double low, double high, double target, Function&& function) {
  for (int i = 0; i < 2000; ++i) {
    const double middle = low + (high - low) / 2;
    if (!(low < middle && middle < high)) {
      break;
    }
    (function(middle) < target ? low : high) = middle;
  }
  return high;
}

}  // namespace

// Stirling's series, after the recurrence has carried x to where six terms are enough.
double log_gamma(double x) {
  check(x > 0, "log_gamma is asked for a positive number");
  double product = 1;
  while (x < 12) {
    product *= x;
    ++x;
  }
  const double y = 1 / (x * x);
  const double last_terms = 1.0 / 1680 - y * (1.0 / 1188 - y * (691.0 / 360360));
  const double series = (1.0 / 12 - y * (1.0 / 360 - y * (1.0 / 1260 - y * last_terms))) / x;
  return (x - 0.5) * log(x) - x + half_log_2pi + series - log(product);
}

double gamma_p(double a, double x) {
  if (x <= 0) {
    return 0;
  }
  return x < a + 1 ? gamma_series(a, x) : 1 - gamma_fraction(a, x);
}

double gamma_q(double a, double x) {
  if (x <= 0) {
    return 1;
  }
  return x < a + 1 ? 1 - gamma_series(a, x) : gamma_fraction(a, x);
}

double gamma_p_inverse(double a, double p) {
  if (p <= 0) {
    return 0;
  }
  if (p >= 1) {
    return math_detail::infinity;
  }
  double high = a + 1;
  while (gamma_p(a, high) < p) {
    high *= 2;
  }
  if (p > 0.5) {  // the upper function keeps its precision in the tail
    return solve_increasing(0, high, -(1 - p), [&](double x) { return -gamma_q(a, x); });
  }
  return solve_increasing(0, high, p, [&](double x) { return gamma_p(a, x); });
}

double incomplete_beta(double a, double b, double x) {
  if (x <= 0) {
    return 0;
  }
  if (x >= 1) {
    return 1;
  }
  if (x > (a + 1) / (a + b + 2)) {
    return 1 - incomplete_beta(b, a, 1 - x);
  }
  // Numerical Recipes 6.4; terms alternate between the odd and the even coefficient.
  const double fraction = continued_fraction(1, [&](int i) {
    const int pair = i / 2;
    const double m = pair;
    const double even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m));
    const double odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1));
    return FractionTerm{i % 2 == 0 ? even : odd, 1};
  });
  return fraction / a * exp(a * log(x) + b * log(1 - x) + log_gamma(a + b) - log_gamma(a) - log_gamma(b));
}

double normal_cdf(double z) {
  const double tail = gamma_q(0.5, z * z / 2) / 2;
  return z < 0 ? tail : 1 - tail;
}

double normal_quantile(double p) {
  check(p > 0 && p < 1, "normal_quantile is asked for a probability between 0 and 1");
  if (p > 0.5) {
    return -normal_quantile(1 - p);
  }
  // Abramowitz and Stegun 26.2.23 to 4.5e-4, then Newton steps with Halley's correction.
  const double t = std::sqrt(-2 * log(p));
  const double numerator = 2.515517 + t * (0.802853 + t * 0.010328);
  const double denominator = 1 + t * (1.432788 + t * (0.189269 + t * 0.001308));
  double z = numerator / denominator - t;
  for (int i = 0; i < 3; ++i) {
    const double density = exp(-z * z / 2 - half_log_2pi);
    const double step = (normal_cdf(z) - p) / density;
    z -= step / (1 + z * step / 2);
  }
  return z;
}

double student_t_cdf(double t, double degrees) {
  const double tail = incomplete_beta(degrees / 2, 0.5, degrees / (degrees + t * t)) / 2;
  return t < 0 ? tail : 1 - tail;
}

double student_t_quantile(double p, double degrees) {
  check(p > 0 && p < 1 && degrees > 0, "student_t_quantile is asked for a probability between 0 and 1");
  if (p == 0.5) {
    return 0;
  }
  if (p > 0.5) {
    return -student_t_quantile(1 - p, degrees);
  }
  double low = -1;
  while (student_t_cdf(low, degrees) > p) {
    low *= 2;
  }
  return solve_increasing(low, 0, p, [&](double t) { return student_t_cdf(t, degrees); });
}

double binomial_cdf(std::int64_t k, std::int64_t n, double p) {
  if (k < 0) {
    return 0;
  }
  if (k >= n) {
    return 1;
  }
  return incomplete_beta(static_cast<double>(n - k), static_cast<double>(k + 1), 1 - p);
}

}  // namespace sim
