#include "sim/rng.h"

#include <Random123/philox.h>

#include <algorithm>
#include <array>
#include <catch2/catch.hpp>
#include <cmath>
#include <cstdint>
#include <string>
#include <vector>

namespace {

using Numbers = std::vector<std::uint64_t>;

Numbers draws(sim::Stream stream, std::size_t n) {
  Numbers numbers(n);
  for (std::uint64_t& number : numbers) {
    number = stream.next();
  }
  return numbers;
}

using Words = std::array<std::uint32_t, 4>;

Words reference_block(const Words& counter, std::array<std::uint32_t, 2> key) {
  const philox4x32_ctr_t c{{counter[0], counter[1], counter[2], counter[3]}};
  const philox4x32_key_t k{{key[0], key[1]}};
  const philox4x32_ctr_t out = philox4x32(c, k);
  return {out.v[0], out.v[1], out.v[2], out.v[3]};
}

}  // namespace

TEST_CASE("the reference generator gives Random123's published answers for philox4x32-10", "[rng]") {
  constexpr std::uint32_t ones = 0xffffffff;

  CHECK(reference_block({0, 0, 0, 0}, {0, 0}) == Words{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8});
  CHECK(reference_block({ones, ones, ones, ones}, {ones, ones}) ==
        Words{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd});
  CHECK(reference_block({0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, {0xa4093822, 0x299f31d0}) ==
        Words{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1});
}

TEST_CASE("a raw stream of key 0 begins with the published answer for counter 0", "[rng]") {
  CHECK(draws(sim::Stream::raw(0, 0), 2) == Numbers{0xe169c58d6627e8d5, 0x9b00dbd8bc57ac4c});
}

TEST_CASE("a raw stream is philox4x32-10 over its counter, block after block", "[rng]") {
  constexpr std::uint64_t key = 0x299f31d0a4093822;
  constexpr std::uint64_t lane = 0x0370734413198a2e;
  const auto numbers = draws(sim::Stream::raw(key, lane), 100);

  for (std::uint32_t block = 0; block < 50; ++block) {
    const Words words = reference_block({block, 0, 0x13198a2e, 0x03707344}, {0xa4093822, 0x299f31d0});
    CHECK(numbers[2 * block] == (words[0] | std::uint64_t{words[1]} << 32));
    CHECK(numbers[2 * block + 1] == (words[2] | std::uint64_t{words[3]} << 32));
  }
}

TEST_CASE("the counter carries into its upper word", "[rng]") {
  sim::Stream stream = sim::Stream::raw(5, 7);

  stream.seek(2 * 0xffff'fffbULL);  // five blocks before the lower word of the counter overflows
  const auto numbers = draws(stream, 20);

  const Words words = reference_block({0, 1, 7, 0}, {5, 0});
  CHECK(numbers[10] == (words[0] | std::uint64_t{words[1]} << 32));
}

TEST_CASE("the first numbers of named streams stay what they are", "[rng][golden]") {
  const sim::Rng rng{1};

  CHECK(draws(rng.stream("nvme0/service_time"), 3) ==
        Numbers{0x1f4b24da5a35ce8c, 0x65464a4912e74bf3, 0xcfe65262ed4ba2dd});
  CHECK(draws(rng.stream("agent", 3), 3) ==
        Numbers{0x4acff002d84e28a6, 0x1949488083b2c864, 0x7c07acf592737ccd});
  CHECK(draws(rng.stream("agent", 3).split("think"), 3) ==
        Numbers{0xf07048e5bebcf621, 0xee9a9b0452316de6, 0xcb9abc5ba271f9fb});
}

TEST_CASE("a stream depends on seed and name only", "[rng]") {
  CHECK(draws(sim::Rng{1}.stream("a"), 50) == draws(sim::Rng{1}.stream("a"), 50));
  CHECK(draws(sim::Rng{1}.stream("a"), 50) != draws(sim::Rng{2}.stream("a"), 50));
  CHECK(draws(sim::Rng{1}.stream("a"), 50) != draws(sim::Rng{1}.stream("b"), 50));
  CHECK(draws(sim::Rng{1}.stream("a", 0), 50) != draws(sim::Rng{1}.stream("a", 1), 50));
  CHECK(draws(sim::Rng{1}.stream("a", 0), 50) != draws(sim::Rng{1}.stream("a"), 50));
}

TEST_CASE("a child is the same wherever its parent stands", "[rng]") {
  sim::Stream parent = sim::Rng{9}.stream("parent");
  const auto before = draws(parent.split("child"), 20);

  for (int i = 0; i < 37; ++i) {
    parent.next();
  }

  CHECK(draws(parent.split("child"), 20) == before);
}

TEST_CASE("children share no number with each other or with their parent", "[rng]") {
  const sim::Stream parent = sim::Rng{9}.stream("parent");
  Numbers all = draws(parent, 1000);

  for (std::uint64_t i = 0; i < 100; ++i) {
    for (const auto& child : {parent.split(i), parent.split(std::to_string(i))}) {
      const auto numbers = draws(child, 100);
      all.insert(all.end(), numbers.begin(), numbers.end());
    }
  }

  std::sort(all.begin(), all.end());
  CHECK(std::adjacent_find(all.begin(), all.end()) == all.end());
}

TEST_CASE("streams of neighbouring names and indices are uncorrelated", "[rng]") {
  const sim::Stream parent = sim::Rng{9}.stream("parent");
  constexpr int n = 100'000;
  sim::Stream a = parent.split(std::uint64_t{1});
  sim::Stream b = parent.split(std::uint64_t{2});

  double product = 0;
  for (int i = 0; i < n; ++i) {
    product += (a.uniform() - 0.5) * (b.uniform() - 0.5);
  }

  CHECK(std::abs(product / n * 12) < 4 / std::sqrt(n));  // correlation: 4 standard errors
}

TEST_CASE("seeking gives what drawing one by one would have given", "[rng]") {
  const sim::Stream stream = sim::Rng{3}.stream("s");
  const auto sequence = draws(stream, 300);

  for (std::size_t index = 0; index < 250; index += 7) {
    sim::Stream moved = stream;
    moved.seek(index);
    const auto rest = draws(moved, 50);
    CHECK(std::equal(rest.begin(), rest.end(), sequence.begin() + static_cast<std::ptrdiff_t>(index)));
  }
}

TEST_CASE("a copy goes on where the original stood, on its own", "[rng]") {
  sim::Stream original = sim::Rng{3}.stream("s");
  original.next();
  sim::Stream copy = original;

  const std::uint64_t first = original.next();
  original.next();

  CHECK(copy.next() == first);
}

TEST_CASE("uniform numbers fill the open unit interval evenly", "[rng]") {
  sim::Stream stream = sim::Rng{4}.stream("u");
  constexpr int n = 1'000'000;
  constexpr int cells = 100;
  std::array<int, cells> counts{};

  bool inside = true;
  for (int i = 0; i < n; ++i) {
    const double u = stream.uniform();
    inside = inside && 0 < u && u < 1;
    ++counts[static_cast<std::size_t>(u * cells)];
  }

  double chi_square = 0;
  for (const int count : counts) {
    chi_square += (count - n / cells) * (count - n / cells) / double{n / cells};
  }
  CHECK(inside);
  CHECK(chi_square < 148.2);  // 99 degrees of freedom, exceeded once in a thousand
}

TEST_CASE("below(n) stays below n and prefers no value", "[rng]") {
  sim::Stream stream = sim::Rng{4}.stream("b");
  constexpr std::uint64_t big = 0xc000'0000'0000'0000;  // 3/4 of 2^64: a modulo would favour the low third

  std::array<int, 3> thirds{};
  for (int i = 0; i < 300'000; ++i) {
    const std::uint64_t value = stream.below(big);
    REQUIRE(value < big);
    ++thirds[value / (big / 3)];
  }

  for (const int count : thirds) {
    CHECK(std::abs(count - 100'000) < 4 * 258);  // four standard deviations
  }
  CHECK(stream.below(1) == 0);
}
