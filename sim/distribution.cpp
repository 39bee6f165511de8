#include "sim/distribution.h"

#include <algorithm>
#include <cmath>

#include "sim/distribution_table.h"
#include "sim/math.h"
#include "sim/ziggurat.h"

namespace sim {

namespace {

__extension__ using Uint128 = unsigned __int128;

using namespace distribution_detail;

constexpr double longest_ns = 0x1p62;  // 146 years

// The 99th percentile of the normal distribution.
constexpr double normal_p99 = 2.32634787404084110;

double as_double(Nanos span) { return static_cast<double>(span.count()); }

Nanos rounded(double ns) { return Nanos{static_cast<std::int64_t>(std::min(ns, longest_ns) + 0.5)}; }

double draw_column(const Column* columns, std::uint32_t count, Stream& stream) {
  const Uint128 product = Uint128{stream.next()} * count;
  const auto place = static_cast<std::int64_t>(static_cast<std::uint64_t>(product) >> 11);
  return columns[static_cast<std::size_t>(product >> 64)].at(static_cast<double>(place));
}

// Marsaglia, Tsang, "A simple method for generating gamma variables", ACM TOMS 2000. `c` is
// 1 / sqrt(9 d). A shape below 1 is drawn one higher and multiplied by U^(1 / shape).
double draw_gamma(Stream& stream, double shape, double c) {
  const double d = (shape < 1 ? shape + 1 : shape) - 1.0 / 3;
  for (;;) {
    const double z = draw_normal(stream);
    const double root = 1 + c * z;
    if (root <= 0) {
      continue;
    }
    const double v = root * root * root;
    const double u = stream.uniform();
    const double z2 = z * z;
    if (u < 1 - 0.0331 * z2 * z2 || log(u) < 0.5 * z2 + d * (1 - v + log(v))) {
      return shape < 1 ? d * v * exp(-draw_exponential(stream) / shape) : d * v;
    }
  }
}

}  // namespace

Distribution::Distribution(Kind kind, double scale, double shift, double shape)
    : kind_{kind}, scale_{scale}, shift_{shift}, shape_{shape} {}

Distribution Distribution::from_table(Kind kind, Table table) {
  Distribution made{kind, 1, 0, 0};
  auto shared = std::make_shared<const Table>(std::move(table));
  made.columns_ = shared->columns.data();
  made.column_count_ = static_cast<std::uint32_t>(shared->columns.size());
  made.table_ = std::move(shared);
  return made;
}

Distribution Distribution::constant(Nanos value) {
  check(value >= Nanos{0}, "a constant span is at least 0");
  Distribution made{Kind::constant, 1, 0, 0};
  made.constant_ = value.count();
  return made;
}

Distribution Distribution::exponential(Nanos mean) {
  check(mean >= Nanos{0}, "an exponential's mean is at least 0");
  return mean == Nanos{0} ? constant(mean) : Distribution{Kind::exponential, as_double(mean), 0, 0};
}

Distribution Distribution::lognormal(Nanos median, double sigma) {
  check(median > Nanos{0} && sigma >= 0, "a lognormal has a positive median and sigma >= 0");
  return sigma == 0 ? constant(median) : Distribution{Kind::lognormal, as_double(median), 0, sigma};
}

Distribution Distribution::lognormal_p99(Nanos median, Nanos p99) {
  check(median > Nanos{0} && median <= p99, "a lognormal's p99 is at least its positive median");
  return lognormal(median, log(as_double(p99) / as_double(median)) / normal_p99);
}

Distribution Distribution::gamma(Nanos mean, double cv) {
  check(mean >= Nanos{0} && cv >= 0, "a gamma's mean and coefficient of variation are at least 0");
  if (mean == Nanos{0} || cv == 0) {
    return constant(mean);
  }
  const double shape = 1 / (cv * cv);
  Distribution made{Kind::gamma, as_double(mean) / shape, 0, shape};
  made.helper_ = 1 / std::sqrt(9 * ((shape < 1 ? shape + 1 : shape) - 1.0 / 3));
  return made;
}

Distribution Distribution::weibull(Nanos scale, double shape) {
  check(scale >= Nanos{0} && shape > 0, "a weibull has scale >= 0 and a positive shape");
  if (scale == Nanos{0}) {
    return constant(scale);
  }
  Distribution made{Kind::weibull, as_double(scale), 0, shape};
  made.helper_ = 1 / shape;
  return made;
}

Distribution Distribution::pareto(Nanos minimum, double shape) {
  check(minimum > Nanos{0} && shape > 0, "a pareto has a positive minimum and shape");
  Distribution made{Kind::pareto, as_double(minimum), 0, shape};
  made.helper_ = 1 / shape;
  return made;
}

Distribution Distribution::uniform(Nanos low, Nanos high) {
  check(Nanos{0} <= low && low <= high, "a uniform's low end is at least 0 and at most its high end");
  return low == high ? constant(low) : Distribution{Kind::uniform, as_double(high - low), as_double(low), 0};
}

Distribution Distribution::empirical(std::vector<Nanos> samples) {
  std::string origin = "empirical(" + std::to_string(samples.size()) + " samples";
  return from_table(Kind::table, make_table(pieces_of_samples(std::move(samples)), std::move(origin)));
}

Distribution Distribution::quantiles(std::vector<std::pair<double, Nanos>> points) {
  std::string origin = "quantiles(" + std::to_string(points.size()) + " points";
  return from_table(Kind::table, make_table(pieces_of_quantiles(points), std::move(origin)));
}

Distribution Distribution::histogram(std::vector<HistogramBin> bins) {
  std::string origin = "histogram(" + std::to_string(bins.size()) + " bins";
  return from_table(Kind::table, make_table(pieces_of_bins(bins), std::move(origin)));
}

Distribution Distribution::mixture(std::vector<std::pair<double, Distribution>> parts) {
  std::vector<Piece> choices;
  std::vector<Distribution> kept;
  for (auto& part : parts) {
    const double weight = part.first;
    check(weight >= 0, "a mixture's weights are at least 0");
    if (weight > 0) {
      const auto index = static_cast<double>(kept.size());
      choices.push_back({weight, index, index});
      kept.push_back(std::move(part.second));
    }
  }
  Table table = make_table(std::move(choices), "mixture(");
  table.parts = std::move(kept);
  return from_table(Kind::mixture, std::move(table));
}

Distribution Distribution::shifted(Nanos by) const {
  if (is_constant()) {
    return constant(std::max(Nanos{0}, Nanos{constant_} + by));
  }
  Distribution moved = *this;
  moved.shift_ += as_double(by);
  moved.floor_ = std::max(0.0, floor_ + as_double(by));
  return moved;
}

Distribution Distribution::scaled(double factor) const {
  check(factor >= 0, "a distribution is scaled by a factor of at least 0");
  if (is_constant() || factor == 0) {
    return constant(rounded(static_cast<double>(constant_) * factor));
  }
  Distribution stretched = *this;
  stretched.scale_ *= factor;
  stretched.shift_ *= factor;
  stretched.floor_ *= factor;
  return stretched;
}

Nanos Distribution::draw(Stream& stream) const { return rounded(draw_ns(stream)); }

double Distribution::draw_ns(Stream& stream) const {
  return std::max(floor_, shift_ + scale_ * draw_shape(stream));
}

double Distribution::draw_shape(Stream& stream) const {
  switch (kind_) {
    case Kind::constant:
      return static_cast<double>(constant_);
    case Kind::exponential:
      return draw_exponential(stream);
    case Kind::lognormal:
      return exp(shape_ * draw_normal(stream));
    case Kind::gamma:
      return draw_gamma(stream, shape_, helper_);
    case Kind::weibull:
      return exp(helper_ * log(draw_exponential(stream)));
    case Kind::pareto:
      return exp(helper_ * draw_exponential(stream));
    case Kind::uniform:
      return stream.uniform();
    case Kind::table:
      return draw_column(columns_, column_count_, stream);
    case Kind::mixture: {
      const double part = draw_column(columns_, column_count_, stream);
      return table_->parts[static_cast<std::size_t>(part)].draw_ns(stream);
    }
  }
  check(false, "every kind of distribution is drawn");
  return 0;
}

}  // namespace sim
