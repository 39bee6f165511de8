// The queue itself: sums and V, charging the running entity, protection. eevdf_pick.cpp picks and switches,
// in eevdf_place.cpp entities come and go, in eevdf_task.cpp tasks do, with all groups above them.
#include "models/eevdf.h"

#include <algorithm>
#include <limits>

#include "models/task_group.h"
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
      root_{this},
      zero_vruntime_{initial_vruntime} {
  sim::check(base_slice_ > 0 && normalized_base_slice_ > 0 && tick_ > 0, "slices and the tick are positive");
  timeline_.reserve(reserved_entities);
}

CfsRq::CfsRq(const CfsConfig& config, TaskGroup& group, CfsRq& root, SchedEntity& se, CpuId cpu)
    : CfsRq{config} {
  group_ = &group;
  root_ = &root;
  group_se_ = &se;
  cpu_ = cpu;
  runtime_enabled_ = group.bandwidth.limited();
  runtime_remaining_ = features_.throttle_tasks ? 1 : 0;  // tg_set_cfs_bandwidth
  limbo_.reserve(reserved_entities);
}

SchedEntity* CfsRq::curr_task() const {
  SchedEntity* se = curr_;
  while (se != nullptr && se->my_q != nullptr) {
    se = se->my_q->curr_;
  }
  return se;
}

bool CfsRq::se_is_idle(const SchedEntity& se) { return se.policy == SchedClass::idle; }

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

void CfsRq::set_entity_slice(SchedEntity& se, std::int64_t slice) {
  const bool counted = se.on_rq && curr_ != &se && se.slice != slice;
  se.slice = slice;
  if (counted) {
    recount_slices();
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
  if (runtime_enabled_) {
    account_runtime(delta_exec);
  }
  if (nr_queued_ == 1) {
    return;  // Nobody to give way to. The moved deadline still ends the protection.
  }
  const bool resched =
      expired || (features_.resched_when_unprotected
                      ? !protected_slice(curr)
                      : features_.preempt_short && !protected_slice(curr) && !eligible(curr));
  if (resched) {
    resched_curr();
    clear_buddies(curr);
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

}  // namespace models
