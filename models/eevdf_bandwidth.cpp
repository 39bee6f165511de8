// A group's queue under cpu.max: it pays for its time, stops when it cannot, and goes on when it is given
// some.
//
// In 6.12 the group's entity leaves the queue above, with all its tasks. In 6.18 it stays: each of its tasks
// that is picked is stopped when it next returns to user mode, and waits in the queue's limbo list.
#include <algorithm>
#include <utility>

#include "models/eevdf.h"
#include "models/task_group.h"
#include "sim/check.h"

namespace models {
namespace {

constexpr std::int64_t min_cfs_rq_runtime = 1'000'000;  // what an empty queue keeps

}  // namespace

bool CfsRq::assign_runtime(std::int64_t target) {
  runtime_remaining_ += group_->bandwidth.assign(target - runtime_remaining_);
  return runtime_remaining_ > 0;
}

// account_cfs_rq_runtime. Without more to have, the running task is rescheduled, and the pick stops the
// group.
void CfsRq::account_runtime(std::int64_t delta_exec) {
  runtime_remaining_ -= delta_exec;
  if (runtime_remaining_ > 0 || throttled_) {
    return;
  }
  if (!assign_runtime(group_->bandwidth.slice()) && curr_ != nullptr) {
    resched_curr();
  }
}

bool CfsRq::check_runtime(std::int64_t clock) {
  return runtime_remaining_ <= 0 && (throttled_ || throttle(clock));
}

// check_enqueue_throttle: a group that wakes without runtime is not let in.
void CfsRq::check_enqueue_throttle(std::int64_t clock) {
  if (curr_ != nullptr || throttled_) {
    return;
  }
  account_runtime(0);
  if (runtime_remaining_ <= 0) {
    throttle(clock);
  }
}

void CfsRq::return_runtime() {
  const std::int64_t slack = runtime_remaining_ - min_cfs_rq_runtime;
  if (slack > 0) {
    runtime_remaining_ -= slack;
    group_->bandwidth.give_back(slack);
  }
}

bool CfsRq::receive_runtime(std::int64_t amount) {
  runtime_remaining_ += amount;
  unthrottle_pending_ = runtime_remaining_ > 0;
  return unthrottle_pending_;
}

bool CfsRq::throttled_hierarchy() const {
  const CfsRq* queue = this;
  while (!queue->throttled_ && queue->group_se_ != nullptr) {
    queue = queue->group_se_->cfs_rq;
  }
  return queue->throttled_;
}

// throttle_cfs_rq. False: there was some runtime after all.
bool CfsRq::throttle(std::int64_t clock) {
  if (assign_runtime(1)) {
    return false;
  }
  group_->bandwidth.add_throttled(*this);
  throttled_ = true;
  if (features_.throttle_tasks) {
    return true;
  }
  TaskCounts tasks = h_nr_;
  SchedEntity* se = group_se_;
  while (se != nullptr && se->on_rq) {
    CfsRq& queue = *se->cfs_rq;
    queue.dequeue_entity(*se, clock, {.sleep = true, .special = true, .delayed = se->sched_delayed});
    if (se_is_idle(*se)) {
      tasks.idle = h_nr_.queued;
    }
    queue.count(tasks, -1);
    se = se->parent;
    if (queue.load_ != 0) {
      break;
    }
  }
  for (; se != nullptr && se->on_rq; se = se->parent) {
    CfsRq& queue = *se->cfs_rq;
    queue.update_load_avg(*se, clock, {});
    se->runnable_weight = se->my_q->h_nr_.runnable;
    queue.count(tasks, -1);
  }
  return true;
}

// unthrottle_cfs_rq. A busy CPU is not rescheduled for it: its tasks wait like others that were queued.
bool CfsRq::unthrottle(std::int64_t clock) {
  unthrottle_pending_ = false;
  if (!throttled_ || (features_.throttle_tasks && runtime_remaining_ <= 0)) {
    return false;
  }
  throttled_ = false;
  group_->bandwidth.remove_throttled(*this);
  if (features_.throttle_tasks || load_ == 0) {
    return true;
  }
  TaskCounts tasks = h_nr_;
  SchedEntity* se = group_se_;
  for (; se != nullptr; se = se->parent) {
    CfsRq& queue = *se->cfs_rq;
    if (se->sched_delayed) {
      queue.dequeue_entity(*se, clock, {.sleep = true, .delayed = true});
    } else if (se->on_rq) {
      break;
    }
    queue.enqueue_entity(*se, clock, {.wakeup = true});
    if (se_is_idle(*se)) {
      tasks.idle = h_nr_.queued;
    }
    queue.count(tasks, 1);
    if (queue.throttled_) {
      return true;
    }
  }
  for (; se != nullptr; se = se->parent) {
    CfsRq& queue = *se->cfs_rq;
    queue.update_load_avg(*se, clock, {.tg = true});
    se->runnable_weight = se->my_q->h_nr_.runnable;
    queue.count(tasks, 1);
    if (queue.throttled_) {
      break;
    }
  }
  return true;
}

// throttle_cfs_rq_work, at the return to user mode. False: the group may run again already.
bool CfsRq::throttle_task(SchedEntity& task, std::int64_t clock) {
  task.throttle_work = false;
  if (!throttled_hierarchy()) {
    return false;
  }
  dequeue_entities(task, clock, {.sleep = true, .special = true});
  limbo_.push_back(&task);
  task.throttled = true;
  resched_curr();
  return true;
}

// enqueue_throttled_task: a throttled task that arrives where its group may not run either goes on waiting.
bool CfsRq::enqueue_throttled(SchedEntity& task) {
  sim::check(task.throttled && !task.on_rq, "a throttled task is off queue");
  if (throttled_hierarchy() && root_->curr_task() != &task) {
    join(task);
    limbo_.push_back(&task);
    return true;
  }
  task.throttled = false;
  return false;
}

void CfsRq::dequeue_throttled(SchedEntity& task) {
  const auto at = std::find(limbo_.begin(), limbo_.end(), &task);
  sim::check(at != limbo_.end(), "a throttled task is in limbo");
  limbo_.erase(at);
}

// tg_unthrottle_up, latest first: tasks join and leave the list at its head.
void CfsRq::leave_limbo(std::int64_t clock) {
  while (!limbo_.empty()) {
    SchedEntity& task = *limbo_.back();
    limbo_.pop_back();
    task.throttled = false;
    enqueue(task, clock, {.wakeup = true});
  }
}

}  // namespace models
