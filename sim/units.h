// Quantities that are not time, each a type of its own so that they cannot be swapped unnoticed.
#pragma once

#include <cstdint>

#include "sim/check.h"
#include "sim/time.h"

namespace sim {

enum class Bytes : std::int64_t {};
enum class Cycles : std::int64_t {};
enum class Hertz : std::int64_t {};
enum class BytesPerSecond : std::int64_t {};  // YAML accepts Gbit/s, MB/s, ...

template <class Quantity>
constexpr std::int64_t raw(Quantity quantity) {
  return static_cast<std::int64_t>(quantity);
}

// amount / rate in ns, rounded up; 128-bit intermediate, so no amount overflows.
constexpr Nanos per_second(std::int64_t amount, std::int64_t rate) {
  __extension__ using Wide = __int128;
  return Nanos{static_cast<std::int64_t>((static_cast<Wide>(amount) * 1'000'000'000 + rate - 1) / rate)};
}

// Time that `cycles` take at `frequency`, rounded up.
constexpr Nanos to_nanos(Cycles cycles, Hertz frequency) { return per_second(raw(cycles), raw(frequency)); }

// Time between the starts of consecutive transfers of `bytes` at `rate`, rounded up.
constexpr Nanos to_nanos(Bytes bytes, BytesPerSecond rate) { return per_second(raw(bytes), raw(rate)); }

}  // namespace sim
