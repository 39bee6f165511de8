// Tables behind Distribution: linear pieces of an inverse CDF, drawn from by Walker's alias method.
//
// Models:   Walker, "An efficient method for generating discrete random variables with general
//           distributions", ACM TOMS 1977; built as in Vose, IEEE TSE 1991. A column is shared by at
//           most two pieces, and where the draw falls inside its share is uniform too, so one number
//           chooses both the piece and the place in it. The pieces are drawn exactly, the rarest too.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "sim/distribution.h"

namespace sim::distribution_detail {

// Probability `mass`, spread evenly over the values from `low` to `high`; an atom where they meet.
struct Piece {
  double mass;
  double low;
  double high;
};

// Of the column [0, 2^53), the part below `boundary` belongs to one piece and the rest to another:
// position x stands for base + slope x.
struct Column {
  double boundary;
  double base[2];
  double slope[2];

  double at(double x) const {
    const bool second = x >= boundary;
    return base[second] + slope[second] * x;
  }
};

struct Table {
  std::vector<Column> columns;
  std::vector<Piece> pieces;       // ascending; masses sum to 1
  std::vector<double> cumulative;  // mass of the pieces before each one, and 1 at the end
  std::string origin;              // what it was made of, for describe()

  // Of a mixture: pieces are atoms whose value is the index of a part.
  std::vector<Distribution> parts;
};

// Masses may have any positive sum; pieces of mass 0 are dropped.
Table make_table(std::vector<Piece> pieces, std::string origin);

std::vector<Piece> pieces_of_samples(std::vector<Nanos> samples);
std::vector<Piece> pieces_of_quantiles(std::span<const std::pair<double, Nanos>> points);
std::vector<Piece> pieces_of_bins(std::span<const HistogramBin> bins);

double table_mean(const Table& table);
double table_quantile(const Table& table, double p);
double table_cdf(const Table& table, double value);

}  // namespace sim::distribution_detail
