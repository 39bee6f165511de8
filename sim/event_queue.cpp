#include "sim/event_queue.h"

#include <algorithm>
#include <bit>

#include "sim/check.h"

namespace sim {

EventQueue::EventQueue(std::size_t expected_slots) {
  const std::size_t expected_nodes = 2 * std::max(leaves_, std::bit_ceil(expected_slots));
  times_.reserve(expected_nodes);
  orders_.reserve(expected_nodes);
  times_.resize(2 * leaves_, time_of(no_event));
  orders_.resize(2 * leaves_, order_of(no_event));
}

void EventQueue::grow() {
  check(2 * leaves_ <= std::size_t{1} << slot_bits, "pending events fit the slot numbers");
  const std::size_t old = leaves_;
  leaves_ *= 2;
  times_.resize(2 * leaves_);
  orders_.resize(2 * leaves_);

  for (std::size_t slot = old; slot-- > 0;) {
    put(leaves_ + slot, node(old + slot));
  }
  for (std::size_t slot = old; slot < leaves_; ++slot) {
    put(leaves_ + slot, no_event);
  }
  for (std::size_t i = leaves_ - 1; i >= 1; --i) {
    put(i, earlier(node(2 * i), node(2 * i + 1)));
  }
}

}  // namespace sim
