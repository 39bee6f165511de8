// Tasks that come and go, with the groups they are in: the walks up from a task, and changes of its
// parameters.
#include <algorithm>
#include <utility>

#include "models/eevdf.h"
#include "sim/check.h"

namespace models {

// set_task_rq: from here on the task competes in this queue.
void CfsRq::join(SchedEntity& task) {
  if (task.cfs_rq != this) {
    if (task.load_attached) {
      task.cfs_rq->remove_entity_load(task);
    }
    task.cfs_rq = this;
    task.parent = group_se_;
    task.depth = group_se_ == nullptr ? 0 : group_se_->depth + 1;
  }
  if (!task.load_known) {
    init_entity_load(task);
  }
}

void CfsRq::count(const TaskCounts& tasks, int sign) {
  h_nr_.queued += sign * tasks.queued;
  h_nr_.runnable += sign * tasks.runnable;
  h_nr_.idle += sign * tasks.idle;
}

// set_delayed and clear_delayed: all queues above see it fall asleep, and wake.
void CfsRq::count_runnable(SchedEntity& task, int change) {
  for (SchedEntity* se = &task; se != nullptr; se = se->parent) {
    se->cfs_rq->h_nr_.runnable += change;
    if (se->cfs_rq->off()) {
      break;
    }
  }
}

// enqueue_task_fair. A group without tasks is queued with its first one, and asks for the shortest slice that
// is queued in it.
void CfsRq::enqueue(SchedEntity& task, std::int64_t clock, EnqueueFlags flags) {
  if (task.on_rq) {
    task.cfs_rq->requeue_delayed(task, clock);
    return;
  }
  join(task);
  TaskCounts tasks{1, task.sched_delayed ? 0 : 1, se_is_idle(task) ? 1 : 0};
  std::int64_t slice = 0;
  SchedEntity* se = &task;
  for (; se != nullptr && !se->on_rq; se = se->parent) {
    CfsRq& queue = *se->cfs_rq;
    if (slice != 0) {
      se->slice = slice;
      se->custom_slice = true;
    }
    queue.enqueue_entity(*se, clock, flags);
    slice = queue.min_slice();
    queue.count(tasks, 1);
    if (queue.off()) {
      return;
    }
    tasks.idle |= queue.group_se_ != nullptr && se_is_idle(*queue.group_se_) ? 1 : 0;
    flags = {.wakeup = true};
  }
  if (se != nullptr && se->sched_delayed) {
    se->cfs_rq->requeue_delayed(*se, clock);
  }
  for (; se != nullptr; se = se->parent) {
    CfsRq& queue = *se->cfs_rq;
    queue.update_load_avg(*se, clock, {.tg = true});
    se->runnable_weight = se->my_q->h_nr_.runnable;
    queue.update_cfs_group(*se, clock);
    queue.set_entity_slice(*se, slice);
    slice = queue.min_slice();
    queue.count(tasks, 1);
    if (queue.off()) {
      return;
    }
    tasks.idle |= queue.group_se_ != nullptr && se_is_idle(*queue.group_se_) ? 1 : 0;
  }
}

bool CfsRq::dequeue(SchedEntity& task, std::int64_t clock, DequeueFlags flags) {
  sim::check(task.on_rq, "a task that leaves the queue is on it");
  return dequeue_entities(task, clock, flags);
}

// A group that loses its last task leaves too, or stays delayed as a task may. One that keeps others is the
// buddy of what sleeps: it goes on with its share.
bool CfsRq::dequeue_entities(SchedEntity& first, std::int64_t clock, DequeueFlags flags) {
  const bool is_task = first.my_q == nullptr;
  const bool task_sleep = flags.sleep;
  TaskCounts tasks;
  if (is_task) {
    tasks = {1, first.sched_delayed ? 0 : 1, se_is_idle(first) ? 1 : 0};
  }
  std::int64_t slice = 0;
  SchedEntity* se = &first;
  while (se != nullptr) {
    CfsRq& queue = *se->cfs_rq;
    if (!queue.dequeue_entity(*se, clock, flags)) {
      if (is_task && se == &first) {
        return false;
      }
      slice = queue.min_slice();
      break;
    }
    queue.count(tasks, -1);
    if (queue.group_se_ != nullptr && se_is_idle(*queue.group_se_)) {
      tasks.idle = tasks.queued;
    }
    if (queue.off()) {
      return true;
    }
    se = se->parent;
    if (queue.load_ != 0) {
      slice = queue.min_slice();
      if (task_sleep && se != nullptr && !queue.throttled_hierarchy()) {
        set_next_buddy(*se);
      }
      break;
    }
    flags = {.sleep = true};
  }
  for (; se != nullptr; se = se->parent) {
    CfsRq& queue = *se->cfs_rq;
    queue.update_load_avg(*se, clock, {.tg = true});
    se->runnable_weight = se->my_q->h_nr_.runnable;
    queue.update_cfs_group(*se, clock);
    queue.set_entity_slice(*se, slice);
    slice = queue.min_slice();
    queue.count(tasks, -1);
    if (queue.off()) {
      break;
    }
    if (queue.group_se_ != nullptr && se_is_idle(*queue.group_se_)) {
      tasks.idle = tasks.queued;
    }
  }
  return true;
}

// The frame of every change of a task's parameters: out of the queue, change, and back (SAVE, RESTORE).
template <class Change>
void CfsRq::change(SchedEntity& se, std::int64_t clock, Change&& change_it) {
  CfsRq& queue = se.cfs_rq == nullptr ? *this : *se.cfs_rq;
  const bool queued = se.on_rq;
  const bool running = queue.curr_ == &se;
  if (queued) {
    queue.dequeue(se, clock, {});
  }
  if (running) {
    queue.put_prev(clock);
  }
  std::forward<Change>(change_it)(queue);
  if (queued) {
    queue.enqueue(se, clock, {});
  }
  if (running) {
    queue.set_next(se, clock);
  }
}

void CfsRq::set_user_nice(SchedEntity& se, int nice, std::int64_t clock) {
  const bool lowered = nice > se.nice;
  change(se, clock, [&](CfsRq& queue) {
    se.nice = nice;
    queue.reweight_entity(se, se.policy == SchedClass::idle ? idle_policy_load() : nice_load(nice), clock);
  });
  if (lowered && root_->curr_task() == &se && root_->nr_queued_ > 1) {
    resched_curr();  // prio_changed_fair
  }
}

void CfsRq::set_slice(SchedEntity& se, sim::Nanos slice, std::int64_t clock) {
  using namespace sim;
  change(se, clock, [&](const CfsRq&) {
    se.custom_slice = slice > 0ns;
    se.slice = se.custom_slice ? std::clamp<Nanos>(slice, 100us, 100ms).count() : base_slice_;
  });
}

}  // namespace models
