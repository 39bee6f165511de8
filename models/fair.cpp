#include "models/fair.h"

#include "sim/check.h"

namespace models {

FairClass::FairClass(const CfsConfig& config, int cpus) : config_{config} {
  for (int i = 0; i < cpus; ++i) {
    roots_.push_back(std::make_unique<CfsRq>(config));
  }
}

GroupId FairClass::add_group(const TaskGroupConfig& config) {
  TaskGroup* parent = config.parent == GroupId::root ? nullptr : groups_.at(index(config.parent) - 1).get();
  const auto id = static_cast<GroupId>(groups_.size() + 1);
  groups_.push_back(std::make_unique<TaskGroup>(config, config_, parent, roots_, bandwidth, id));
  return id;
}

void FairClass::attach(SchedEntity& se, GroupId group) {
  sim::check(!se.on_rq && index(group) <= groups_.size(), "a task joins a group that exists, off queue");
  se.group = group;
}

std::int64_t FairClass::task_h_load(const SchedEntity& se) const {
  if (se.cfs_rq == nullptr || se.depth == 0) {
    return se.avg.load_avg;
  }
  return se.avg.load_avg * se.cfs_rq->h_load() / (se.cfs_rq->avg().load_avg + 1);
}

CfsRq& FairClass::task_queue(CpuId cpu, const SchedEntity& se) const {
  return se.group == GroupId::root ? *roots_[index(cpu)] : *groups_[index(se.group) - 1]->cfs_rq[index(cpu)];
}

void FairClass::enqueue_task(CpuId cpu, SchedEntity& se, std::int64_t clock, EnqueueFlags flags) {
  CfsRq& queue = task_queue(cpu, se);
  if (!se.throttled || !queue.enqueue_throttled(se)) {
    queue.enqueue(se, clock, flags);
  }
}

bool FairClass::dequeue_task(CpuId cpu, SchedEntity& se, std::int64_t clock, DequeueFlags flags) {
  if (se.throttled) {
    se.cfs_rq->dequeue_throttled(se);
    return true;
  }
  return root(cpu).dequeue(se, clock, flags);
}

bool FairClass::ineligible_on_dst_cpu(const SchedEntity& se, CpuId dst) const {
  return config_.features.place_lag && task_queue(dst, se).nr_queued() != 0 && !se.cfs_rq->eligible(se);
}

SchedEntity* FairClass::pick_task(CpuId cpu, std::int64_t clock) { return root(cpu).pick(clock); }

void FairClass::switch_task(CpuId cpu, SchedEntity* next, std::int64_t clock) {
  root(cpu).switch_to(next, clock);
}

bool FairClass::wakeup_preempt(CpuId cpu, SchedEntity& wakee, std::int64_t clock, bool fork) {
  return root(cpu).wakeup_preempt(wakee, clock, fork);
}

void FairClass::update_curr(CpuId cpu, std::int64_t clock) {
  if (const SchedEntity* curr = root(cpu).curr_task(); curr != nullptr) {
    curr->cfs_rq->update_curr(clock);
  }
}

void FairClass::tick(CpuId cpu, std::int64_t clock) { root(cpu).tick(clock); }

void FairClass::hrtick(CpuId cpu, std::int64_t clock) { root(cpu).hrtick(clock); }

void FairClass::yield(CpuId cpu, std::int64_t clock) { root(cpu).yield(clock); }

// migrate_task_rq_fair. A queue that is not running has not been updated for the time its CPU was idle, which
// the task would otherwise be spared (migrate_se_pelt_lag).
void FairClass::migrate_task(SchedEntity& se, CpuId from, CpuId, std::int64_t clock_from) {
  if (!se.load_attached) {
    return;
  }
  se.cfs_rq->remove_entity_load(se);
  if (!se.rel_deadline && root(from).curr() == nullptr) {
    update_load_avg_blocked_se(clock_from, se.avg, se.load.weight);
  }
}

// Bottom up: groups are made after their parents.
void FairClass::update_blocked_averages(CpuId cpu, std::int64_t clock) {
  for (auto group = groups_.rbegin(); group != groups_.rend(); ++group) {
    (*group)->cfs_rq[index(cpu)]->update_blocked_load(clock);
  }
  root(cpu).update_blocked_load(clock);
}

bool FairClass::throttle_task(CpuId cpu, std::int64_t clock) {
  SchedEntity* curr = root(cpu).curr_task();
  sim::check(curr != nullptr && curr->throttle_work, "a task that is to stop returns to user mode");
  return curr->cfs_rq->throttle_task(*curr, clock);
}

void FairClass::bandwidth_timer(GroupId group, BandwidthTimer timer) {
  groups_[index(group) - 1]->bandwidth.expire(timer);
}

// Tasks of a group below one that goes on may do so too: parents come before their children.
void FairClass::unthrottle(CpuId cpu, std::int64_t clock) {
  for (const auto& group : groups_) {
    CfsRq& queue = *group->cfs_rq[index(cpu)];
    if (queue.unthrottle_pending()) {
      queue.unthrottle(clock);
    }
    if (!queue.throttled_hierarchy()) {
      queue.leave_limbo(clock);
    }
  }
}

void FairClass::resched_curr(CpuId cpu) { root(cpu).resched_curr(); }

void FairClass::clear_resched(CpuId cpu) { root(cpu).clear_resched(); }

void FairClass::set_user_nice(CpuId cpu, SchedEntity& se, int nice, std::int64_t clock) {
  root(cpu).set_user_nice(se, nice, clock);
}

void FairClass::set_slice(CpuId cpu, SchedEntity& se, sim::Nanos slice, std::int64_t clock) {
  root(cpu).set_slice(se, slice, clock);
}

}  // namespace models
