// The distribution of one cost, from samples of a sum in which it occurs together with known ones.
//
//   T = A + B [+ U]     T sampled, B known, A sought; U is what a clock of whole microseconds adds
//
// Method: maximum likelihood of T's values as intervals. Where there is no B and the clock is exact, fit() of
//         calibration/fit/fitted.h. Else A is lognormal, its two parameters searched with B's distribution
//         folded in; if T's distribution then differs from the samples' by more than 0.03 (or what chance
//         alone gives), A is a table of quantiles instead, by expectation-maximisation over a grid (Laird,
//         "Nonparametric maximum likelihood estimation of a mixing distribution", JASA 1978): no shape is
//         assumed.
// Clock:  the difference d of two stamps cut to microseconds belongs to a time between d - 1 and d + 1 us,
// which
//         is T + U in [d - 1/2, d + 1/2) with U uniform within half a microsecond.
// Left out: dependence of A on B. Costs of one stretch of code share caches; the sum's spread then passes
// into A.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "scenarios/distribution_yaml.h"
#include "sim/distribution.h"

namespace calibration {

// Equally probable values, ascending, in ns; one zero where nothing is known to be there.
class SumOfCosts {
 public:
  static constexpr std::size_t resolution = 128;

  SumOfCosts() = default;
  void add(const sim::Distribution& cost, int times = 1);
  void add(std::vector<double> samples);      // of another interval, as it was measured
  void add_uniform(double low, double high);  // U
  void add_constant(double ns);

  const std::vector<double>& points() const { return points_; }
  double mean() const;
  bool nothing() const { return points_.size() == 1 && points_.front() == 0; }

 private:
  void fold(const std::vector<double>& other);
  std::vector<double> points_{0.0};
};

struct SumSample {
  double ns = 0;
  bool coarse = false;  // of a clock of whole microseconds
};

struct SumFit {
  scenarios::WrittenDistribution value;
  std::string form;
  std::uint64_t count = 0;
  double ks = 0;                        // of T, fitted against sampled
  double p50_error = 0, p99_error = 0;  // of T, relative
};

// Nothing, and `why`, where too little remains of T for A: less than a fiftieth of it, or fewer than 30
// samples.
std::optional<SumFit> fit_sum(const std::vector<SumSample>& samples, const SumOfCosts& known,
                              std::string& why);

// How a fitted T lies beside other samples of it.
struct SumError {
  std::uint64_t count = 0;
  double ks = 0;
  double p50 = 0, p99 = 0;  // relative errors, signed
  double wasserstein = 0;   // mean distance of the quantiles by the samples' mean
};
SumError compare_sum(const sim::Distribution& cost, const SumOfCosts& known,
                     const std::vector<SumSample>& samples);

}  // namespace calibration
