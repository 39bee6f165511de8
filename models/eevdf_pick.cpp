// Who runs next, and the switch to it, on all levels; ticks, yields and buddies.
#include <algorithm>

#include "models/eevdf.h"
#include "sim/check.h"

namespace models {
namespace {

constexpr std::int64_t shortest_hrtick = 10'000;  // hrtick_start: programming costs more than a shorter one

}  // namespace

void CfsRq::set_next_entity(SchedEntity& se, std::int64_t clock) {
  sim::check(curr_ == nullptr, "put_prev comes before set_next");
  clear_buddies(se);
  if (se.on_rq) {
    remove(se);
    update_load_avg(se, clock, {.tg = true});
    set_protect_slice(se);
  }
  curr_ = &se;
  se.exec_start = clock;
  se.prev_sum_exec_runtime = se.sum_exec_runtime;
}

void CfsRq::put_prev_entity(std::int64_t clock) {
  sim::check(curr_ != nullptr, "put_prev has a task to put");
  SchedEntity& prev = *curr_;
  if (prev.on_rq) {
    update_curr(clock);
  }
  if (runtime_enabled_) {
    check_runtime(clock);
  }
  if (prev.on_rq) {
    insert(prev);
    update_load_avg(prev, clock, {});
  }
  curr_ = nullptr;
}

void CfsRq::set_next(SchedEntity& task, std::int64_t clock) {
  for (SchedEntity* se = &task; se != nullptr; se = se->parent) {
    se->cfs_rq->set_next_entity(*se, clock);
    if (se->cfs_rq->runtime_enabled_) {
      se->cfs_rq->account_runtime(0);
    }
  }
}

void CfsRq::put_prev(std::int64_t clock) {
  sim::check(root_->curr_ != nullptr, "put_prev has a task to put");
  for (SchedEntity* se = root_->curr_task(); se != nullptr; se = se->parent) {
    se->cfs_rq->put_prev_entity(clock);
  }
}

// The end of pick_next_task_fair. Both walk up until they meet in one queue.
void CfsRq::switch_to(SchedEntity* next, std::int64_t clock) {
  SchedEntity* prev = root_->curr_task();
  sim::check(next == nullptr || next != prev, "a switch changes the task");
  if (next == nullptr || prev == nullptr) {
    if (prev != nullptr) {
      put_prev(clock);
    }
    if (next != nullptr) {
      set_next(*next, clock);
    }
    return;
  }
  while (next->cfs_rq != prev->cfs_rq) {
    const int next_depth = next->depth;
    const int prev_depth = prev->depth;
    if (next_depth <= prev_depth) {
      prev->cfs_rq->put_prev_entity(clock);
      prev = prev->parent;
    }
    if (next_depth >= prev_depth) {
      next->cfs_rq->set_next_entity(*next, clock);
      next = next->parent;
    }
  }
  prev->cfs_rq->put_prev_entity(clock);
  next->cfs_rq->set_next_entity(*next, clock);
}

void CfsRq::tick(std::int64_t clock) {
  for (SchedEntity* se = root_->curr_task(); se != nullptr; se = se->parent) {
    CfsRq& queue = *se->cfs_rq;
    queue.update_curr(clock);
    queue.update_load_avg(*se, clock, {.tg = true});
    queue.update_cfs_group(*se, clock);
    queue.avg_vruntime();  // The zero point follows a task that runs alone for long.
  }
}

void CfsRq::hrtick(std::int64_t clock) {
  tick(clock);
  if (root_->curr_ != nullptr) {
    resched_curr();
  }
}

std::int64_t CfsRq::hrtick_delay() const {
  const SchedEntity* curr = root_->curr_task();
  if (curr == nullptr || root_->h_nr_.queued <= 1) {
    return -1;
  }
  const std::int64_t left = curr->slice - (curr->sum_exec_runtime - curr->prev_sum_exec_runtime);
  return left < 0 ? 0 : std::max(left, shortest_hrtick);
}

void CfsRq::yield(std::int64_t clock) {
  SchedEntity* curr = root_->curr_task();
  sim::check(curr != nullptr && curr->on_rq, "the running task yields");
  if (root_->h_nr_.queued == 1) {
    return;
  }
  CfsRq& queue = *curr->cfs_rq;
  queue.clear_buddies(*curr);
  queue.update_curr(clock);
  if (features_.yield == YieldRule::push_deadline) {
    curr->deadline += calc_delta_fair(curr->slice, curr->load);
  } else if (queue.eligible(*curr)) {
    curr->vruntime = curr->deadline;
    queue.update_deadline(*curr);
  }
}

// Picking a buddy makes latencies better or worse, but nobody's share: it is eligible.
void CfsRq::set_next_buddy(SchedEntity& first) {
  for (SchedEntity* se = &first; se != nullptr && se->on_rq && !se_is_idle(*se); se = se->parent) {
    se->cfs_rq->next_ = se;
  }
}

void CfsRq::clear_buddies(SchedEntity& first) {
  for (SchedEntity* se = &first; se != nullptr && se->cfs_rq->next_ == se; se = se->parent) {
    se->cfs_rq->next_ = nullptr;
  }
}

bool CfsRq::buddy_eligible() const { return features_.pick_buddy && next_ != nullptr && eligible(*next_); }

SchedEntity* CfsRq::pick(std::int64_t clock) {
  CfsRq* queue = root_;
  bool throttled = false;
  while (root_->nr_queued_ > 0) {
    if (queue->curr_on_rq() != nullptr) {
      queue->update_curr(clock);
    }
    throttled |= queue->runtime_enabled_ && queue->check_runtime(clock);
    SchedEntity* se = queue->off() ? nullptr : queue->pick_next_entity(clock, true);
    if (se != nullptr && se->my_q == nullptr) {
      se->throttle_work |= throttled;
      return se;
    }
    queue = se == nullptr ? root_ : se->my_q;
    throttled &= se != nullptr;
  }
  return nullptr;
}

// nullptr: the winner was delayed and its dequeue is now finished; pick again.
SchedEntity* CfsRq::pick_next_entity(std::int64_t clock, bool protect) {
  if (!features_.buddy_in_pick && buddy_eligible()) {
    return next_;
  }
  SchedEntity* se = pick_eevdf(protect);
  if (se->sched_delayed) {
    dequeue_entities(*se, clock, {.sleep = true, .delayed = true});
    return nullptr;
  }
  return se;
}

SchedEntity* CfsRq::pick_eevdf(bool protect) const {
  SchedEntity* curr = curr_ != nullptr && curr_->on_rq ? curr_ : nullptr;
  if (nr_queued_ == 1) {
    return curr != nullptr ? curr : timeline_.front().se;
  }
  if (features_.buddy_in_pick && buddy_eligible()) {
    return next_;
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
