// Which CPU a woken real-time task goes to.
//
// Models:   kernel/sched/rt.c: select_task_rq_rt, find_lowest_rq; cpupri.c: cpupri_find, where CPUs without
//           real-time tasks are alike, whether idle or not. Capacities are equal.
// Left out: pushing and pulling of real-time tasks that wait.
#pragma once

#include <vector>

#include "models/run_queues.h"

namespace models {

class RtPlacement {
 public:
  CpuId select_task_rq(const RunQueues& rqs, const Placement& placement);

 private:
  CpuId find_lowest_rq(const RunQueues& rqs, const Placement& placement);
  CpuId any_and_distribute(CpuId waker, const CpuMask& mask, CpuSpan span);

  std::vector<int> distribute_prev_;  // distribute_cpu_mask_prev of each CPU
};

}  // namespace models
