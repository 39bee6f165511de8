// What enters and leaves one queue: placement, delayed dequeue, changes of weight.
#include "models/eevdf.h"

#include <algorithm>

#include "sim/check.h"

namespace models {

// The clamp bounds what a task can be owed or owe when it leaves; in between, nothing is forgotten.
std::int64_t CfsRq::entity_lag(const SchedEntity& se) {
  const std::int64_t real =
      features_.lag_clamp == LagClamp::slice_plus_tick ? max_slice() + tick_ : std::max(2 * se.slice, tick_);
  const std::int64_t limit = calc_delta_fair(real, se.load);
  return std::clamp(avg_vruntime() - se.vruntime, -limit, limit);
}

// Adding an entity with lag l moves V by -l * w/(W + w). Placing it at V - l * (W + w)/W leaves it with l.
void CfsRq::place_entity(SchedEntity& se, EnqueueFlags flags) {
  const std::int64_t avg = avg_vruntime();
  if (!se.custom_slice) {
    se.slice = base_slice_;
  }
  std::int64_t lag = 0;
  if (features_.place_lag && nr_queued_ > 0 && se.vlag != 0) {
    const SchedEntity* curr = curr_on_rq();
    const std::int64_t weight = sum_weight_ + (curr != nullptr ? curr->load.weight : 0);
    lag = se.vlag * (weight + se.load.weight) / weight;
  }
  se.vruntime = avg - lag;

  if (se.rel_deadline) {
    se.deadline += se.vruntime;
    se.rel_deadline = false;
    return;
  }
  std::int64_t vslice = calc_delta_fair(se.slice, se.load);
  if (features_.place_deadline_initial && flags.initial) {
    vslice /= 2;  // The tasks it joins are on average halfway through their slices.
  }
  se.deadline = se.vruntime + vslice;
}

void CfsRq::enqueue_entity(SchedEntity& se, std::int64_t clock, EnqueueFlags flags) {
  const bool is_curr = curr_ == &se;
  if (is_curr) {
    place_entity(se, flags);  // Its vruntime must be valid before update_curr adds to it.
  }
  update_curr(clock);
  update_load_avg(se, clock, {.tg = true, .attach = true});
  if (se.my_q != nullptr) {
    se.runnable_weight = se.my_q->h_nr_.runnable;
    update_cfs_group(se, clock);
  }
  if (!is_curr) {
    place_entity(se, flags);
  }
  if (flags.migrated) {
    se.exec_start = 0;  // No longer cache-hot (task_hot).
  }
  if (!is_curr) {
    insert(se);
  }
  se.on_rq = true;
  load_ += se.load.stored;
  ++nr_queued_;
  if (runtime_enabled_ && nr_queued_ == 1) {
    check_enqueue_throttle(clock);
  }
}

bool CfsRq::dequeue_entity(SchedEntity& se, std::int64_t clock, DequeueFlags flags) {
  update_curr(clock);
  clear_buddies(se);
  if (flags.delayed) {
    sim::check(se.sched_delayed, "only a delayed dequeue is finished");
  } else if (flags.sleep && !flags.special) {
    sim::check(!se.sched_delayed, "a task falls asleep once");
    if (features_.delay_dequeue && !eligible(se)) {
      update_load_avg(se, clock, {});
      se.sched_delayed = true;
      if (se.my_q == nullptr) {
        count_runnable(se, -1);
      }
      return false;
    }
  }
  update_load_avg(se, clock, {.tg = true, .detach = flags.migrating && se.my_q == nullptr});
  if (se.my_q != nullptr) {
    se.runnable_weight = se.my_q->h_nr_.runnable;
  }
  se.vlag = entity_lag(se);
  if (features_.place_rel_deadline && !flags.sleep) {
    se.deadline -= se.vruntime;
    se.rel_deadline = true;
  }
  if (curr_ != &se) {
    remove(se);
  }
  se.on_rq = false;
  load_ -= se.load.stored;
  --nr_queued_;
  if (runtime_enabled_ && nr_queued_ == 0) {
    return_runtime();
  }
  if (flags.delayed) {
    se.sched_delayed = false;
    if (features_.delay_zero) {
      se.vlag = std::min<std::int64_t>(se.vlag, 0);  // It waited while asleep; that earns nothing.
    }
  }
  return true;
}

// requeue_delayed_entity. The running task is not charged first: V is as of the last clock update.
void CfsRq::requeue_delayed(SchedEntity& se, std::int64_t clock) {
  sim::check(se.sched_delayed, "a task that is enqueued is asleep");
  if (features_.delay_zero) {
    se.vlag = entity_lag(se);
    if (se.vlag > 0) {
      --nr_queued_;
      if (curr_ != &se) {
        remove(se);
      }
      se.vlag = 0;
      place_entity(se, {});
      if (curr_ != &se) {
        insert(se);
      }
      ++nr_queued_;
    }
  }
  update_load_avg(se, clock, {});
  se.sched_delayed = false;
  if (se.my_q == nullptr) {
    count_runnable(se, 1);
  }
}

void CfsRq::reweight_entity(SchedEntity& se, LoadWeight load, std::int64_t clock) {
  const bool is_curr = curr_ == &se;
  const std::int64_t old_weight = se.load.stored;
  const auto rescaled = [&](std::int64_t virtual_span) { return virtual_span * old_weight / load.stored; };

  if (!se.on_rq) {
    se.vlag = rescaled(se.vlag);
    if (se.rel_deadline && features_.scale_rel_deadline) {
      se.deadline = rescaled(se.deadline);
    }
    reweight_load_avg(se, load);
    return;
  }

  update_curr(clock);
  const std::int64_t avg = avg_vruntime();
  const std::int64_t lag = entity_lag(se);
  if (!is_curr) {
    remove(se);
  }
  load_ += load.stored - old_weight;
  if (features_.reweight == Reweight::around_avg_vruntime) {
    if (se.vruntime != avg) {
      se.vruntime = avg - rescaled(lag);
    }
    se.deadline = avg + rescaled(se.deadline - avg);
    reweight_load_avg(se, load);
  } else {
    --nr_queued_;
    se.vlag = rescaled(lag);
    se.deadline = rescaled(se.deadline - se.vruntime);
    se.rel_deadline = true;
    reweight_load_avg(se, load);
    place_entity(se, {});
    ++nr_queued_;
    if (is_curr) {
      // The lag has overwritten vprot, and a lag is below any vruntime of a machine that is up: unprotected.
      se.vlag = std::min(se.vlag, se.vruntime);
    }
  }
  if (!is_curr) {
    insert(se);
  }
}

void switched_from_fair(SchedEntity& se) {
  sim::check(!se.on_rq, "a task changes class off queue");
  se.vlag = 0;
  se.rel_deadline = false;
}

}  // namespace models
