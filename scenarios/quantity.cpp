#include "scenarios/quantity.h"

#include <charconv>
#include <cmath>
#include <system_error>

#include "scenarios/input_error.h"

namespace scenarios {
namespace {

template <class Number>
std::optional<Number> parse_all(std::string_view text) {
  if (!text.empty() && text.front() == '+') {
    text.remove_prefix(1);
  }
  Number number{};
  const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (failure != std::errc{} || end != text.data() + text.size()) {
    return std::nullopt;
  }
  return number;
}

std::string unit_names(const Dimension& dimension) {
  std::string names;
  for (const Unit& unit : dimension.units) {
    if (static_cast<unsigned char>(unit.name[0]) < 0x80) {  // the spellings with a Greek letter are silent
      names += (names.empty() ? "" : ", ") + std::string{unit.name};
    }
  }
  return names;
}

Quantity wrong(std::string found, std::string expected, std::string suggestion = "") {
  return {.value = 0, .error = QuantityError{std::move(found), std::move(expected), std::move(suggestion)}};
}

const Unit* find_unit(std::string_view name, const Dimension& dimension) {
  for (const Unit& unit : dimension.units) {
    if (unit.name == name) {
      return &unit;
    }
  }
  return nullptr;
}

// The largest unit that divides `value` without a remainder.
std::string format_exact(std::int64_t value, const Dimension& dimension) {
  const Unit* best = find_unit(dimension.base, dimension);
  for (const Unit& unit : dimension.units) {
    const auto factor = static_cast<std::int64_t>(unit.factor);
    const bool exact = static_cast<double>(factor) == unit.factor && value % factor == 0;
    if (exact && value != 0 && unit.factor > best->factor &&
        static_cast<unsigned char>(unit.name[0]) < 0x80) {
      best = &unit;
    }
  }
  return std::to_string(value / static_cast<std::int64_t>(best->factor)) + std::string{best->name};
}

}  // namespace

const Dimension& time_dimension() {
  static const Dimension dimension{
      "a time",
      "ns",
      {{"ns", 1}, {"us", 1e3}, {"ms", 1e6}, {"s", 1e9}, {"\u00b5s", 1e3}, {"\u03bcs", 1e3}},
      1e15};
  return dimension;
}

const Dimension& bytes_dimension() {
  static const Dimension dimension{"a size in bytes",
                                   "B",
                                   {{"B", 1},
                                    {"kB", 1e3},
                                    {"KB", 1e3},
                                    {"MB", 1e6},
                                    {"GB", 1e9},
                                    {"KiB", 1024},
                                    {"MiB", 1024.0 * 1024},
                                    {"GiB", 1024.0 * 1024 * 1024}},
                                   1024.0 * 1024 * 1024 * 1024 * 1024};
  return dimension;
}

const Dimension& rate_dimension() {
  static const Dimension dimension{"a rate",
                                   "B/s",
                                   {{"B/s", 1},
                                    {"kB/s", 1e3},
                                    {"KB/s", 1e3},
                                    {"MB/s", 1e6},
                                    {"GB/s", 1e9},
                                    {"KiB/s", 1024},
                                    {"MiB/s", 1024.0 * 1024},
                                    {"GiB/s", 1024.0 * 1024 * 1024},
                                    {"bit/s", 0.125},
                                    {"kbit/s", 125},
                                    {"Mbit/s", 125e3},
                                    {"Gbit/s", 125e6}},
                                   12.5e12};
  return dimension;
}

Quantity parse_quantity(std::string_view text, const Dimension& dimension) {
  const std::string expected = std::string{dimension.what} + " with its unit (" + unit_names(dimension) + ")";
  double number = 0;
  const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (failure != std::errc{} || !std::isfinite(number)) {
    return wrong(quoted(text), expected);
  }
  std::string_view unit_text = text.substr(static_cast<std::size_t>(end - text.data()));
  while (!unit_text.empty() && unit_text.front() == ' ') {
    unit_text.remove_prefix(1);
  }
  if (unit_text.empty()) {
    return wrong("missing unit in " + quoted(text), expected,
                 "for example '" + std::string{text} + std::string{dimension.base} + "'");
  }
  const Unit* unit = find_unit(unit_text, dimension);
  if (unit == nullptr) {
    return wrong("unknown unit " + quoted(unit_text) + " in " + quoted(text), expected);
  }
  const double value = number * unit->factor;
  if (value < 0) {
    return wrong("a negative value " + quoted(text), std::string{dimension.what} + " of 0 or more");
  }
  if (value > dimension.largest) {
    return wrong(quoted(text) + ", which is out of range", "a smaller value");
  }
  const std::int64_t whole = std::llround(value);
  if (whole == 0 && value > 0) {
    return wrong(quoted(text), "at least 1" + std::string{dimension.base} + ", or 0");
  }
  return {.value = whole, .error = std::nullopt};
}

std::optional<double> parse_number(std::string_view text) {
  const auto number = parse_all<double>(text);
  return number && std::isfinite(*number) ? number : std::nullopt;
}

std::optional<std::int64_t> parse_integer(std::string_view text) { return parse_all<std::int64_t>(text); }

std::optional<std::uint64_t> parse_unsigned(std::string_view text) { return parse_all<std::uint64_t>(text); }

std::string format_time(sim::Nanos time) { return format_exact(time.count(), time_dimension()); }

std::string format_bytes(sim::Bytes bytes) { return format_exact(sim::raw(bytes), bytes_dimension()); }

std::string format_rate(sim::BytesPerSecond rate) { return format_exact(sim::raw(rate), rate_dimension()); }

}  // namespace scenarios
