#include "scenarios/quantity.h"

#include <catch2/catch.hpp>

using namespace scenarios;
using namespace sim;

namespace {

std::int64_t time_of(const std::string& text) {
  const Quantity quantity = parse_quantity(text, time_dimension());
  REQUIRE_FALSE(quantity.error);
  return quantity.value;
}

std::string trouble_of(const std::string& text, const Dimension& dimension) {
  const Quantity quantity = parse_quantity(text, dimension);
  REQUIRE(quantity.error);
  return quantity.error->found + "|" + quantity.error->expected + "|" + quantity.error->suggestion;
}

}  // namespace

TEST_CASE("times are read in ns, us, ms and s, with fractions and either Greek letter", "[quantity]") {
  CHECK(time_of("7ns") == 7);
  CHECK(time_of("50us") == 50'000);
  CHECK(time_of("0.1us") == 100);
  CHECK(time_of("1.5ms") == 1'500'000);
  CHECK(time_of("2 s") == 2'000'000'000);
  CHECK(time_of("3\u00b5s") == 3'000);
  CHECK(time_of("3\u03bcs") == 3'000);
  CHECK(time_of("0ns") == 0);
  CHECK(time_of("1e3us") == 1'000'000);
}

TEST_CASE("a bare number is no time, not even 0", "[quantity]") {
  CHECK(trouble_of("50", time_dimension()) ==
        "missing unit in '50'|a time with its unit (ns, us, ms, s)|for example '50ns'");
  CHECK_THAT(trouble_of("0", time_dimension()), Catch::StartsWith("missing unit"));
  CHECK_THAT(trouble_of("4096", bytes_dimension()), Catch::Contains("for example '4096B'"));
}

TEST_CASE("what is no quantity is named", "[quantity]") {
  CHECK_THAT(trouble_of("50usec", time_dimension()), Catch::StartsWith("unknown unit 'usec' in '50usec'"));
  CHECK_THAT(trouble_of("soon", time_dimension()), Catch::StartsWith("'soon'|a time with its unit"));
  CHECK_THAT(trouble_of("-1us", time_dimension()), Catch::StartsWith("a negative value"));
  CHECK_THAT(trouble_of("0.1ns", time_dimension()), Catch::Contains("at least 1ns"));
  CHECK_THAT(trouble_of("9e9s", time_dimension()), Catch::Contains("out of range"));
  CHECK_THAT(trouble_of("nans", time_dimension()), Catch::StartsWith("'nans'"));
  CHECK_THAT(trouble_of("", time_dimension()), Catch::StartsWith("''"));
}

TEST_CASE("sizes know binary and decimal units, rates know bits and bytes", "[quantity]") {
  const auto bytes = [](const std::string& text) { return parse_quantity(text, bytes_dimension()).value; };
  const auto rate = [](const std::string& text) { return parse_quantity(text, rate_dimension()).value; };

  CHECK(bytes("4KiB") == 4096);
  CHECK(bytes("4kB") == 4000);
  CHECK(bytes("1MiB") == 1'048'576);
  CHECK(bytes("64B") == 64);
  CHECK(rate("2Gbit/s") == 250'000'000);
  CHECK(rate("60MB/s") == 60'000'000);
  CHECK(rate("8bit/s") == 1);
  CHECK(rate("1GiB/s") == 1'073'741'824);
}

TEST_CASE("formatted quantities read back to the same value", "[quantity]") {
  for (const std::int64_t value : {0, 1, 999, 1000, 1500, 50'000, 1'000'000, 4096, 123'456'789}) {
    CHECK(time_of(format_time(Nanos{value})) == value);
    CHECK(parse_quantity(format_bytes(Bytes{value}), bytes_dimension()).value == value);
    CHECK(parse_quantity(format_rate(BytesPerSecond{value}), rate_dimension()).value == value);
  }
  CHECK(format_time(50us) == "50us");
  CHECK(format_time(1500ns) == "1500ns");
  CHECK(format_bytes(Bytes{4096}) == "4KiB");
}

TEST_CASE("numbers are read whole or not at all", "[quantity]") {
  CHECK(parse_number("1e-3") == 0.001);
  CHECK(parse_number("+2.5") == 2.5);
  CHECK_FALSE(parse_number("2.5x"));
  CHECK_FALSE(parse_number("inf"));
  CHECK_FALSE(parse_number(""));
  CHECK(parse_integer("-20") == -20);
  CHECK_FALSE(parse_integer("1.0"));
  CHECK_FALSE(parse_unsigned("-1"));
}
