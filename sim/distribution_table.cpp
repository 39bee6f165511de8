#include "sim/distribution_table.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "sim/check.h"

namespace sim::distribution_detail {

namespace {

constexpr double column_width = 0x1p53;

// The sum of masses may be off by a rounding or two where a percentile falls on a piece's very end.
constexpr double probability_tolerance = 1e-12;

Column column(const Piece& own, const Piece& other, double own_share) {
  Column c{};
  c.boundary = own_share * column_width;
  if (own_share > 0) {
    c.slope[0] = (own.high - own.low) / c.boundary;
    c.base[0] = own.low;
  }
  if (own_share < 1) {
    c.slope[1] = (other.high - other.low) / (column_width - c.boundary);
    c.base[1] = other.low - c.slope[1] * c.boundary;
  }
  return c;
}

std::vector<Column> alias_columns(std::span<const Piece> pieces) {
  const std::size_t n = pieces.size();
  std::vector<double> share(n);  // of its own column that each piece would fill, 1 on average
  std::vector<std::size_t> small;
  std::vector<std::size_t> large;
  for (std::size_t i = 0; i < n; ++i) {
    share[i] = pieces[i].mass * static_cast<double>(n);
    (share[i] < 1 ? small : large).push_back(i);
  }
  std::vector<Column> columns(n);
  while (!small.empty() && !large.empty()) {
    const std::size_t s = small.back();
    const std::size_t l = large.back();
    small.pop_back();
    columns[s] = column(pieces[s], pieces[l], share[s]);
    share[l] -= 1 - share[s];
    if (share[l] < 1) {
      large.pop_back();
      small.push_back(l);
    }
  }
  small.insert(small.end(), large.begin(), large.end());
  for (const std::size_t i : small) {  // whole, up to rounding
    columns[i] = column(pieces[i], pieces[i], 1);
  }
  return columns;
}

// The slopes of lines through (0, first) that stay within tolerance of all the steps seen so far.
struct Cone {
  explicit Cone(double first_value) : first{first_value} {}

  // The step from `offset` to `offset` + 1 has height `value`. Slopes are never negative, so a line
  // is nearest to being too low on the step's left and too high on its right.
  void add(double offset, double value) {
    const double tolerance = std::max(0.25, 0.002 * value);
    if (offset > 0) {
      lowest = std::max(lowest, (value - tolerance - first) / offset);
    }
    highest = std::min(highest, (value + tolerance - first) / (offset + 1));
  }

  double first;
  double lowest = 0;
  double highest = std::numeric_limits<double>::infinity();
};

}  // namespace

Table make_table(std::vector<Piece> pieces, std::string origin) {
  std::erase_if(pieces, [](const Piece& piece) { return piece.mass == 0; });
  check(!pieces.empty(), "a distribution has a value of positive probability");
  Table table;
  double total = 0;
  for (const Piece& piece : pieces) {
    check(piece.mass > 0 && piece.low <= piece.high, "a piece has positive mass and ascends");
    table.cumulative.push_back(total);
    total += piece.mass;
  }
  table.cumulative.push_back(total);
  for (double& before : table.cumulative) {
    before /= total;
  }
  for (Piece& piece : pieces) {
    piece.mass /= total;
  }
  table.columns = alias_columns(pieces);
  table.pieces = std::move(pieces);
  table.origin = std::move(origin);
  return table;
}

// Each piece is the longest line from the corner of its first sample's step to the corner of its last
// one's that stays within the cone (the "swinging door" of process historians).
std::vector<Piece> pieces_of_samples(std::vector<Nanos> samples) {
  check(!samples.empty(), "an empirical distribution has samples");
  std::sort(samples.begin(), samples.end());
  check(samples.front() >= Nanos{0}, "a sample is a span of time, at least 0");
  const auto value = [&](std::size_t i) { return static_cast<double>(samples[i].count()); };
  std::vector<Piece> pieces;
  for (std::size_t first = 0; first < samples.size();) {
    std::size_t last = first;
    Cone cone{value(first)};
    for (std::size_t i = first; i < samples.size() && cone.lowest <= cone.highest; ++i) {
      cone.add(static_cast<double>(i - first), value(i));
      const double slope = (value(i) - value(first)) / static_cast<double>(i - first + 1);
      if (cone.lowest <= slope && slope <= cone.highest) {
        last = i;
      }
    }
    pieces.push_back({static_cast<double>(last - first + 1), value(first), value(last)});
    first = last + 1;
  }
  return pieces;
}

std::vector<Piece> pieces_of_quantiles(std::span<const std::pair<double, Nanos>> points) {
  check(points.size() >= 2 && points.front().first == 0 && points.back().first == 1,
        "an inverse CDF is given from p = 0 to p = 1");
  check(points.front().second >= Nanos{0}, "a quantile is a span of time, at least 0");
  std::vector<Piece> pieces;
  for (std::size_t i = 1; i < points.size(); ++i) {
    const auto& [p0, low] = points[i - 1];
    const auto& [p1, high] = points[i];
    check(p0 <= p1 && low <= high, "the points of an inverse CDF ascend");
    pieces.push_back({p1 - p0, static_cast<double>(low.count()), static_cast<double>(high.count())});
  }
  return pieces;
}

std::vector<Piece> pieces_of_bins(std::span<const HistogramBin> bins) {
  std::vector<Piece> pieces;
  Nanos end{0};
  for (const HistogramBin& bin : bins) {
    check(end <= bin.low && bin.low <= bin.high, "histogram bins ascend from 0 without overlap");
    end = bin.high;
    pieces.push_back({static_cast<double>(bin.count), static_cast<double>(bin.low.count()),
                      static_cast<double>(bin.high.count())});
  }
  return pieces;
}

double table_mean(const Table& table) {
  double mean = 0;
  for (const Piece& piece : table.pieces) {
    mean += piece.mass * (piece.low + piece.high) / 2;
  }
  return mean;
}

double table_quantile(const Table& table, double p) {
  // The first piece that ends at p or later; `cumulative` has the ends from its second element on.
  const auto end =
      std::lower_bound(table.cumulative.begin() + 1, table.cumulative.end() - 1, p - probability_tolerance);
  const auto i = static_cast<std::size_t>(end - table.cumulative.begin() - 1);
  const Piece& piece = table.pieces[i];
  const double place = (p - table.cumulative[i]) / piece.mass;
  return piece.low + (piece.high - piece.low) * std::clamp(place, 0.0, 1.0);
}

double table_cdf(const Table& table, double value) {
  // Pieces that begin after `value` have no part in it; of the others only the last may reach past it.
  const auto after = std::upper_bound(table.pieces.begin(), table.pieces.end(), value,
                                      [](double v, const Piece& piece) { return v < piece.low; });
  if (after == table.pieces.begin()) {
    return 0;
  }
  const auto i = static_cast<std::size_t>(after - table.pieces.begin() - 1);
  const Piece& piece = table.pieces[i];
  const double inside = value >= piece.high ? 1 : (value - piece.low) / (piece.high - piece.low);
  return table.cumulative[i] + piece.mass * inside;
}

}  // namespace sim::distribution_detail
