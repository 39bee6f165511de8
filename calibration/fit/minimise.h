// Nelder and Mead's simplex search in two dimensions, for likelihoods whose maximum has no closed form.
//
// Source: J. A. Nelder, R. Mead, "A simplex method for function minimization", The Computer Journal 7 (1965).
// Left out: restarts; the likelihoods here have one maximum.
#pragma once

#include <algorithm>
#include <array>

namespace calibration {

using Point2 = std::array<double, 2>;

namespace minimise_detail {

struct Vertex {
  Point2 at{};
  double cost = 0;
};

// a + t (b - a).
inline Point2 along(const Point2& a, const Point2& b, double t) {
  return {a[0] + t * (b[0] - a[0]), a[1] + t * (b[1] - a[1])};
}

}  // namespace minimise_detail

// Where `cost` is smallest, searched from `start` with first steps of `step` in each coordinate. Ends
// after `rounds` or when the vertices' costs agree to 1e-9 of themselves.
template <class Cost>
Point2 minimise(Cost&& cost, Point2 start, double step, int rounds = 80) {
  using namespace minimise_detail;
  const auto vertex = [&](Point2 at) { return Vertex{.at = at, .cost = cost(at)}; };
  std::array simplex{vertex(start), vertex({start[0] + step, start[1]}), vertex({start[0], start[1] + step})};
  const auto by_cost = [](const Vertex& a, const Vertex& b) { return a.cost < b.cost; };
  for (int round = 0; round < rounds; ++round) {
    std::stable_sort(simplex.begin(), simplex.end(), by_cost);
    auto& [best, middle, worst] = simplex;
    const double spread = worst.cost - best.cost;
    if (spread <= 1e-9 * std::max(best.cost, -best.cost)) {
      break;
    }
    const Point2 centre = along(best.at, middle.at, 0.5);
    const Vertex reflected = vertex(along(worst.at, centre, 2));
    if (reflected.cost < best.cost) {
      const Vertex expanded = vertex(along(worst.at, centre, 3));
      worst = expanded.cost < reflected.cost ? expanded : reflected;
    } else if (reflected.cost < middle.cost) {
      worst = reflected;
    } else {
      const bool outside = reflected.cost < worst.cost;
      const Vertex contracted = vertex(along(outside ? reflected.at : worst.at, centre, 0.5));
      if (contracted.cost < std::min(reflected.cost, worst.cost)) {
        worst = contracted;
      } else {
        middle = vertex(along(best.at, middle.at, 0.5));
        worst = vertex(along(best.at, worst.at, 0.5));
      }
    }
  }
  return std::min_element(simplex.begin(), simplex.end(), by_cost)->at;
}

}  // namespace calibration
