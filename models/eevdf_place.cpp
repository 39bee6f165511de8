// What enters and leaves the fair run queue: placement, delayed dequeue, weight and slice changes.
#include "models/eevdf.h"

#include <algorithm>
#include <utility>

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

void CfsRq::enqueue(SchedEntity& se, std::int64_t clock, EnqueueFlags flags) {
  if (se.on_rq) {
    requeue_delayed(se);
    return;
  }
  const bool is_curr = curr_ == &se;
  if (is_curr) {
    place_entity(se, flags);  // Its vruntime must be valid before update_curr adds to it.
  }
  update_curr(clock);
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
  load_ += se.load.weight;
  ++nr_queued_;
  nr_delayed_ += se.sched_delayed ? 1 : 0;  // A delayed task that is moved stays delayed.
}

bool CfsRq::dequeue(SchedEntity& se, std::int64_t clock, DequeueFlags flags) {
  sim::check(se.on_rq, "a task that leaves the queue is on it");
  update_curr(clock);
  if (flags.delayed) {
    sim::check(se.sched_delayed, "only a delayed dequeue is finished");
  } else if (flags.sleep && !flags.special) {
    sim::check(!se.sched_delayed, "a task falls asleep once");
    if (features_.delay_dequeue && !eligible(se)) {
      se.sched_delayed = true;
      ++nr_delayed_;
      return false;
    }
  }
  se.vlag = entity_lag(se);
  if (curr_ != &se) {
    remove(se);
  }
  if (features_.place_rel_deadline && !flags.sleep) {
    se.deadline -= se.vruntime;
    se.rel_deadline = true;
  }
  se.on_rq = false;
  load_ -= se.load.weight;
  --nr_queued_;
  nr_delayed_ -= se.sched_delayed ? 1 : 0;
  if (flags.delayed) {
    se.sched_delayed = false;
    if (features_.delay_zero) {
      se.vlag = std::min<std::int64_t>(se.vlag, 0);  // It waited while asleep; that earns nothing.
    }
  }
  return true;
}

// requeue_delayed_entity. The running task is not charged first: V is as of the last clock update.
void CfsRq::requeue_delayed(SchedEntity& se) {
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
  se.sched_delayed = false;
  --nr_delayed_;
}

void CfsRq::reweight_entity(SchedEntity& se, LoadWeight load, std::int64_t clock) {
  const bool is_curr = curr_ == &se;
  const std::int64_t old_weight = se.load.weight;
  const auto rescaled = [&](std::int64_t virtual_span) { return virtual_span * old_weight / load.weight; };

  if (!se.on_rq) {
    se.vlag = rescaled(se.vlag);
    if (se.rel_deadline && features_.scale_rel_deadline) {
      se.deadline = rescaled(se.deadline);
    }
    se.load = load;
    return;
  }

  update_curr(clock);
  const std::int64_t avg = avg_vruntime();
  const std::int64_t lag = entity_lag(se);
  if (!is_curr) {
    remove(se);
  }
  load_ += load.weight - old_weight;
  if (features_.reweight == Reweight::around_avg_vruntime) {
    if (se.vruntime != avg) {
      se.vruntime = avg - rescaled(lag);
    }
    se.deadline = avg + rescaled(se.deadline - avg);
    se.load = load;
  } else {
    --nr_queued_;
    se.vlag = rescaled(lag);
    se.deadline = rescaled(se.deadline - se.vruntime);
    se.rel_deadline = true;
    se.load = load;
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

// The frame of every change of a task's parameters: out of the queue, change, and back (SAVE, RESTORE).
template <class Change>
void CfsRq::change(SchedEntity& se, std::int64_t clock, Change&& change_it) {
  const bool queued = se.on_rq;
  const bool running = curr_ == &se;
  if (queued) {
    dequeue(se, clock, {});
  }
  if (running) {
    put_prev(clock);
  }
  std::forward<Change>(change_it)();
  if (queued) {
    enqueue(se, clock, {});
  }
  if (running) {
    set_next(se, clock);
  }
}

void CfsRq::set_user_nice(SchedEntity& se, int nice, std::int64_t clock) {
  const bool lowered = nice > se.nice;
  change(se, clock, [&] {
    se.nice = nice;
    reweight_entity(se, se.policy == SchedClass::idle ? idle_policy_load() : nice_load(nice), clock);
  });
  if (lowered && curr_on_rq() == &se && nr_queued_ > 1) {
    resched_curr();  // prio_changed_fair
  }
}

void CfsRq::set_slice(SchedEntity& se, sim::Nanos slice, std::int64_t clock) {
  using namespace sim;
  change(se, clock, [&] {
    se.custom_slice = slice > 0ns;
    se.slice = se.custom_slice ? std::clamp<Nanos>(slice, 100us, 100ms).count() : base_slice_;
  });
}

void switched_from_fair(SchedEntity& se) {
  sim::check(!se.on_rq, "a task changes class off queue");
  se.vlag = 0;
  se.rel_deadline = false;
}

}  // namespace models
