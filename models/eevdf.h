// The fair class's run queue of one CPU and task group: earliest eligible virtual deadline first.
//
//   wakeup, fork, migration ──enqueue()──►  CfsRq  ──pick()──► the entity to run next
//   block, migration        ──dequeue()──►         ──need_resched()──► the running task should be rescheduled
//   tick, yield, nice(1)    ────────────►
//
// V is the weighted mean of the vruntimes of all queued entities, the running one included. An entity is
// eligible while its vruntime is not beyond V: while it is owed service, lag_i = w_i * (V - v_i) >= 0.
// Of the eligible ones the earliest virtual deadline runs: vd_i = ve_i + r_i / w_i.
//
// A CPU has a root queue, and one more for each task group; a group's queue is represented in the queue above
// by an entity. Inputs are of tasks and go to any queue of the CPU: they walk up from the task.
//
// Models:   kernel/sched/fair.c of 6.12.117 and 6.18.33 (sched_features.h): avg_vruntime, entity_eligible,
//           update_curr, update_deadline, place_entity, enqueue_task_fair, enqueue_entity, dequeue_entities,
//           dequeue_entity, requeue_delayed_entity, pick_eevdf, pick_next_task_fair, set_next_entity,
//           put_prev_entity, check_preempt_wakeup_fair, entity_tick, yield_task_fair, reweight_entity,
//           update_load_avg, update_cfs_group. Integers and roundings are the kernel's. The red-black tree is
//           a sorted array: run queues are short, and equal deadlines keep insertion order in both.
// Left out: core scheduling, yield_to.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "models/pelt.h"
#include "models/sched_entity.h"
#include "models/sched_features.h"
#include "sim/time.h"

namespace models {

struct TaskGroup;

struct CfsConfig {
  SchedFeatures features;
  sim::Nanos base_slice{2'800'000};           // sysctl_sched_base_slice, scaled by CPUs: base_slice()
  sim::Nanos normalized_base_slice{700'000};  // unscaled; the 6.18 quantum with run_to_parity off
  sim::Nanos tick{4'000'000};                 // TICK_NSEC
  sim::Nanos bandwidth_slice{5'000'000};      // sysctl_sched_cfs_bandwidth_slice
};

// Without a flag: the other half of a non-sleep dequeue (migration, nice change).
struct EnqueueFlags {
  bool initial = false;   // a new task's first enqueue
  bool wakeup = false;    // from sleep
  bool migrated = false;  // it comes from another CPU's queue
};

// Without a flag: the task stays runnable and comes back soon (migration, nice change).
struct DequeueFlags {
  bool sleep = false;      // it blocks
  bool special = false;    // with sleep: exit, stop and the like, which are never delayed
  bool delayed = false;    // with sleep: finish the dequeue of a delayed entity
  bool migrating = false;  // it leaves for another CPU: its load goes along at once
};

// `clock` is the CPU's rq->clock_task in ns: monotonic, without interrupt and steal time where those are
// accounted; it is the clock of load tracking too. A caller that switches tasks does so in the kernel's
// order:
//
//   if it blocks, dequeue(prev);  next = pick();  if next is not the current task, switch_to(next);
//   clear_resched().
//
// Invariants: a queued entity outside `curr` is in the array once, sorted by deadline; `curr` never is; the
// sums cover the array alone. An entity in the array is changed only by taking it out first.
class CfsRq {
 public:
  explicit CfsRq(const CfsConfig& config);  // a root queue
  // The queue of a group on the CPU of `root`, represented above by `se`.
  CfsRq(const CfsConfig& config, TaskGroup& group, CfsRq& root, SchedEntity& se, CpuId cpu);
  CfsRq(const CfsRq&) = delete;  // tasks are queued here by address
  CfsRq& operator=(const CfsRq&) = delete;

  // Outputs.
  SchedEntity* curr() const { return curr_; }  // of this queue: running or last run here; not after put_prev
  SchedEntity* curr_task() const;              // of this queue and below
  bool need_resched() const { return root_->need_resched_; }  // TIF_NEED_RESCHED, as this class raised it
  int nr_queued() const { return nr_queued_; }                // entities of this queue, with curr and delayed
  int h_nr_queued() const { return h_nr_.queued; }            // tasks of this queue and below
  int nr_runnable() const { return h_nr_.runnable; }          // the same without delayed sleepers
  int h_nr_idle() const { return h_nr_.idle; }                // the same of SCHED_IDLE or in idle groups
  std::int64_t load() const { return scale_load_down(load_); }  // sum of the weights of all queued entities
  const SchedAvg& avg() const { return avg_; }          // as of its last update; weights and 1024ths (pelt.h)
  std::int64_t avg_vruntime();                          // V; moves the zero point there, as the kernel does
  bool eligible(const SchedEntity& se) const;           // lag >= 0; se is on this queue
  bool protected_slice(const SchedEntity& curr) const;  // it keeps the CPU against earlier deadlines
  std::int64_t entity_lag(const SchedEntity& se);       // clamped V - v, as a dequeue now would store it
  std::int64_t h_load() const;  // this queue's part of the CPU's load: update_cfs_rq_h_load
  // hrtick_start_fair: in how many ns the running task's slice ends; negative: nothing to end.
  std::int64_t hrtick_delay() const;

