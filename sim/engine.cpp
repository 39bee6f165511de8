#include "sim/engine.h"

#include <algorithm>

namespace sim {

Engine::Engine(int expected_pending) : queue_{static_cast<std::size_t>(std::max(expected_pending, 1))} {
  check(expected_pending >= 1, "an engine expects at least one event");
  slots_.reserve(static_cast<std::size_t>(expected_pending));
  free_.reserve(static_cast<std::size_t>(expected_pending));
}

void Engine::add_slots() {
  const std::size_t old = slots_.size();
  if (old != 0) {
    queue_.grow();
  }
  slots_.resize(queue_.slots());
  free_.resize(queue_.slots());
  for (std::size_t slot = slots_.size(); slot > old; --slot) {
    release_slot(static_cast<std::uint32_t>(slot - 1));  // the lowest is taken first
  }
}

void Engine::run_until(SimTime horizon) {
  check(!running_, "run_until is not called from an event");
  check(horizon >= now(), "the horizon is not in the past");
  running_ = true;
  limit_ = static_cast<std::uint64_t>(count(horizon)) + 1;

  for (EventKey next = queue_.top(); time_of(next) < limit_; next = queue_.top()) {
    Slot& slot = slots_[slot_of(next)];
    if (slot.pending == EventId::none) {  // a leftover: run or cancelled, and the slot not used since
      queue_.set(slot_of(next), no_event);
      continue;
    }
    slot.pending = EventId::none;
    free_[free_count_] = slot_of(next);  // released before the call, for the handler to take again
    free_count_ += slot.single_use;
    now_ = time_of(next);
    ++executed_;
    slot.call(slot.object, slot.argument);
  }

  if (limit_ != 0) {
    now_ = static_cast<std::uint64_t>(count(horizon));
  }
  running_ = false;
}

std::size_t Engine::pending_count() const {
  return static_cast<std::size_t>(std::count_if(
      slots_.begin(), slots_.end(), [](const Slot& slot) { return slot.pending != EventId::none; }));
}

}  // namespace sim
