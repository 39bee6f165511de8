// The baseline of every speed ratio: an engine on std::priority_queue with tombstones, as one would
// write it with care. It has the interface of sim::Engine, so that a workload runs on either.
//
// An entry names its slot and the slot's generation; cancelling bumps the generation, and an entry
// whose generation has passed is dropped when it reaches the top. Rescheduling cancels and pushes anew.
// Storage is reserved; entries are 32 bytes; ties run in the order of scheduling.
#pragma once

#include <cstddef>
#include <cstdint>
#include <queue>
#include <vector>

#include "sim/check.h"
#include "sim/engine.h"
#include "sim/time.h"
#include "tests/perf/handler.h"

namespace perf {

class PriorityQueueEngine {
 public:
  explicit PriorityQueueEngine(int expected_pending = 256) {
    const auto expected = static_cast<std::size_t>(expected_pending);
    queue_.reserve(4 * expected);
    slots_.reserve(expected);
    free_.reserve(expected);
  }
  PriorityQueueEngine(const PriorityQueueEngine&) = delete;
  PriorityQueueEngine& operator=(const PriorityQueueEngine&) = delete;

  sim::SimTime now() const { return now_; }

  template <auto Method, class T>
  sim::EventId after(sim::Nanos delay, T& object, std::uint64_t argument = 0) {
    return at<Method>(now_ + delay, object, argument);
  }

  template <auto Method, class T>
  sim::EventId at(sim::SimTime when, T& object, std::uint64_t argument = 0) {
    sim::check(when >= now_, "an event is not scheduled in the past");
    const std::uint32_t slot = take_slot();
    slots_[slot].handler = handler<Method>(object, argument);
    push(slot, when);
    return sim::EventId{std::uint64_t{slots_[slot].id} << 32 | slot};
  }

  void cancel(sim::EventId id) {
    if (pending(id)) {
      release(slot_of(id));
    }
  }

  bool pending(sim::EventId id) const {
    return id != sim::EventId::none && slots_[slot_of(id)].id == static_cast<std::uint64_t>(id) >> 32;
  }

  void reschedule(sim::EventId id, sim::SimTime when) {
    sim::check(when >= now_, "an event is not scheduled in the past");
    sim::check(pending(id), "a rescheduled event is pending");
    push(slot_of(id), when);  // the older entry of this slot becomes a tombstone
  }

  void run_until(sim::SimTime horizon) {
    stopped_ = false;
    while (!stopped_ && !queue_.empty() && queue_.top().time <= horizon) {
      const Entry entry = queue_.top();
      queue_.pop();
      Slot& slot = slots_[entry.slot];
      if (slot.generation != entry.generation) {
        continue;
      }
      const Handler run = slot.handler;
      release(entry.slot);
      now_ = entry.time;
      ++executed_;
      run();
    }
    if (!stopped_) {
      now_ = horizon;
    }
  }
  void run_for(sim::Nanos span) { run_until(now_ + span); }
  void stop() { stopped_ = true; }
  std::uint64_t executed() const { return executed_; }

 private:
  struct Entry {
    sim::SimTime time;
    std::uint64_t sequence;
    std::uint64_t generation;
    std::uint32_t slot;
  };
  static_assert(sizeof(Entry) == 32);
  struct Later {
    bool operator()(const Entry& a, const Entry& b) const {
      return a.time != b.time ? a.time > b.time : a.sequence > b.sequence;
    }
  };
  struct Queue : std::priority_queue<Entry, std::vector<Entry>, Later> {
    void reserve(std::size_t entries) { c.reserve(entries); }
  };
  struct Slot {
    Handler handler;
    std::uint64_t generation = 0;  // of the one entry that counts
    std::uint32_t id = 1;          // changes when the event has run or was cancelled
  };

  static std::uint32_t slot_of(sim::EventId id) { return static_cast<std::uint32_t>(id); }

  void push(std::uint32_t slot, sim::SimTime when) {
    queue_.push({when, sequence_++, ++slots_[slot].generation, slot});
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
    ++slots_[slot].generation;
    ++slots_[slot].id;
    free_.push_back(slot);
  }

  Queue queue_;
  std::vector<Slot> slots_;
  std::vector<std::uint32_t> free_;
  sim::SimTime now_{};
  std::uint64_t sequence_ = 0;
  std::uint64_t executed_ = 0;
  bool stopped_ = false;
};

}  // namespace perf
