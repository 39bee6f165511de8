#include "sim/ziggurat.h"

#include "sim/math.h"

namespace sim {

namespace {

// Start of the tail, and the common area of the layers, for 256 of them: the roots of "the top layer
// ends at density 1", solved to 40 digits.
constexpr double exponential_tail = 7.697117470131049714;
constexpr double exponential_area = 0.003949659822581557220;
constexpr double normal_tail = 3.654152885361008772;
constexpr double normal_area = 0.004928673233974655347;

// Newton's iteration from above, at compile time only.
constexpr double square_root(double x) {
  double root = x > 1 ? x : 1;
  for (double next = (root + x / root) / 2; next < root; next = (root + x / root) / 2) {
    root = next;
  }
  return root;
}

struct ExponentialShape {
  static constexpr double density(double x) { return exp(-x); }
  static constexpr double inverse(double y) { return -log(y); }
};

struct NormalShape {
  static constexpr double density(double x) { return exp(-0.5 * x * x); }
  static constexpr double inverse(double y) { return square_root(-2 * log(y)); }
};

template <class Shape>
constexpr Ziggurat build(double tail, double area, double coordinate_unit) {
  Ziggurat zig{};
  zig.edge[0] = area / Shape::density(tail);
  zig.edge[1] = tail;
  zig.density[0] = 0;
  zig.density[1] = Shape::density(tail);
  for (std::size_t i = 2; i < Ziggurat::layers; ++i) {
    zig.density[i] = zig.density[i - 1] + area / zig.edge[i - 1];
    zig.edge[i] = Shape::inverse(zig.density[i]);
  }
  zig.edge[Ziggurat::layers] = 0;
  zig.density[Ziggurat::layers] = 1;
  for (std::size_t i = 0; i < Ziggurat::layers; ++i) {
    zig.scale[i] = zig.edge[i] * coordinate_unit;
  }
  return zig;
}

// Whether a point of uniform height in `layer` lies below the density, whose value at its x is given.
bool below_density(Stream& stream, const Ziggurat& zig, std::size_t layer, double density_at_x) {
  const double low = zig.density[layer];
  const double high = zig.density[layer + 1];
  return low + stream.uniform() * (high - low) < density_at_x;
}

}  // namespace

constinit const Ziggurat exponential_ziggurat =
    build<ExponentialShape>(exponential_tail, exponential_area, 0x1p-53);
constinit const Ziggurat normal_ziggurat = build<NormalShape>(normal_tail, normal_area, 0x1p-52);

double draw_exponential_slowly(Stream& stream, std::size_t layer, double x) {
  if (layer == 0) {
    return exponential_tail + draw_exponential(stream);  // memoryless
  }
  if (below_density(stream, exponential_ziggurat, layer, exp(-x))) {
    return x;
  }
  return draw_exponential(stream);
}

double draw_normal_slowly(Stream& stream, std::size_t layer, double x) {
  if (layer == 0) {  // Marsaglia 1964
    double beyond = 0;
    double height = 0;
    do {
      beyond = draw_exponential(stream) / normal_tail;
      height = draw_exponential(stream);
    } while (2 * height < beyond * beyond);
    return x > 0 ? normal_tail + beyond : -normal_tail - beyond;
  }
  if (below_density(stream, normal_ziggurat, layer, exp(-0.5 * x * x))) {
    return x;
  }
  return draw_normal(stream);
}

}  // namespace sim
