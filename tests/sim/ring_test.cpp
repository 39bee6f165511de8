#include "sim/ring.h"

#include <catch2/catch.hpp>
#include <deque>

namespace sim {
namespace {

TEST_CASE("a ring gives back what it took, in order, however often it has turned", "[ring]") {
  Ring<int> ring{5};
  std::deque<int> expected;

  for (int i = 0; i < 100; ++i) {
    while (!ring.full() && (i + ring.size()) % 7 != 6) {
      ring.push(i);
      expected.push_back(i);
    }
    while (ring.size() > i % 3) {
      CHECK(ring.front() == expected.front());
      CHECK(ring.pop() == expected.front());
      expected.pop_front();
    }
  }
}

TEST_CASE("a ring is full at its capacity, a power of two or not", "[ring]") {
  Ring<int> ring{3};

  for (int i = 0; i < 3; ++i) {
    CHECK(ring.room() == 3 - i);
    ring.push(i);
  }

  CHECK(ring.full());
  CHECK(ring.size() == 3);
}

TEST_CASE("a position in a ring stays valid while elements before it leave", "[ring]") {
  Ring<int> ring{4};
  for (int i = 0; i < 6; ++i) {
    ring.push(i);
    if (ring.size() == 3) {
      ring.pop();
    }
  }
  const std::uint64_t last = ring.end() - 1;

  ring.pop();

  CHECK(ring.at(last) == 5);
  CHECK(ring.first() == last);
}

}  // namespace
}  // namespace sim
