// Wakeup preemption: whether a wakee takes the CPU from the running entity.
#include <algorithm>

#include "models/eevdf.h"

namespace models {

bool CfsRq::wakeup_preempt(SchedEntity& wakee, std::int64_t clock, bool fork) {
  if (curr_on_rq() == nullptr || curr_ == &wakee || need_resched_ || !features_.wakeup_preemption) {
    return false;
  }
  const bool curr_idle = curr_->policy == SchedClass::idle;
  const bool wakee_idle = wakee.policy == SchedClass::idle;
  bool preempt = false;
  if (curr_idle && !wakee_idle) {
    cancel_protect_slice(*curr_);
    preempt = true;
  } else if (curr_idle == wakee_idle && wakee.policy == SchedClass::normal) {
    update_curr(clock);
    preempt = wakee_wins(wakee, clock, fork);
  }
  need_resched_ |= preempt;
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
  const bool shorter = features_.preempt_short && wakee.slice < curr.slice;
  if (fork && !shorter) {
    return false;
  }
  SchedEntity* next = nullptr;
  while (next == nullptr && nr_queued_ > 0) {
    next = pick_next_entity(clock, !shorter);
  }
  if (next == &wakee) {
    if (shorter) {
      cancel_protect_slice(curr);
    }
    return true;
  }
  if (features_.run_to_parity) {  // update_protect_slice
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