  CpuId cpu() const { return cpu_; }  // of a group's queue
  std::int64_t runtime_remaining() const {
    return runtime_remaining_;
  }                                                                // ns it may run before it asks for more
  bool throttled() const { return throttled_; }                    // out of runtime
  bool throttled_hierarchy() const;                                // it or a queue above it
  bool unthrottle_pending() const { return unthrottle_pending_; }  // given runtime, not yet unthrottled

  // Inputs.
  // Puts a task on this queue, or wakes a delayed one where it is. May raise need_resched (curr is charged).
  void enqueue(SchedEntity& task, std::int64_t clock, EnqueueFlags flags);
  // Takes a task off the queue. False: it sleeps but stays queued as delayed, until a pick finds it eligible.
  bool dequeue(SchedEntity& task, std::int64_t clock, DequeueFlags flags);
  // pick_task_fair on a root: the task to run, which may be the current one; nullptr if none is runnable.
  // Delayed entities that win are dequeued for good on the way: their on_rq is then false.
  SchedEntity* pick(std::int64_t clock);
  // The switch from the current task to another one, or from and to another class (nullptr). Between two
  // fair tasks only the levels that differ change hands: a group that goes on running keeps its protection.
  void switch_to(SchedEntity* next, std::int64_t clock);
  void set_next(SchedEntity& task, std::int64_t clock);  // a task, picked and not current, starts to run
  void put_prev(std::int64_t clock);  // the current task stops running; queued again if still runnable
  // Charges this queue's curr for the time since the last call; raises need_resched when its slice has ended.
  void update_curr(std::int64_t clock);
  // check_preempt_wakeup_fair: whether the wakee, just enqueued, takes the CPU from the current task;
  // need_resched is then raised too. Asks nothing while need_resched is set. The caller does not ask when the
  // CPU is to be rescheduled for another class, or when another class runs. fork: the wakee is new.
  bool wakeup_preempt(SchedEntity& wakee, std::int64_t clock, bool fork = false);
  void tick(std::int64_t clock);    // task_tick_fair
  void hrtick(std::int64_t clock);  // the timer for the end of the slice
  void yield(std::int64_t clock);   // sched_yield of the current task; the caller then schedules
  void resched_curr() { root_->need_resched_ = true; }
  void clear_resched() { root_->need_resched_ = false; }  // __schedule has picked

  // setpriority(2): the task is taken out, reweighted and put back, whether queued, running or asleep.
  // Raises need_resched when a running task lost priority; a waiting one that won may then preempt
  // (wakeup_preempt). Tasks that are not queued anywhere may use any CfsRq.
  void set_user_nice(SchedEntity& se, int nice, std::int64_t clock);
  // sched_setattr(2) with sched_runtime: the slice from the next request on, clamped to 0.1..100 ms; zero
  // returns to the base slice.
  void set_slice(SchedEntity& se, sim::Nanos slice, std::int64_t clock);
  // Changes the weight of an entity in place: what a group entity meets when its shares move.
  void reweight_entity(SchedEntity& se, LoadWeight load, std::int64_t clock);
  // remove_entity_load_avg: a task off queue, last on this one, goes to another CPU. This queue forgets its
  // load: at its next update if it sleeps, at once if it was moved. The task's own goes on from what it was.
  void remove_entity_load(SchedEntity& se);
  // cpu.max, by the group's pool and the class: runtime from the pool (true: enough to go on); to go on, on
  // this CPU; to let the tasks in limbo go on too. A task that returns to user mode with throttle_work set
  // stops, unless it turns out that it need not (false); in that state it is queued and dequeued in limbo.
  bool receive_runtime(std::int64_t amount);
  bool unthrottle(std::int64_t clock);
  void leave_limbo(std::int64_t clock);
  bool throttle_task(SchedEntity& task, std::int64_t clock);
  bool enqueue_throttled(SchedEntity& task);
  void dequeue_throttled(SchedEntity& task);
  // One queue's turn in update_blocked_averages: the load of sleepers decays, and the queue above learns.
  void update_blocked_load(std::int64_t clock);

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
  struct TaskCounts {
    int queued = 0;
    int runnable = 0;
    int idle = 0;
  };
  // Averages of sleepers that left for other CPUs, to be taken off at the next update.
  struct Removed {
    int nr = 0;
    std::int64_t load_avg = 0;
    std::int64_t util_avg = 0;
    std::int64_t runnable_avg = 0;
  };
  struct LoadUpdate {
    bool tg = false;      // UPDATE_TG: the group learns of it
    bool attach = false;  // DO_ATTACH: the entity may be new here
    bool detach = false;  // DO_DETACH: it leaves
  };

