// The fair class's run queue of one CPU: earliest eligible virtual deadline first.
//
//   wakeup, fork, migration ──enqueue()──►  CfsRq  ──pick()──► the entity to run next
//   block, migration        ──dequeue()──►         ──need_resched()──► the running task should be rescheduled
//   tick, yield, nice(1)    ────────────►
//
// V is the weighted mean of the vruntimes of all queued entities, the running one included. An entity is
// eligible while its vruntime is not beyond V: while it is owed service, lag_i = w_i * (V - v_i) >= 0.
// Of the eligible ones the earliest virtual deadline runs: vd_i = ve_i + r_i / w_i.
//
// Models:   kernel/sched/fair.c of 6.12.117 and 6.18.33 (sched_features.h): avg_vruntime, entity_eligible,
//           update_curr, update_deadline, place_entity, enqueue_entity, dequeue_entity,
//           requeue_delayed_entity, pick_eevdf, set_next_entity, put_prev_entity, check_preempt_wakeup_fair,
//           yield_task_fair, reweight_entity. Integers and roundings are the kernel's. The red-black tree is
//           a sorted array: run queues are short, and equal deadlines keep insertion order in both.
// Left out: groups (autogroup, cgroups), quota, buddies, HRTICK, core scheduling, PELT.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "models/sched_entity.h"
#include "models/sched_features.h"
#include "sim/time.h"

namespace models {

struct CfsConfig {
  SchedFeatures features;
  sim::Nanos base_slice{2'800'000};           // sysctl_sched_base_slice, scaled by CPUs: base_slice()
  sim::Nanos normalized_base_slice{700'000};  // unscaled; the 6.18 quantum with run_to_parity off
  sim::Nanos tick{4'000'000};                 // TICK_NSEC
};

// Without a flag: the other half of a non-sleep dequeue (migration, nice change).
struct EnqueueFlags {
  bool initial = false;   // a new task's first enqueue
  bool wakeup = false;    // from sleep
  bool migrated = false;  // it comes from another CPU's queue
};

// Without a flag: the task stays runnable and comes back soon (migration, nice change).
struct DequeueFlags {
  bool sleep = false;    // it blocks
  bool special = false;  // with sleep: exit, stop and the like, which are never delayed
  bool delayed = false;  // with sleep: finish the dequeue of a delayed entity
};

// `clock` is the CPU's rq->clock_task in ns: monotonic, without interrupt and steal time where those are
// accounted. A caller that switches tasks does so in the kernel's order:
//
//   if it blocks, dequeue(prev);  next = pick();  if next is not curr(), put_prev() and set_next(next);
//   clear_resched().
//
// Invariants: a queued entity outside `curr` is in the array once, sorted by deadline; `curr` never is; the
// sums cover the array alone. An entity in the array is changed only by taking it out first.
class CfsRq {
 public:
  explicit CfsRq(const CfsConfig& config);
  CfsRq(const CfsRq&) = delete;  // tasks are queued here by address
  CfsRq& operator=(const CfsRq&) = delete;

  // Outputs.
  SchedEntity* curr() const { return curr_; }          // running or last run here; not after put_prev
  bool need_resched() const { return need_resched_; }  // TIF_NEED_RESCHED, as far as this class raised it
  int nr_queued() const { return nr_queued_; }         // with curr and delayed entities
  int nr_runnable() const { return nr_queued_ - nr_delayed_; }
  std::int64_t load() const { return load_; }           // sum of the weights of all queued entities
  std::int64_t avg_vruntime();                          // V; moves the zero point there, as the kernel does
  bool eligible(const SchedEntity& se) const;           // lag >= 0; se is on this queue
  bool protected_slice(const SchedEntity& curr) const;  // it keeps the CPU against earlier deadlines
  std::int64_t entity_lag(const SchedEntity& se);       // clamped V - v, as a dequeue now would store it

