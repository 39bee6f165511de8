#include "sim/special_functions.h"

#include <boost/math/distributions/binomial.hpp>
#include <boost/math/distributions/normal.hpp>
#include <boost/math/distributions/students_t.hpp>
#include <boost/math/special_functions/beta.hpp>
#include <boost/math/special_functions/gamma.hpp>
#include <catch2/catch.hpp>

namespace {

Approx close(double value) { return Approx(value).epsilon(1e-12).margin(1e-300); }

}  // namespace

TEST_CASE("the logarithm of the gamma function agrees with Boost.Math", "[special_functions]") {
  for (const double x : {0.01, 0.5, 1.5, 2.5, 3.7, 11.9, 12.1, 100.0, 1e6}) {
    CAPTURE(x);
    CHECK(sim::log_gamma(x) == close(boost::math::lgamma(x)));
  }
}

TEST_CASE("the incomplete gamma functions agree with Boost.Math, in the tails too", "[special_functions]") {
  for (const double a : {0.1, 0.5, 1.0, 3.5, 40.0, 900.0}) {
    for (const double ratio : {0.01, 0.3, 0.9, 1.0, 1.1, 2.0, 4.0}) {
      const double x = a * ratio;
      CAPTURE(a, x);
      CHECK(sim::gamma_p(a, x) == Approx(boost::math::gamma_p(a, x)).epsilon(1e-11).margin(1e-280));
      CHECK(sim::gamma_q(a, x) == Approx(boost::math::gamma_q(a, x)).epsilon(1e-11).margin(1e-280));
    }
  }
}

TEST_CASE("the inverse incomplete gamma function inverts it", "[special_functions]") {
  for (const double a : {0.2, 1.0, 4.0, 50.0}) {
    for (const double p : {1e-6, 0.01, 0.5, 0.9, 0.999, 0.999999}) {
      CAPTURE(a, p);
      CHECK(sim::gamma_p_inverse(a, p) == Approx(boost::math::gamma_p_inv(a, p)).epsilon(1e-9));
    }
  }
}

TEST_CASE("the incomplete beta function agrees with Boost.Math", "[special_functions]") {
  for (const double a : {0.5, 1.0, 7.5, 300.0, 20'000.0}) {
    for (const double b : {0.5, 2.0, 45.0, 1000.0}) {
      for (const double x : {0.001, 0.2, 0.5, 0.77, 0.95, 0.999}) {
        CAPTURE(a, b, x);
        CHECK(sim::incomplete_beta(a, b, x) ==
              Approx(boost::math::ibeta(a, b, x)).epsilon(1e-9).margin(1e-250));
      }
    }
  }
}

TEST_CASE("the normal distribution and its quantiles agree with Boost.Math", "[special_functions]") {
  const boost::math::normal normal;
  for (const double p : {1e-9, 0.001, 0.025, 0.31, 0.5, 0.8, 0.975, 0.99, 0.9999}) {
    CAPTURE(p);
    CHECK(sim::normal_quantile(p) == Approx(boost::math::quantile(normal, p)).epsilon(1e-12).margin(1e-14));
  }
  for (const double z : {-6.0, -2.5, -0.1, 0.0, 0.7, 3.0}) {
    CAPTURE(z);
    CHECK(sim::normal_cdf(z) == close(boost::math::cdf(normal, z)));
  }
}

// The 97.5 % column of any printed table.
TEST_CASE("Student's t quantiles are those of the tables", "[special_functions]") {
  CHECK(sim::student_t_quantile(0.975, 1) == Approx(12.706205).epsilon(1e-6));
  CHECK(sim::student_t_quantile(0.975, 2) == Approx(4.302653).epsilon(1e-6));
  CHECK(sim::student_t_quantile(0.975, 4) == Approx(2.776445).epsilon(1e-6));
  CHECK(sim::student_t_quantile(0.975, 9) == Approx(2.262157).epsilon(1e-6));
  CHECK(sim::student_t_quantile(0.975, 30) == Approx(2.042272).epsilon(1e-6));
  CHECK(sim::student_t_quantile(0.5, 3) == 0);
  CHECK(sim::student_t_quantile(0.05, 5) == Approx(-2.015048).epsilon(1e-6));
}

TEST_CASE("Student's t quantiles agree with Boost.Math", "[special_functions]") {
  for (const double degrees : {1.0, 2.0, 3.0, 9.0, 29.0, 1000.0}) {
    for (const double p : {0.0005, 0.05, 0.9, 0.975, 0.995}) {
      CAPTURE(degrees, p);
      const double expected = boost::math::quantile(boost::math::students_t{degrees}, p);
      CHECK(sim::student_t_quantile(p, degrees) == Approx(expected).epsilon(1e-9));
    }
  }
}

TEST_CASE("binomial probabilities agree with Boost.Math", "[special_functions]") {
  for (const int n : {1, 10, 3000}) {
    for (const double p : {0.001, 0.5, 0.99, 0.999}) {
      for (const int k : {0, n / 3, n / 2, n - 1, n}) {
        CAPTURE(n, p, k);
        const double expected = boost::math::cdf(boost::math::binomial{static_cast<double>(n), p}, k);
        CHECK(sim::binomial_cdf(k, n, p) == Approx(expected).epsilon(1e-10).margin(1e-250));
      }
    }
  }
  CHECK(sim::binomial_cdf(-1, 10, 0.5) == 0);
  CHECK(sim::binomial_cdf(10, 10, 0.5) == 1);
}
