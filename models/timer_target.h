// On which CPU an hrtimer that is not pinned waits: where it is armed, or, if that CPU is idle, on a busy
// one.
//
// Models:   kernel/sched/core.c:get_nohz_timer_target (the nearest busy CPU of the scheduling domains,
//           from the inside out, each in the order of its CPUs) and
//           kernel/time/hrtimer.c:switch_hrtimer_base: a timer that would be the target's next stays, because
//           only a CPU itself can program its clock event.
// Left out: housekeeping masks (nohz_full), NUMA domains beyond the machine.
#pragma once

#include <algorithm>

#include "models/ids.h"
#include "models/kernel_config.h"

namespace models {

// `idle(CpuId)` is idle_cpu(): nothing runs there, is queued or on its way.
template <class IdleCpu>
CpuId get_nohz_timer_target(CpuId here, const TopologyConfig& topology, IdleCpu&& idle) {
  if (!idle(here)) {
    return here;
  }
  const int llc = topology.llc_cpus == 0 ? topology.cpus : topology.llc_cpus;
  for (const int span : {topology.smt, llc, topology.cpus}) {
    const int first = static_cast<int>(here) / span * span;
    for (int i = first; i < std::min(first + span, topology.cpus); ++i) {
      const auto other = static_cast<CpuId>(i);
      if (other != here && !idle(other)) {
        return other;
      }
    }
  }
  return here;
}

// `would_be_next(CpuId)` says whether the timer would expire before everything the CPU's clock event waits
// for.
template <class IdleCpu, class WouldBeNext>
CpuId hrtimer_cpu(CpuId here, bool timer_migration, const TopologyConfig& topology, IdleCpu&& idle,
                  WouldBeNext&& would_be_next) {
  if (!timer_migration) {
    return here;
  }
  const CpuId target = get_nohz_timer_target(here, topology, idle);
  return target != here && would_be_next(target) ? here : target;
}

}  // namespace models
