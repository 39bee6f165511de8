// A first-in first-out queue of fixed capacity: one allocation at construction, none later.
//
// What enters is counted, so a position is an absolute number that stays valid while the ring turns:
// the oldest element is number `first()`, the next to enter will be number `end()`.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "sim/check.h"

namespace sim {

template <class T>
class Ring {
 public:
  // `capacity` >= 1: the most elements it ever holds.
  explicit Ring(int capacity) : capacity_{capacity} {
    check(capacity >= 1, "a ring holds at least one element");
    slots_.resize(std::bit_ceil(static_cast<std::size_t>(capacity)));
    mask_ = slots_.size() - 1;
  }

  int capacity() const { return capacity_; }
  int size() const { return static_cast<int>(end_ - first_); }
  int room() const { return capacity_ - size(); }
  bool empty() const { return first_ == end_; }
  bool full() const { return size() == capacity_; }

  std::uint64_t first() const { return first_; }
  std::uint64_t end() const { return end_; }
  const T& at(std::uint64_t position) const {
    check(position >= first_ && position < end_, "a ring is read where it has an element");
    return slots_[position & mask_];
  }

  const T& front() const { return at(first_); }

  void push(const T& value) {
    check(!full(), "a full ring takes nothing: its owner counts the refusal");
    slots_[end_++ & mask_] = value;
  }

  T pop() {
    check(!empty(), "an empty ring has nothing to give");
    return slots_[first_++ & mask_];
  }

 private:
  int capacity_;
  std::size_t mask_ = 0;
  std::uint64_t first_ = 0;
  std::uint64_t end_ = 0;
  std::vector<T> slots_;
};

}  // namespace sim
