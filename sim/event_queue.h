// The set of pending events: a tournament tree over fixed slots.
//
// A slot is a leaf. Each inner node repeats the smaller key of its two children, so the root is the
// next event, and a slot whose key changes repairs the nodes above it, whatever was moved where: adding,
// removing and moving an event are one operation. The repair selects and does not branch, for who wins
// is noise to a branch predictor and one misprediction costs as much as four levels.
//
// Left out: fewer levels when events become fewer. DECISIONS.md keeps the measured comparison with heaps.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace sim {

// When an event runs: its time in the high word, the order of scheduling in the low one. The order
// shares its word with the slot; no two keys have the same order, so the slot never decides. As one
// integer, because g++ then selects the smaller of two keys by cmov.
__extension__ using EventKey = unsigned __int128;

inline constexpr unsigned slot_bits = 20;
inline constexpr std::uint64_t slot_mask = (std::uint64_t{1} << slot_bits) - 1;
inline constexpr EventKey no_event = ~EventKey{0};  // later than every event

// `time` in ns, never negative; `order` = sequence number << slot_bits | slot.
constexpr EventKey event_key(std::uint64_t time, std::uint64_t order) { return EventKey{time} << 64 | order; }
constexpr std::uint64_t time_of(EventKey key) { return static_cast<std::uint64_t>(key >> 64); }
constexpr std::uint64_t order_of(EventKey key) { return static_cast<std::uint64_t>(key); }
constexpr std::uint32_t slot_of(EventKey key) {
  return static_cast<std::uint32_t>(order_of(key) & slot_mask);
}

// Invariant: an inner node's key is the smaller of its children's.
class EventQueue {
 public:
  // Takes memory for `expected_slots`, but starts with few: the path grows with the slots in use.
  explicit EventQueue(std::size_t expected_slots);

  std::size_t slots() const { return leaves_; }
  EventKey top() const { return node(1); }
  EventKey key(std::uint32_t slot) const { return node(leaves_ + slot); }

  // Gives `slot` a key, `no_event` to empty it. The key's order is new to the queue.
  void set(std::uint32_t slot, EventKey key);

  // Doubles the number of slots, up to 2^slot_bits.
  void grow();

 private:
  // So many levels are always repaired; above them a repair ends at the first node that keeps its key.
  // An event that is moved seldom wins among sixteen, so that this branch is mostly foreseen. It also
  // spares the top of the tree, which the next repair is about to read.
  static constexpr int always_repaired = 3;

  static EventKey earlier(EventKey a, EventKey b) { return a < b ? a : b; }

  EventKey node(std::size_t i) const { return event_key(times_[i], orders_[i]); }
  void put(std::size_t i, EventKey key) {
    times_[i] = time_of(key);
    orders_[i] = order_of(key);
  }

  // The root is node 1, the children of node i are 2i and 2i + 1, the leaves start at `leaves_`.
  std::size_t leaves_ = std::size_t{2} << always_repaired;
  std::vector<std::uint64_t> times_;
  std::vector<std::uint64_t> orders_;
};

inline void EventQueue::set(std::uint32_t slot, EventKey key) {
  std::size_t i = leaves_ + slot;
  put(i, key);
  for (int level = 0; level < always_repaired; ++level) {
    key = earlier(key, node(i ^ 1));
    i >>= 1;
    put(i, key);
  }
  do {
    key = earlier(key, node(i ^ 1));
    i >>= 1;
    if (orders_[i] == order_of(key)) {
      return;
    }
    put(i, key);
  } while (i > 1);
}

}  // namespace sim
