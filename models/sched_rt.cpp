#include "models/sched_rt.h"

#include <algorithm>
#include <bit>
#include <cstddef>

#include "sim/check.h"

namespace models {

RtRq::RtRq(sim::Nanos tick, sim::Nanos rr_timeslice) {
  sim::check(tick > sim::Nanos{0} && rr_timeslice > sim::Nanos{0},
             "the tick and the round-robin turn are positive");
  rr_timeslice_ = std::max(1, static_cast<int>((rr_timeslice + tick / 2) / tick));
}

int RtRq::highest_prio() const {
  if (bitmap_[1] != 0) {
    return 127 - std::countl_zero(bitmap_[1]);
  }
  return bitmap_[0] != 0 ? 63 - std::countl_zero(bitmap_[0]) : 0;
}

RtEntity* RtRq::pick() const { return queue_[static_cast<std::size_t>(highest_prio())].head; }

bool RtRq::wakeup_preempt(const RtEntity& wakee, const RtEntity& curr) const {
  return wakee.rt_priority > curr.rt_priority;
}

void RtRq::enqueue(RtEntity& se, bool head) {
  sim::check(!se.on_rq, "a real-time task is queued once");
  sim::check(se.rt_priority >= 1 && se.rt_priority < priorities,
             "a real-time priority is in [1, 99], or the stopper's");
  if (se.time_slice == 0) {
    se.time_slice = rr_timeslice_;
  }
  link(se, head);
  se.on_rq = true;
  ++nr_running_;
}

void RtRq::dequeue(RtEntity& se) {
  sim::check(se.on_rq, "a real-time task that leaves the queue is on it");
  unlink(se);
  se.on_rq = false;
  --nr_running_;
}

void RtRq::yield(RtEntity& se) {
  unlink(se);
  link(se, false);
}

bool RtRq::tick(RtEntity& curr) {
  if (curr.policy != SchedClass::rr || --curr.time_slice > 0) {
    return false;
  }
  curr.time_slice = rr_timeslice_;
  if (curr.prev == nullptr && curr.next == nullptr) {
    return false;  // Alone at its priority: another turn.
  }
  yield(curr);
  return true;
}

void RtRq::set_priority(RtEntity& se, int rt_priority) {
  const bool queued = se.on_rq;
  const bool lowered = rt_priority < se.rt_priority;
  if (queued) {
    dequeue(se);
  }
  se.rt_priority = rt_priority;
  if (queued) {
    enqueue(se, lowered);
  }
}

void RtRq::link(RtEntity& se, bool head) {
  List& list = queue_[static_cast<std::size_t>(se.rt_priority)];
  se.prev = head ? nullptr : list.tail;
  se.next = head ? list.head : nullptr;
  (se.prev != nullptr ? se.prev->next : list.head) = &se;
  (se.next != nullptr ? se.next->prev : list.tail) = &se;
  bitmap_[static_cast<std::size_t>(se.rt_priority / 64)] |= std::uint64_t{1} << (se.rt_priority % 64);
}

void RtRq::unlink(RtEntity& se) {
  List& list = queue_[static_cast<std::size_t>(se.rt_priority)];
  (se.prev != nullptr ? se.prev->next : list.head) = se.next;
  (se.next != nullptr ? se.next->prev : list.tail) = se.prev;
  se.prev = nullptr;
  se.next = nullptr;
  if (list.head == nullptr) {
    bitmap_[static_cast<std::size_t>(se.rt_priority / 64)] &= ~(std::uint64_t{1} << (se.rt_priority % 64));
  }
}

}  // namespace models
