#include "scenarios/input_error.h"

#include <catch2/catch.hpp>

using scenarios::InputError;
using scenarios::quoted;

TEST_CASE("an input error says file, line, column, found, expected and suggestion in one line",
          "[input_error]") {
  const InputError error{{.file = "nvme.yaml",
                          .line = 14,
                          .column = 9,
                          .found = "unknown key 'aggregation_tim'",
                          .expected = "a key of msix",
                          .suggestion = "did you mean 'aggregation_time'?"}};

  CHECK(std::string{error.what()} ==
        "nvme.yaml:14:9: found unknown key 'aggregation_tim', expected a key of msix; did you mean "
        "'aggregation_time'?");
  CHECK(error.line() == 14);
  CHECK(error.column() == 9);
}

TEST_CASE("an input error leaves out what it does not know", "[input_error]") {
  CHECK(std::string{InputError{{.file = "a.txt", .found = "an empty file"}}.what()} ==
        "a.txt: found an empty file");
  CHECK(std::string{InputError{{.file = "a.txt", .line = 3, .found = "no unit"}}.what()} ==
        "a.txt:3: found no unit");
}

TEST_CASE("an input error stays on one line whatever was found", "[input_error]") {
  const InputError error{{.file = "odd\nname", .line = 1, .found = "a\r\n\x1b[31m"}};

  CHECK(std::string{error.what()} == "odd\\nname:1: found a\\r\\n\\x1b[31m");
}

TEST_CASE("quoted text is cut before the limit and never inside a character", "[input_error]") {
  CHECK(quoted("short") == "'short'");
  CHECK(quoted("a\tb") == "'a\\tb'");
  CHECK(quoted("0123456789", 4) == "'0123...'");
  CHECK(quoted("abc\xc3\xa4z", 4) == "'abc...'");
}
