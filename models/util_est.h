// What a task is likely to use when it runs again: its utilisation when it last blocked, decayed less than
// PELT decays it in sleep.
//
// Models:   kernel/sched/fair.c: util_est_enqueue, util_est_dequeue, util_est_update (UTIL_EST): the estimate
// rises
//           at once and falls by a quarter of the difference.
#pragma once

#include <cstdint>

#include "models/pelt.h"

namespace models {

struct UtilEst {
  std::int64_t estimate = 0;  // of 1024
  // UTIL_AVG_UNCHANGED: the averages that the estimate was made of, until they are refreshed.
  std::int64_t made_at = -1;
};

// A task blocks.
inline void update_util_est(UtilEst& est, const SchedAvg& avg) {
  constexpr std::int64_t margin = 10;  // UTIL_EST_MARGIN
  if (est.made_at == avg.last_update_time) {
    return;
  }
  est.made_at = avg.last_update_time;
  const std::int64_t excess = est.estimate - avg.util_avg;
  if (excess <= 0) {
    est.estimate = avg.util_avg;
  } else if (excess >= margin && avg.util_avg + margin >= avg.runnable_avg) {
    est.estimate = (est.estimate * 4 - excess) / 4;
  }
}

}  // namespace models
