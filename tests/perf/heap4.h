// The runner-up: an engine on an indexed four-ary heap. Entries are 16 bytes (time; sequence and slot),
// a position index makes cancelling and rescheduling true moves, and nothing dead stays in the heap.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "sim/check.h"
#include "sim/engine.h"
#include "sim/time.h"
#include "tests/perf/handler.h"

namespace perf {

class Heap4Engine {
 public:
  explicit Heap4Engine(int expected_pending = 256) {
    const auto expected = static_cast<std::size_t>(expected_pending);
    heap_.reserve(expected);
    slots_.reserve(expected);
    free_.reserve(expected);
  }
  Heap4Engine(const Heap4Engine&) = delete;
  Heap4Engine& operator=(const Heap4Engine&) = delete;

  sim::SimTime now() const { return sim::SimTime{sim::Nanos{static_cast<std::int64_t>(now_)}}; }

  template <auto Method, class T>
  sim::EventId after(sim::Nanos delay, T& object, std::uint64_t argument = 0) {
    return at<Method>(now() + delay, object, argument);
  }

  template <auto Method, class T>
  sim::EventId at(sim::SimTime when, T& object, std::uint64_t argument = 0) {
    sim::check(when >= now(), "an event is not scheduled in the past");
    const std::uint32_t slot = take_slot();
    const sim::EventKey key = next_key(slot, when);
    slots_[slot].handler = handler<Method>(object, argument);
    slots_[slot].id = sim::order_of(key);
    heap_.emplace_back();
    move_up(heap_.size() - 1, key);
    return sim::EventId{sim::order_of(key)};
  }

  void cancel(sim::EventId id) {
    if (pending(id)) {
      const std::uint32_t slot = slot_of(id);
      remove(slots_[slot].position);
      release(slot);
    }
  }

  bool pending(sim::EventId id) const {
    return id != sim::EventId::none && slots_[slot_of(id)].id == static_cast<std::uint64_t>(id);
  }

  void reschedule(sim::EventId id, sim::SimTime when) {
    sim::check(when >= now(), "an event is not scheduled in the past");
    sim::check(pending(id), "a rescheduled event is pending");
    const std::uint32_t slot = slot_of(id);
    replace(slots_[slot].position, next_key(slot, when));
  }

  void run_until(sim::SimTime horizon) {
    limit_ = static_cast<std::uint64_t>(sim::count(horizon)) + 1;
    while (!heap_.empty() && sim::time_of(heap_[0]) < limit_) {
      const sim::EventKey next = heap_[0];
      const std::uint32_t slot = sim::slot_of(next);
      const Handler run = slots_[slot].handler;
      remove(0);
      release(slot);
      now_ = sim::time_of(next);
      ++executed_;
      run();
    }
    if (limit_ != 0) {
      now_ = static_cast<std::uint64_t>(sim::count(horizon));
    }
  }
  void run_for(sim::Nanos span) { run_until(now() + span); }
  void stop() { limit_ = 0; }
  std::uint64_t executed() const { return executed_; }

 private:
  struct Slot {
    Handler handler;
    std::uint64_t id = 0;
    std::size_t position = 0;
  };

  static std::uint32_t slot_of(sim::EventId id) {
    return static_cast<std::uint32_t>(static_cast<std::uint64_t>(id) & sim::slot_mask);
  }

  sim::EventKey next_key(std::uint32_t slot, sim::SimTime when) {
    sequence_ += std::uint64_t{1} << sim::slot_bits;
    return sim::event_key(static_cast<std::uint64_t>(sim::count(when)), sequence_ | slot);
  }

  void put(std::size_t i, sim::EventKey key) {
    heap_[i] = key;
    slots_[sim::slot_of(key)].position = i;
  }

  void move_up(std::size_t i, sim::EventKey key) {
    while (i > 0 && key < heap_[(i - 1) / 4]) {
      put(i, heap_[(i - 1) / 4]);
      i = (i - 1) / 4;
    }
    put(i, key);
  }

  void move_down(std::size_t i, sim::EventKey key) {
    const std::size_t size = heap_.size();
    for (std::size_t first = 4 * i + 1; first < size; first = 4 * i + 1) {
      std::size_t best = first;
      if (first + 4 <= size) {  // four children: selected without a branch
        const std::size_t left = heap_[first + 1] < heap_[first] ? first + 1 : first;
        const std::size_t right = heap_[first + 3] < heap_[first + 2] ? first + 3 : first + 2;
        best = heap_[right] < heap_[left] ? right : left;
      } else {
        for (std::size_t child = first + 1; child < size; ++child) {
          best = heap_[child] < heap_[best] ? child : best;
        }
      }
      if (key < heap_[best]) {
        break;
      }
      put(i, heap_[best]);
      i = best;
    }
    put(i, key);
  }

  void replace(std::size_t i, sim::EventKey key) {
    if (key < heap_[i]) {
      move_up(i, key);
    } else {
      move_down(i, key);
    }
  }

  void remove(std::size_t i) {
    const sim::EventKey last = heap_.back();
    heap_.pop_back();
    if (i < heap_.size()) {
      replace(i, last);
    }
  }

  std::uint32_t take_slot() {
    if (free_.empty()) {
      slots_.emplace_back();
      return static_cast<std::uint32_t>(slots_.size() - 1);
    }
    const std::uint32_t slot = free_.back();
    free_.pop_back();
    return slot;
  }

  void release(std::uint32_t slot) {
    slots_[slot].id = 0;
    free_.push_back(slot);
  }

  std::vector<sim::EventKey> heap_;
  std::vector<Slot> slots_;
  std::vector<std::uint32_t> free_;
  std::uint64_t now_ = 0;
  std::uint64_t limit_ = 0;
  std::uint64_t sequence_ = 0;
  std::uint64_t executed_ = 0;
};

}  // namespace perf
