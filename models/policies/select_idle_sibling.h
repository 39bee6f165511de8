// An idle CPU near a target, as far as one is found in the time that looking is worth.
//
//   target ─► prev ─► (a per-CPU kernel thread's wakee: prev) ─► recently used CPU ─► sibling of prev
//          ─► an idle core, or an idle CPU, of the LLC from target + 1 on ─► target, to wait there
//
// Models:   kernel/sched/fair.c: select_idle_sibling, select_idle_smt, select_idle_cpu with SIS_UTIL's budget
//           (nr_idle_scan of the LLC, as the last periodic balance left it), select_idle_core.
// Left out: clusters, asymmetric capacity.
#pragma once

#include "models/run_queues.h"

namespace models {

// Sets the wakee's recent_used_cpu and may clear the LLC's has_idle_cores. The result may be a CPU that the
// wakee is not allowed on: the target and the previous CPU are not asked for that.
CpuId select_idle_sibling(RunQueues& rqs, const Placement& placement, CpuId target);

}  // namespace models
