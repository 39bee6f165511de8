// The queue itself: sums and V, charging the running entity, picking. What enters and leaves the queue is in
// eevdf_place.cpp, wakeup preemption in eevdf_preempt.cpp.
#include "models/eevdf.h"

#include <algorithm>
#include <limits>

#include "sim/check.h"

namespace models {
namespace {

constexpr std::size_t reserved_entities = 64;

// What a booted kernel starts with (init_cfs_rq).
constexpr std::int64_t initial_vruntime = -(std::int64_t{1} << 20);

}  // namespace

CfsRq::CfsRq(const CfsConfig& config)
    : features_{config.features},
      base_slice_{config.base_slice.count()},
      normalized_base_slice_{config.normalized_base_slice.count()},
      tick_{config.tick.count()},
      zero_vruntime_{initial_vruntime} {
  sim::check(base_slice_ > 0 && normalized_base_slice_ > 0 && tick_ > 0, "slices and the tick are positive");
  timeline_.reserve(reserved_entities);
}

std::int64_t CfsRq::avg_vruntime() {
  const SchedEntity* curr = curr_on_rq();
  std::int64_t delta = 0;
  if (sum_weight_ != 0) {
    std::int64_t sum = sum_w_vruntime_;
    std::int64_t weight = sum_weight_;
    if (curr != nullptr) {
      sum += (curr->vruntime - zero_vruntime_) * curr->load.weight;
      weight += curr->load.weight;
    }
    // Division rounds toward zero; V is the floor for negative sums too.
    delta = (sum < 0 ? sum - (weight - 1) : sum) / weight;
  } else if (curr != nullptr) {
    delta = curr->vruntime - zero_vruntime_;
  }
  // Moving the zero point changes no result; it keeps the products small.
  sum_w_vruntime_ -= sum_weight_ * delta;
  zero_vruntime_ += delta;
  return zero_vruntime_;
}

// Exact, without the rounding of V: V >= v  <=>  sum(w_i * (v_i - v0)) >= (v - v0) * sum(w_i).
bool CfsRq::vruntime_eligible(std::int64_t vruntime) const {
  std::int64_t sum = sum_w_vruntime_;
  std::int64_t weight = sum_weight_;
  if (const SchedEntity* curr = curr_on_rq(); curr != nullptr) {
    sum += (curr->vruntime - zero_vruntime_) * curr->load.weight;
    weight += curr->load.weight;
  }
  return sum >= (vruntime - zero_vruntime_) * weight;
}

bool CfsRq::eligible(const SchedEntity& se) const { return vruntime_eligible(se.vruntime); }

void CfsRq::insert(SchedEntity& se) {
  sum_w_vruntime_ += (se.vruntime - zero_vruntime_) * se.load.weight;
  sum_weight_ += se.load.weight;
  auto at = timeline_.end();
  while (at != timeline_.begin() && (at - 1)->deadline > se.deadline) {
    --at;
  }
  timeline_.insert(at, {se.deadline, se.vruntime, &se});
  count_slice(se);
}

void CfsRq::remove(SchedEntity& se) {
  const auto at =
      std::find_if(timeline_.begin(), timeline_.end(), [&](const Node& node) { return node.se == &se; });
  sim::check(at != timeline_.end(), "an entity leaves the queue it is in");
  timeline_.erase(at);
  sum_w_vruntime_ -= (se.vruntime - zero_vruntime_) * se.load.weight;
  sum_weight_ -= se.load.weight;
  const bool last_smallest = se.slice == min_slice_.slice && --min_slice_.count == 0;
  const bool last_largest = se.slice == max_slice_.slice && --max_slice_.count == 0;
  if (last_smallest || last_largest) {
    recount_slices();
  }
}

void CfsRq::count_slice(const SchedEntity& se) {
  if (min_slice_.count == 0 || se.slice < min_slice_.slice) {
    min_slice_ = {se.slice, 0};
  }
  if (max_slice_.count == 0 || se.slice > max_slice_.slice) {
    max_slice_ = {se.slice, 0};
  }
  min_slice_.count += se.slice == min_slice_.slice ? 1 : 0;
  max_slice_.count += se.slice == max_slice_.slice ? 1 : 0;
}

void CfsRq::recount_slices() {
  min_slice_ = {};
  max_slice_ = {};
  for (const Node& node : timeline_) {
    count_slice(*node.se);
  }
}

// cfs_rq_min_slice and cfs_rq_max_slice: the array and curr.
std::int64_t CfsRq::min_slice() const {
  const SchedEntity* curr = curr_on_rq();
  const std::int64_t none = std::numeric_limits<std::int64_t>::max();
  return std::min(curr != nullptr ? curr->slice : none, min_slice_.count > 0 ? min_slice_.slice : none);
}

std::int64_t CfsRq::max_slice() const {
  const SchedEntity* curr = curr_on_rq();
  return std::max(curr != nullptr ? curr->slice : 0, max_slice_.count > 0 ? max_slice_.slice : 0);
}

void CfsRq::update_curr(std::int64_t clock) {
  if (curr_ == nullptr || clock <= curr_->exec_start) {
    return;
  }
  SchedEntity& curr = *curr_;
  const std::int64_t delta_exec = clock - curr.exec_start;
  curr.exec_start = clock;
  curr.sum_exec_runtime += delta_exec;
  curr.vruntime += calc_delta_fair(delta_exec, curr.load);
  const bool expired = update_deadline(curr);
  if (nr_queued_ == 1) {
    return;  // Nobody to give way to. The moved deadline still ends the protection.
  }
  if (expired) {
    resched_curr();
  } else if (features_.resched_when_unprotected) {
    need_resched_ |= !protected_slice(curr);
  } else if (features_.preempt_short) {
    need_resched_ |= !protected_slice(curr) && !eligible(curr);
  }
}

bool CfsRq::update_deadline(SchedEntity& se) const {
  if (se.vruntime < se.deadline) {
    return false;
  }
  if (!se.custom_slice) {
    se.slice = base_slice_;
  }
  se.deadline = se.vruntime + calc_delta_fair(se.slice, se.load);
  return true;
}

bool CfsRq::protected_slice(const SchedEntity& curr) const {
  return features_.slice_protection == SliceProtection::vprot ? curr.vruntime < curr.vlag
                                                              : curr.vlag == curr.deadline;
}

void CfsRq::set_protect_slice(SchedEntity& se) const {
  se.vlag = se.deadline;
  if (features_.slice_protection == SliceProtection::vprot) {
    const std::int64_t slice = features_.run_to_parity ? min_slice() : normalized_base_slice_;
    if (slice < se.slice) {
      se.vlag = std::min(se.vlag, se.vruntime + calc_delta_fair(slice, se.load));
    }
  }
}

void CfsRq::cancel_protect_slice(SchedEntity& se) const {
  if (protected_slice(se)) {
    se.vlag = features_.slice_protection == SliceProtection::vprot ? se.vruntime : se.deadline + 1;
  }
}

void CfsRq::set_next(SchedEntity& se, std::int64_t clock) {
  sim::check(curr_ == nullptr, "put_prev comes before set_next");
  if (se.on_rq) {
    remove(se);
    set_protect_slice(se);
  }
  curr_ = &se;
  se.exec_start = clock;
}

void CfsRq::put_prev(std::int64_t clock) {
  sim::check(curr_ != nullptr, "put_prev has a task to put");
  if (curr_->on_rq) {
    update_curr(clock);
    insert(*curr_);
  }
  curr_ = nullptr;
}

void CfsRq::tick(std::int64_t clock) {
  update_curr(clock);
  avg_vruntime();  // The zero point follows a task that runs alone for long.
}

void CfsRq::yield(std::int64_t clock) {
  sim::check(curr_on_rq() != nullptr, "the running task yields");
  if (nr_queued_ == 1) {
    return;
  }
  update_curr(clock);
  if (eligible(*curr_)) {
    curr_->vruntime = curr_->deadline;
    update_deadline(*curr_);
  }
}

SchedEntity* CfsRq::pick(std::int64_t clock) {
  while (nr_queued_ > 0) {
    if (curr_on_rq() != nullptr) {
      update_curr(clock);
    }
    if (SchedEntity* se = pick_next_entity(clock, true); se != nullptr) {
      return se;
    }
  }
  return nullptr;
}

// nullptr: the winner was delayed and its dequeue is now finished; pick again.
SchedEntity* CfsRq::pick_next_entity(std::int64_t clock, bool protect) {
  SchedEntity* se = pick_eevdf(protect);
  if (se->sched_delayed) {
    dequeue(*se, clock, {.sleep = true, .delayed = true});
    return nullptr;
  }
  return se;
}

SchedEntity* CfsRq::pick_eevdf(bool protect) const {
  SchedEntity* curr = curr_ != nullptr && curr_->on_rq ? curr_ : nullptr;
  if (nr_queued_ == 1) {
    return curr != nullptr ? curr : timeline_.front().se;
  }
  if (curr != nullptr && !eligible(*curr)) {
    curr = nullptr;
  }
  // With vprot, RUN_TO_PARITY has already chosen how long the protection lasts (set_protect_slice).
  const bool may_protect = features_.slice_protection == SliceProtection::vprot || features_.run_to_parity;
  if (curr != nullptr && protect && may_protect && protected_slice(*curr)) {
    return curr;
  }
  const auto best = std::find_if(timeline_.begin(), timeline_.end(),
                                 [this](const Node& node) { return vruntime_eligible(node.vruntime); });
  if (best == timeline_.end() || (curr != nullptr && curr->deadline < best->deadline)) {
    sim::check(curr != nullptr, "the smallest vruntime is eligible");
    return curr;
  }
  return best->se;
}

}  // namespace models
