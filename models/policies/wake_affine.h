// Whether a wakee's search for a CPU starts where it slept or where its waker runs.
//
// Models:   kernel/sched/fair.c: wake_wide, wake_affine, wake_affine_idle, wake_affine_weight. The waker
//           is the task that runs on the waker's CPU, also when an interrupt on top of it does the waking; on
//           an idle CPU it is the idle task.
#pragma once

#include "models/run_queues.h"

namespace models {

// The waker and the wakee switch partners so often, and one so much more than the other, that the wakees of
// such a master are better spread than drawn to it.
bool wake_wide(const RunQueues& rqs, const Placement& placement);

// The waker's or the previous CPU, which differ and are both in `domain`.
CpuId wake_affine(const RunQueues& rqs, const SchedDomain& domain, const Placement& placement);

}  // namespace models