  const SchedEntity* curr_on_rq() const { return curr_ != nullptr && curr_->on_rq ? curr_ : nullptr; }
  static bool se_is_idle(const SchedEntity& se);
  bool vruntime_eligible(std::int64_t vruntime) const;
  void insert(SchedEntity& se);
  void remove(SchedEntity& se);
  void count_slice(const SchedEntity& se);
  void recount_slices();
  void set_entity_slice(SchedEntity& se, std::int64_t slice);
  void join(SchedEntity& task);
  void place_entity(SchedEntity& se, EnqueueFlags flags);
  void enqueue_entity(SchedEntity& se, std::int64_t clock, EnqueueFlags flags);
  bool dequeue_entity(SchedEntity& se, std::int64_t clock, DequeueFlags flags);
  static bool dequeue_entities(SchedEntity& first, std::int64_t clock, DequeueFlags flags);
  void requeue_delayed(SchedEntity& se, std::int64_t clock);
  static void count_runnable(SchedEntity& task, int change);
  void count(const TaskCounts& tasks, int sign);
  bool update_deadline(SchedEntity& se) const;
  void set_next_entity(SchedEntity& se, std::int64_t clock);
  void put_prev_entity(std::int64_t clock);
  static void set_next_buddy(SchedEntity& se);
  void clear_buddies(SchedEntity& se);
  bool buddy_eligible() const;
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

  bool assign_runtime(std::int64_t target);
  void account_runtime(std::int64_t delta_exec);
  bool check_runtime(std::int64_t clock);
  void check_enqueue_throttle(std::int64_t clock);
  void return_runtime();
  bool throttle(std::int64_t clock);
  bool off() const { return throttled_ && !features_.throttle_tasks; }  // its entity is not queued above

  void update_load_avg(SchedEntity& se, std::int64_t clock, LoadUpdate update);
  bool update_cfs_rq_load_avg(std::int64_t clock);
  void init_entity_load(SchedEntity& task) const;
  void attach_entity_load(SchedEntity& se);
  void detach_entity_load(SchedEntity& se);
  void enqueue_load_avg(const SchedEntity& se);
  void dequeue_load_avg(const SchedEntity& se);
  bool propagate_entity_load(SchedEntity& se);
  void update_tg_cfs_load(SchedEntity& se);
  void update_tg_load_avg(std::int64_t clock);
  void reweight_load_avg(SchedEntity& se, LoadWeight load);
  void update_cfs_group(SchedEntity& se, std::int64_t clock);
  std::int64_t calc_group_shares() const;

  SchedFeatures features_;
  std::int64_t base_slice_;
  std::int64_t normalized_base_slice_;
  std::int64_t tick_;

  TaskGroup* group_ = nullptr;       // null: the root group
  CfsRq* root_;                      // of this CPU
  SchedEntity* group_se_ = nullptr;  // who represents this queue above
  std::vector<Node> timeline_;       // tasks_timeline: by deadline, equal deadlines in order of insertion
  SchedEntity* curr_ = nullptr;
  SchedEntity* next_ = nullptr;  // the buddy: picked before its turn if it is eligible
  bool need_resched_ = false;
  int nr_queued_ = 0;
  TaskCounts h_nr_;
  std::int64_t load_ = 0;            // as weights are stored
  std::int64_t zero_vruntime_;       // v0
  std::int64_t sum_w_vruntime_ = 0;  // sum of w_i * (v_i - v0) over the array (6.12: avg_vruntime)
  std::int64_t sum_weight_ = 0;      // sum of w_i over the array (6.12: avg_load)
  SliceExtreme min_slice_, max_slice_;

  CpuId cpu_ = CpuId::none;
  bool runtime_enabled_ = false;
  bool throttled_ = false;
  bool unthrottle_pending_ = false;
  std::int64_t runtime_remaining_ = 0;
  std::vector<SchedEntity*> limbo_;  // throttled_limbo_list

  SchedAvg avg_;
  Removed removed_;
  bool propagate_ = false;              // the entity above is to learn of entities attached or detached here
  std::int64_t prop_runnable_sum_ = 0;  // by how much that changed load_sum, in unweighted time
  std::int64_t tg_load_avg_contrib_ = 0;               // what group_->load_avg holds of this queue
  std::int64_t last_update_tg_load_avg_ = -1'000'000;  // clock
};

// What leaving the fair class does to an entity that is off queue (switched_from_fair): its lag is void.
void switched_from_fair(SchedEntity& se);

}  // namespace models
