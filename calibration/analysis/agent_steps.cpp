#include "calibration/analysis/agent_steps.h"

#include <algorithm>
#include <utility>

namespace calibration {

AgentSteps::Slot& AgentSteps::make(std::uint32_t& slot) {
  if (slot == 0) {
    slots_.emplace_back();
    slot = static_cast<std::uint32_t>(slots_.size());
  }
  return slots_[slot - 1];
}

void AgentSteps::begin(Slot& slot, std::int32_t pid, std::int64_t intended, bool from_timer) {
  std::vector<FanInRequest> reads = std::move(slot.step.reads);  // keeps its memory
  reads.clear();
  slot.step = AgentStep{};
  slot.step.reads = std::move(reads);
  slot.step.pid = pid;
  slot.step.number = ++slot.steps;
  slot.step.from_timer = from_timer;
  slot.step.intended = intended;
  slot.open = true;
  slot.ended = false;
}

bool AgentSteps::finish(Slot& slot) {
  slot.open = false;
  if (slot.step.start == 0 || slot.step.end < slot.step.start || slot.step.start < slot.step.intended) {
    return false;
  }
  if (slot.step.read_begin != 0 && slot.step.read_end < slot.step.read_begin) {
    slot.step.read_end = slot.step.end;
  }
  std::swap(done_, slot.step);
  return true;
}

bool AgentSteps::timer(std::uint32_t& number, std::int32_t pid, std::int64_t expiry) {
  Slot& slot = make(number);
  slot.on_timer = true;
  const bool ended = slot.open && slot.ended && slot.step.from_timer && finish(slot);
  begin(slot, pid, expiry, true);
  return ended;
}

void AgentSteps::arrived(std::uint32_t& number, std::int32_t pid, std::int64_t arrival) {
  Slot& slot = make(number);
  if (!slot.on_timer && !slot.open) {
    begin(slot, pid, arrival, false);
  }
}

void AgentSteps::woken_otherwise(std::uint32_t number) {
  if (Slot* slot = at(number)) {
    slot->ended = false;
  }
}

void AgentSteps::running(std::uint32_t number, std::int64_t now) {
  Slot* slot = at(number);
  if (slot != nullptr && slot->open && slot->step.start == 0) {
    slot->step.start = now;
  }
}

bool AgentSteps::sleeps(std::uint32_t number, std::int64_t now, NodeId node, bool in_gate, bool in_epoll) {
  Slot* slot = at(number);
  if (slot == nullptr || !slot->open) {
    return false;
  }
  const bool may_end = slot->step.from_timer ? !in_gate : in_epoll;
  if (may_end) {
    slot->step.end = now;
    slot->step.end_node = node;
    slot->ended = true;
  }
  return may_end && !slot->step.from_timer && finish(*slot);
}

void AgentSteps::read_begins(std::uint32_t number, std::int64_t now) {
  Slot* slot = at(number);
  if (slot != nullptr && slot->open && slot->step.read_begin == 0) {
    slot->step.read_begin = now;
  }
}

void AgentSteps::read_ends(std::uint32_t number, std::int64_t now) {
  if (Slot* slot = at(number)) {
    slot->step.read_end = now;
  }
}

void AgentSteps::request(std::uint32_t number, const FanInRequest& read) {
  Slot* slot = at(number);
  if (slot != nullptr && slot->open && slot->step.reads.size() < max_reads) {
    auto& reads = slot->step.reads;
    reads.insert(std::upper_bound(reads.begin(), reads.end(), read,
                                  [](const auto& a, const auto& b) { return a.issued < b.issued; }),
                 read);
  }
}

void AgentSteps::broken(std::uint32_t number) {
  if (Slot* slot = at(number)) {
    slot->step.whole = false;
  }
}

void AgentSteps::forget(std::uint32_t number) {
  if (Slot* slot = at(number)) {
    *slot = Slot{};
  }
}

std::uint64_t AgentSteps::open() const {
  return static_cast<std::uint64_t>(
      std::count_if(slots_.begin(), slots_.end(), [](const Slot& slot) { return slot.open; }));
}

}  // namespace calibration
