// Wakeup preemption: whether a wakee takes the CPU from the running entity.
#include <algorithm>

#include "models/eevdf.h"

namespace models {

bool CfsRq::wakeup_preempt(SchedEntity& wakee, std::int64_t clock, bool fork) {
  SchedEntity* se = root_->curr_task();
  SchedEntity* pse = &wakee;
  if (se == nullptr || !se->on_rq || se == pse || pse->cfs_rq->throttled_hierarchy()) {
    return false;
  }
  const bool buddy_first = features_.wakeup_check != WakeupCheck::shortens_protection;
  if (features_.next_buddy && buddy_first && !fork && !wakee.sched_delayed) {
    set_next_buddy(wakee);
  }
  if (need_resched() || !features_.wakeup_preemption) {
    return false;
  }
  while (se->cfs_rq != pse->cfs_rq) {  // find_matching_se
    const int difference = se->depth - pse->depth;
    se = difference >= 0 ? se->parent : se;
    pse = difference <= 0 ? pse->parent : pse;
  }
  CfsRq& queue = *se->cfs_rq;
  bool preempt = false;
  if (se_is_idle(*se) && !se_is_idle(*pse)) {
    queue.cancel_protect_slice(*se);
    preempt = true;
  } else if (se_is_idle(*se) == se_is_idle(*pse) && wakee.policy == SchedClass::normal) {
    queue.update_curr(clock);
    preempt = queue.wakee_wins(*pse, clock, fork);
  }
  if (preempt) {
    resched_curr();
  }
  return preempt;
}

bool CfsRq::wakee_wins(SchedEntity& wakee, std::int64_t clock, bool fork) {
  SchedEntity& curr = *curr_;
  if (features_.wakeup_check == WakeupCheck::breaks_protection) {
    if (preempts_short(wakee)) {
      cancel_protect_slice(curr);
    }
    return pick_eevdf(true) == &wakee;
  }
  const bool every_wakee = features_.wakeup_check == WakeupCheck::shortens_protection;
  const bool shorter = features_.preempt_short && wakee.slice < curr.slice;
  if (every_wakee && !shorter) {
    if (fork || wakee.sched_delayed) {
      return false;
    }
    // set_preempt_buddy: an earlier buddy with an earlier deadline stays.
    if (features_.next_buddy && (next_ == nullptr || next_->deadline >= wakee.deadline)) {
      set_next_buddy(wakee);
    }
  }
  SchedEntity* next = every_wakee ? nullptr : pick_eevdf(!shorter);
  while (next == nullptr && nr_queued_ > 0) {
    next = pick_next_entity(clock, !shorter);
  }
  if (next == &wakee) {
    if (shorter) {
      cancel_protect_slice(curr);
    }
    return true;
  }
  if (features_.run_to_parity && (every_wakee || shorter)) {  // update_protect_slice
    curr.vlag = std::min(curr.vlag, curr.vruntime + calc_delta_fair(min_slice(), curr.load));
  }
  return false;
}

// do_preempt_short: a wakee that asks for less, and that may run now, need not wait for curr's protection.
bool CfsRq::preempts_short(const SchedEntity& wakee) const {
  return features_.preempt_short && wakee.slice < curr_->slice && eligible(wakee) &&
         (wakee.deadline < curr_->deadline || !eligible(*curr_));
}

}  // namespace models
