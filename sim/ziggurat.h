// Unit exponential and normal deviates from about one 64-bit draw each: 256-layer ziggurats.
//
// Models:   Marsaglia, Tsang, "The ziggurat method for generating random variables", J. Stat. Softw.
//           2000; layer and coordinate come from separate bits of the draw (Doornik 2005). The tail
//           beyond the last layer is drawn exactly, not cut off.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "sim/rng.h"

namespace sim {

// Layer i reaches from 0 to edge[i], and lies wholly below the density up to edge[i + 1]. Layer 0 is
// the base: a rectangle of the same area as the others, standing for itself and for the tail.
struct Ziggurat {
  static constexpr std::size_t layers = 256;
  std::array<double, layers + 1> edge;
  std::array<double, layers + 1> density;  // unnormalised, at edge[i]
  std::array<double, layers> scale;        // edge[i] over the largest coordinate of a draw
};

extern const Ziggurat exponential_ziggurat;
extern const Ziggurat normal_ziggurat;

// What is left when the first draw does not settle it, 1 to 2 % of the time.
double draw_exponential_slowly(Stream& stream, std::size_t layer, double x);
double draw_normal_slowly(Stream& stream, std::size_t layer, double x);

// Exponential with mean 1.
inline double draw_exponential(Stream& stream) {
  const std::uint64_t bits = stream.next();
  const std::size_t layer = bits % Ziggurat::layers;
  const double x =
      static_cast<double>(static_cast<std::int64_t>(bits >> 11)) * exponential_ziggurat.scale[layer];
  if (x < exponential_ziggurat.edge[layer + 1]) [[likely]] {
    return x;
  }
  return draw_exponential_slowly(stream, layer, x);
}

// Normal with mean 0 and variance 1.
inline double draw_normal(Stream& stream) {
  const std::uint64_t bits = stream.next();
  const std::size_t layer = bits % Ziggurat::layers;
  const double x = static_cast<double>(static_cast<std::int64_t>(bits) >> 11) * normal_ziggurat.scale[layer];
  const double edge = normal_ziggurat.edge[layer + 1];
  if (x < edge && x > -edge) [[likely]] {
    return x;
  }
  return draw_normal_slowly(stream, layer, x);
}

}  // namespace sim
