// What the fair class knows of one task; embedded in the task, linked into at most one CfsRq.
//
// Models:   include/linux/sched.h: struct sched_entity, with the kernel's field names.
// Left out: group entities (parent, my_q, depth), PELT averages, statistics.
#pragma once

#include <cstdint>

#include "models/ids.h"
#include "models/sched_weights.h"
#include "models/workload_config.h"

namespace models {

// A CfsRq writes everything below `task`; others read. All times are ns: vruntime and deadline on the run
// queue's virtual clock, where a task of weight w advances 1024/w ns in each ns it runs.
//
// Three states:  off queue           !on_rq                   vlag is what it is owed
//                queued or running   on_rq, !sched_delayed    vruntime and deadline are in force
//                delayed             on_rq, sched_delayed     it sleeps, but competes until its lag is paid
struct SchedEntity {
  TaskId task = TaskId::none;
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
  std::int64_t exec_start = 0;        // clock_task up to which it has been charged
  std::int64_t sum_exec_runtime = 0;  // real ns of CPU it was charged for
};

}  // namespace models
