// What the fair class knows of one task, or of a task group on one CPU; linked into at most one CfsRq.
//
// Models:   include/linux/sched.h: struct sched_entity, with the kernel's field names.
// Left out: statistics.
#pragma once

#include <cstdint>

#include "models/ids.h"
#include "models/pelt.h"
#include "models/sched_weights.h"
#include "models/workload_config.h"

namespace models {

class CfsRq;

// A task group (cgroup or autogroup). The root group is always there.
enum class GroupId : std::int32_t { root = 0 };

// A CfsRq writes everything below `task`; others read. All times are ns: vruntime and deadline on the run
// queue's virtual clock, where a task of weight w advances 1024/w ns in each ns it runs.
//
// Three states:  off queue           !on_rq                   vlag is what it is owed
//                queued or running   on_rq, !sched_delayed    vruntime and deadline are in force
//                delayed             on_rq, sched_delayed     it sleeps, but competes until its lag is paid
//
// A task group has an entity per CPU, on the queue of the group above; it is queued while tasks are queued in
// its own queue there (my_q), and then competes for them all.
struct SchedEntity {
  TaskId task = TaskId::none;              // none: a group's entity
  SchedClass policy = SchedClass::normal;  // normal, batch or idle; other classes are never queued here
  int nice = 0;

  bool on_rq = false;          // in the queue or running: a wakeup finds it "already queued"
  bool sched_delayed = false;  // asleep, dequeue put off until its lag is no longer negative
  bool rel_deadline = false;   // `deadline` is relative to vruntime: it left the queue without sleeping
  bool custom_slice = false;   // `slice` was set by sched_setattr and does not follow the base slice

  LoadWeight load;
  std::int64_t vruntime = 0;
  std::int64_t deadline = 0;  // vruntime at which the current request (slice) is used up
  std::int64_t slice = 0;     // request size in real ns
  // Off queue: V - vruntime, clamped, as it was when it left; a positive lag is service still owed to it.
  // While running: its slice protection, which 6.12 keeps in this field as a copy of the deadline taken at
  // the switch and 6.18 keeps in the same storage under the name vprot. Waiting in the queue: meaningless.
  std::int64_t vlag = 0;
  std::int64_t exec_start = 0;             // clock_task up to which it has been charged
  std::int64_t sum_exec_runtime = 0;       // real ns of CPU it was charged for
  std::int64_t prev_sum_exec_runtime = 0;  // the same when it was last switched to

  GroupId group = GroupId::root;  // which group a task is in
  int depth = 0;                  // 0: on a root queue
  CfsRq* cfs_rq = nullptr;        // the queue it is on, or was on last
  CfsRq* my_q = nullptr;          // of a group's entity: the queue it stands for
  SchedEntity* parent = nullptr;  // who stands for cfs_rq in the queue above

  bool throttle_work = false;  // a task of a group out of runtime: it stops when it returns to user mode
  bool throttled = false;      // it has, and is off queue until its group may run

  SchedAvg avg;
  std::int64_t runnable_weight = 0;  // of a group's entity: h_nr_runnable of my_q as of its last update
  bool load_known = false;           // it has had its first averages (post_init_entity_util_avg)
  bool load_attached = false;        // its averages are part of cfs_rq's (kernel: last_update_time is not 0)
};

}  // namespace models
