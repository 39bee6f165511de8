// A span of time, at least 0, drawn at random in constant time: every cost the models charge.
//
// A draw is a shape times a scale plus a shift, never below a floor, rounded to the nearest
// nanosecond (halves up) and cut at 2^62 ns. Shapes come from ziggurats and sim/math.h or from an
// alias table of linear pieces, so the same stream gives the same spans on every machine. A constant
// draws nothing; uniform, empirical, quantiles and histogram draw exactly one number.
//
// Copies share immutable tables. Parameters outside the stated ranges are our bug (sim::check):
// whoever reads them from a file answers for them first.
//
// Left out: dependence between successive draws.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "sim/check.h"
#include "sim/rng.h"
#include "sim/time.h"

namespace sim {

// Values in [low, high), as bpftrace's hist() and lhist() print them. low == high is one value.
struct HistogramBin {
  Nanos low;
  Nanos high;
  std::uint64_t count;
};

namespace distribution_detail {
struct Column;
struct Table;
}  // namespace distribution_detail

class Distribution {
 public:
  static Distribution constant(Nanos value);                   // value >= 0
  static Distribution exponential(Nanos mean);                 // mean >= 0
  static Distribution lognormal(Nanos median, double sigma);   // median > 0, sigma >= 0: of the logarithm
  static Distribution lognormal_p99(Nanos median, Nanos p99);  // 0 < median <= p99
  static Distribution gamma(Nanos mean, double cv);            // mean >= 0, cv = deviation / mean >= 0
  static Distribution weibull(Nanos scale, double shape);      // scale >= 0, shape > 0
  static Distribution pareto(Nanos minimum, double shape);  // minimum > 0, shape > 0; mean only if shape > 1
  static Distribution uniform(Nanos low, Nanos high);       // 0 <= low <= high

  // What was measured, each sample >= 0 and as likely as every other. Neighbouring samples share one
  // linear piece where that moves no quantile by more than 0.2 % (or a quarter nanosecond), so the
  // table stays small while minimum, maximum and every percentile remain those of the samples.
  static Distribution empirical(std::vector<Nanos> samples);

  // Inverse CDF, linear between points (p, value). Both ascend, p from exactly 0 to exactly 1. Two
  // points with the same p are a gap in the values; two with the same value, an atom.
  static Distribution quantiles(std::vector<std::pair<double, Nanos>> points);

  // Uniform inside each bin. Bins ascend without overlap; one at least is not empty.
  static Distribution histogram(std::vector<HistogramBin> bins);

  // One of the parts, drawn with probability proportional to its weight >= 0.
  static Distribution mixture(std::vector<std::pair<double, Distribution>> parts);

  Distribution shifted(Nanos by) const;      // later or earlier, clamped at 0
  Distribution scaled(double factor) const;  // factor >= 0

  Nanos sample(Stream& stream) const { return kind_ == Kind::constant ? Nanos{constant_} : draw(stream); }

  bool is_constant() const { return kind_ == Kind::constant; }
  double mean_ns() const;              // before rounding; infinite for a pareto of shape <= 1
  Nanos quantile(double p) const;      // inverse CDF, p in [0, 1], rounded to the nearest nanosecond
  double quantile_ns(double p) const;  // the same before rounding; infinite at 1 for an unbounded shape
  double cdf(double ns) const;         // probability of a span of at most `ns`, before rounding
  std::string describe() const;        // such as "lognormal(median 9us, p99 25us)"

 private:
  enum class Kind : std::uint8_t {
    constant,
    exponential,
    lognormal,
    gamma,
    weibull,
    pareto,
    uniform,
    table,
    mixture,
  };

  Distribution(Kind kind, double scale, double shift, double shape);
  static Distribution from_table(Kind kind, distribution_detail::Table table);

  Nanos draw(Stream& stream) const;
  double draw_ns(Stream& stream) const;
  double draw_shape(Stream& stream) const;
  double shape_minimum() const;
  double shape_mean() const;
  double shape_quantile(double p) const;
  double shape_cdf(double x) const;
  std::string describe_shape() const;
  std::string describe_table() const;

  // scale_ > 0: whatever has no spread is a constant. `shape_` is sigma (lognormal), 1 / cv^2 (gamma), the
  // exponent (weibull, pareto); `helper_` saves draw_shape() a division. Tables live as long as `table_`;
  // drawing reads them through `columns_`.
  Kind kind_ = Kind::constant;
  std::uint32_t column_count_ = 0;
  std::int64_t constant_ = 0;
  double scale_ = 1;
  double shift_ = 0;
  double floor_ = 0;
  double shape_ = 0;
  double helper_ = 0;
  const distribution_detail::Column* columns_ = nullptr;
  std::shared_ptr<const distribution_detail::Table> table_;
};

}  // namespace sim
