#include "sim/event_queue.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <vector>

#include "sim/rng.h"

namespace {

using sim::event_key;
using sim::EventKey;
using sim::EventQueue;
using sim::no_event;

// The queue and a plain array of the same keys.
struct QueueBench {
  explicit QueueBench(std::size_t expected_slots) : queue{expected_slots}, keys(queue.slots(), no_event) {}

  void set(std::uint32_t slot, std::uint64_t time) {
    order += std::uint64_t{1} << sim::slot_bits;
    put(slot, event_key(time, order | slot));
  }
  void put(std::uint32_t slot, EventKey key) {
    keys[slot] = key;
    queue.set(slot, key);
  }
  void grow() {
    queue.grow();
    keys.resize(queue.slots(), no_event);
  }
  bool tops_agree() const { return queue.top() == *std::min_element(keys.begin(), keys.end()); }
  bool keys_agree() const {
    for (std::size_t slot = 0; slot < keys.size(); ++slot) {
      if (queue.key(static_cast<std::uint32_t>(slot)) != keys[slot]) {
        return false;
      }
    }
    return true;
  }

  EventQueue queue;
  std::vector<EventKey> keys;
  std::uint64_t order = 0;
};

TEST_CASE("an event key gives back its time, order and slot", "[event_queue]") {
  const EventKey key = event_key(123'456'789, std::uint64_t{77} << sim::slot_bits | 5);

  CHECK(sim::time_of(key) == 123'456'789);
  CHECK(sim::order_of(key) == (std::uint64_t{77} << sim::slot_bits | 5));
  CHECK(sim::slot_of(key) == 5);
}

TEST_CASE("an empty queue shows no event", "[event_queue]") {
  QueueBench bench{1};
  CHECK(bench.queue.top() == no_event);

  bench.set(3, 50);
  CHECK(sim::slot_of(bench.queue.top()) == 3);

  bench.put(3, no_event);
  CHECK(bench.queue.top() == no_event);
}

TEST_CASE("of two events at one instant the one set first is on top, whatever their slots", "[event_queue]") {
  QueueBench bench{1};
  bench.set(9, 50);
  bench.set(2, 50);
  CHECK(sim::slot_of(bench.queue.top()) == 9);

  bench.set(9, 50);
  CHECK(sim::slot_of(bench.queue.top()) == 2);
}

TEST_CASE("the top is the smallest key after any sets, moves and removals", "[event_queue]") {
  const std::size_t slots = GENERATE(16U, 32U, 128U, 2048U);
  sim::Stream draws = sim::Rng{slots}.stream("event_queue_test");
  QueueBench bench{1};
  while (bench.queue.slots() < slots) {
    bench.grow();
  }

  bool agree = true;
  for (int step = 0; step < 20'000; ++step) {
    const auto slot = static_cast<std::uint32_t>(draws.below(slots));
    switch (draws.below(4)) {
      case 0:
        bench.put(slot, no_event);
        break;
      case 1:
        bench.put(static_cast<std::uint32_t>(sim::slot_of(bench.queue.top()) % slots), no_event);
        break;
      default:
        bench.set(slot, draws.below(40));  // many ties
    }
    agree = agree && bench.tops_agree();
  }

  CHECK(agree);
  CHECK(bench.keys_agree());
}

TEST_CASE("growing doubles the slots and keeps every key", "[event_queue]") {
  sim::Stream draws = sim::Rng{1}.stream("event_queue_test");
  QueueBench bench{1};

  while (bench.queue.slots() < 16'384) {
    const std::size_t before = bench.queue.slots();
    for (std::uint32_t slot = 0; slot < before; slot += 3) {
      bench.set(slot, 1000 + draws.below(1'000'000));
    }
    bench.grow();
    REQUIRE(bench.queue.slots() == 2 * before);
    REQUIRE(bench.tops_agree());
    REQUIRE(bench.keys_agree());
  }
}

}  // namespace
