// Numbers with units, as people write them in scenarios: 50us, 4KiB, 2Gbit/s.
//
// Reading is exact to the nearest nanosecond, byte or byte per second. A bare number has no unit and is
// refused, 0 too: whether 5 means seconds or microseconds is nothing to guess.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "sim/time.h"
#include "sim/units.h"

namespace scenarios {

// One unit and how many of the base unit it is.
struct Unit {
  std::string_view name;
  double factor;
};

// The units of a kind of quantity, and what a reader of an error message calls it.
struct Dimension {
  std::string_view what;  // "a time"
  std::string_view base;  // "ns", suggested for a bare number's unit where nothing better is known
  std::vector<Unit> units;
  double largest;  // in base units; what is above is a mistake
};

const Dimension& time_dimension();   // base ns, up to 1000000s
const Dimension& bytes_dimension();  // base B, up to 1 PiB
const Dimension& rate_dimension();   // base B/s, up to 100 Tbit/s

// What is wrong with a quantity, ready for an InputError.
struct QuantityError {
  std::string found;
  std::string expected;
  std::string suggestion;
};

// The value in base units, or what is wrong. Never negative.
struct Quantity {
  std::int64_t value = 0;
  std::optional<QuantityError> error;
};
Quantity parse_quantity(std::string_view text, const Dimension& dimension);

// The whole of `text` as a finite number.
std::optional<double> parse_number(std::string_view text);
std::optional<std::int64_t> parse_integer(std::string_view text);
std::optional<std::uint64_t> parse_unsigned(std::string_view text);

// In the largest unit that leaves a whole number, so that it reads back exactly: 50us, 1500ns, 4KiB, 60MB/s.
std::string format_time(sim::Nanos time);
std::string format_bytes(sim::Bytes bytes);
std::string format_rate(sim::BytesPerSecond rate);

}  // namespace scenarios