  // Inputs.
  // Puts a task on the queue, or wakes a delayed one where it is. May raise need_resched (curr is charged).
  void enqueue(SchedEntity& se, std::int64_t clock, EnqueueFlags flags);
  // Takes a task off the queue. False: it sleeps but stays queued as delayed, until a pick finds it eligible.
  bool dequeue(SchedEntity& se, std::int64_t clock, DequeueFlags flags);
  // pick_task_fair: the entity to run, which may be curr; nullptr if none is runnable. Delayed entities that
  // win are dequeued for good on the way: their on_rq is then false.
  SchedEntity* pick(std::int64_t clock);
  void set_next(SchedEntity& se, std::int64_t clock);  // se, picked and not curr, starts to run
  void put_prev(std::int64_t clock);  // curr stops running; queued again if it is still runnable
  // Charges curr for the time since the last call; raises need_resched when its slice has ended.
  void update_curr(std::int64_t clock);
  // check_preempt_wakeup_fair: whether the wakee, just enqueued here, takes the CPU from curr; need_resched
  // is then raised too. Asks nothing while need_resched is set. The caller does not ask when the CPU is to be
  // rescheduled for another class, or when another class runs. fork: the wakee is new.
  bool wakeup_preempt(SchedEntity& wakee, std::int64_t clock, bool fork = false);
  void tick(std::int64_t clock);   // entity_tick
  void yield(std::int64_t clock);  // sched_yield of curr; the caller then schedules
  void resched_curr() { need_resched_ = true; }
  void clear_resched() { need_resched_ = false; }  // __schedule has picked

  // setpriority(2): the task is taken out, reweighted and put back, whether queued, running or asleep.
  // Raises need_resched when a running task lost priority; a waiting one that won may then preempt
  // (wakeup_preempt). Tasks that are not queued anywhere may use any CfsRq.
  void set_user_nice(SchedEntity& se, int nice, std::int64_t clock);
  // sched_setattr(2) with sched_runtime: the slice from the next request on, clamped to 0.1..100 ms; zero
  // returns to the base slice.
  void set_slice(SchedEntity& se, sim::Nanos slice, std::int64_t clock);
  // Changes the weight of an entity in place: what a group entity meets when its shares move.
  void reweight_entity(SchedEntity& se, LoadWeight load, std::int64_t clock);

 private:
  // The copies are valid while the entity is in the array: nothing changes them there.
  struct Node {
    std::int64_t deadline;
    std::int64_t vruntime;
    SchedEntity* se;
  };
  // Smallest or largest slice in the array, and how many entities have it.
  struct SliceExtreme {
    std::int64_t slice = 0;
    int count = 0;
  };

  const SchedEntity* curr_on_rq() const { return curr_ != nullptr && curr_->on_rq ? curr_ : nullptr; }
  bool vruntime_eligible(std::int64_t vruntime) const;
  void insert(SchedEntity& se);
  void remove(SchedEntity& se);
  void count_slice(const SchedEntity& se);
  void recount_slices();
  void place_entity(SchedEntity& se, EnqueueFlags flags);
  void requeue_delayed(SchedEntity& se);
  bool update_deadline(SchedEntity& se) const;
  SchedEntity* pick_eevdf(bool protect) const;
  SchedEntity* pick_next_entity(std::int64_t clock, bool protect);
  bool wakee_wins(SchedEntity& wakee, std::int64_t clock, bool fork);
  bool preempts_short(const SchedEntity& wakee) const;
  void set_protect_slice(SchedEntity& se) const;
  void cancel_protect_slice(SchedEntity& se) const;
  std::int64_t min_slice() const;
  std::int64_t max_slice() const;
  template <class Change>
  void change(SchedEntity& se, std::int64_t clock, Change&& change_it);

  SchedFeatures features_;
  std::int64_t base_slice_;
  std::int64_t normalized_base_slice_;
  std::int64_t tick_;

  std::vector<Node> timeline_;  // tasks_timeline: by deadline, equal deadlines in order of insertion
  SchedEntity* curr_ = nullptr;
  bool need_resched_ = false;
  int nr_queued_ = 0;
  int nr_delayed_ = 0;
  std::int64_t load_ = 0;
  std::int64_t zero_vruntime_;       // v0
  std::int64_t sum_w_vruntime_ = 0;  // sum of w_i * (v_i - v0) over the array (6.12: avg_vruntime)
  std::int64_t sum_weight_ = 0;      // sum of w_i over the array (6.12: avg_load)
  SliceExtreme min_slice_, max_slice_;
};

// What leaving the fair class does to an entity that is off queue (switched_from_fair): its lag is void.
void switched_from_fair(SchedEntity& se);

}  // namespace models
