// log, exp, pow of our own: whatever reaches a simulated result must not depend on a libm version.
//
// Only IEEE double + - * / and bit tricks, so the same bits on every x86-64. constexpr, so that tables
// may be built while compiling. Relative errors, as tests/sim/math_test.cpp checks them:
//
//   exp   below 4e-16   0 below -707.7 (no subnormal results), infinity above 709.78
//   log   below 4e-16   also near 1; minus infinity at 0, NaN below
//   pow   below 4e-16 (1 + |y log x|)   for x >= 0
//
// sqrt needs no replacement: IEEE rounds it correctly.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <limits>

namespace sim {

namespace math_detail {

inline constexpr double infinity = std::numeric_limits<double>::infinity();
inline constexpr double not_a_number = std::numeric_limits<double>::quiet_NaN();

// ln 2 in two parts: the first has 20 trailing zero bits, so that a binary exponent times it is exact.
inline constexpr double ln2_high = 0x1.62e42fefp-1;
inline constexpr double ln2_low = 0x1.473de6af278edp-34;

inline constexpr int exp_table_bits = 6;
inline constexpr int exp_table_size = 1 << exp_table_bits;

// 2^(i / 64).
inline constexpr auto exp_table = [] {
  std::array<double, exp_table_size> table{};
  for (int i = 0; i < exp_table_size; ++i) {
    const long double x = 0.693147180559945309417232121458176568L * i / exp_table_size;
    long double sum = 1;
    for (int n = 24; n >= 1; --n) {
      sum = 1 + x / n * sum;
    }
    table[static_cast<std::size_t>(i)] = static_cast<double>(sum);
  }
  return table;
}();

// Nearest integer, ties to even, for |x| < 2^51: adding 1.5 * 2^52 leaves no room for a fraction.
constexpr double round_to_even(double x) { return (x + 0x1.8p52) - 0x1.8p52; }

}  // namespace math_detail

// e^x = 2^(k/64) e^r with |r| <= ln 2 / 128, where six terms of the series leave 4e-17.
constexpr double exp(double x) {
  using namespace math_detail;
  if (!(x > -707.7)) [[unlikely]] {
    return x != x ? x : 0.0;
  }
  if (x > 709.78) [[unlikely]] {
    return infinity;
  }
  const double k = round_to_even(x * (exp_table_size / 0x1.62e42fefa39efp-1));
  const double r = (x - k * (ln2_high / exp_table_size)) - k * (ln2_low / exp_table_size);
  const double r2 = r * r;
  const double series = r + r2 * ((0.5 + r * (1.0 / 6)) + r2 * ((1.0 / 24) + r * (1.0 / 120)));
  const auto whole = static_cast<std::int64_t>(k);
  const double fraction = exp_table[static_cast<std::size_t>(whole & (exp_table_size - 1))];
  // One below the exponent and doubled at the end, for the results next to the largest double.
  const auto exponent = (whole >> exp_table_bits) + 1022;
  const double power = std::bit_cast<double>(exponent << 52);
  return (fraction + fraction * series) * power * 2.0;
}

// log x = k log 2 + 2 artanh s with s = (m - 1) / (m + 1), x = 2^k m and m in [sqrt(1/2), sqrt 2).
constexpr double log(double x) {
  using namespace math_detail;
  if (!(x > 0)) [[unlikely]] {
    return x == 0 ? -infinity : not_a_number;
  }
  if (x == infinity) [[unlikely]] {
    return x;
  }
  double k = 0;
  if (x < std::numeric_limits<double>::min()) [[unlikely]] {
    x *= 0x1p54;
    k = -54;
  }
  constexpr std::int64_t sqrt_half_bits = 0x3fe6a09e667f3bcd;
  const auto bits = std::bit_cast<std::int64_t>(x);
  const std::int64_t exponent = (bits - sqrt_half_bits) >> 52;
  const auto m = std::bit_cast<double>(bits - (exponent << 52));
  k += static_cast<double>(exponent);
  // log m = f - (f^2/2 - s (f^2/2 + R(s^2))) keeps f = m - 1, which is exact, as the leading term.
  const double f = m - 1;
  const double s = f / (2 + f);
  const double z = s * s;
  const double z2 = z * z;
  const double z4 = z2 * z2;
  const double low_terms = (2.0 / 3 + z * (2.0 / 5)) + z2 * (2.0 / 7 + z * (2.0 / 9));
  const double high_terms = (2.0 / 11 + z * (2.0 / 13)) + z2 * (2.0 / 15 + z * (2.0 / 17));
  const double last_terms = 2.0 / 19 + z * (2.0 / 21);
  const double series = z * (low_terms + z4 * (high_terms + z4 * last_terms));
  const double half_square = 0.5 * f * f;
  return k * ln2_high - ((half_square - (s * (half_square + series) + k * ln2_low)) - f);
}

constexpr double pow(double x, double y) {
  if (y == 0 || x == 1) {
    return 1;
  }
  if (x == 0) {
    return y > 0 ? 0 : math_detail::infinity;
  }
  return exp(y * log(x));
}

}  // namespace sim
