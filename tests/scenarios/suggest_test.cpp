#include "scenarios/suggest.h"

#include <catch2/catch.hpp>

using namespace scenarios;

TEST_CASE("the edit distance counts insertions, deletions, substitutions and swaps", "[suggest]") {
  CHECK(edit_distance("", "abc") == 3);
  CHECK(edit_distance("abc", "abc") == 0);
  CHECK(edit_distance("seed", "sed") == 1);
  CHECK(edit_distance("kitten", "sitting") == 3);
  CHECK(edit_distance("raeder", "reader") == 1);
}

TEST_CASE("a suggestion is made only when it is near", "[suggest]") {
  const std::vector<std::string> known{"seed", "warmup", "duration"};

  CHECK(did_you_mean("duratoin", known) == "did you mean 'duration'?");
  CHECK(did_you_mean("warm_up", known) == "did you mean 'warmup'?");
  CHECK(did_you_mean("colour", known).empty());
  CHECK(did_you_mean("x", {}).empty());
  CHECK(did_you_mean(std::string(100'000, 'x'), known).empty());
}
