// Per-entity load tracking: how much of the recent past something was runnable or running.
//
//   time passes ─► update_load_sum ─► sums of the past, halved every 32 periods of 1024 us
//                  └─ a period ended: update_load_avg ─► load_avg, runnable_avg, util_avg
//
// Models:   kernel/sched/pelt.c: decay_load, accumulate_sum, ___update_load_sum, ___update_load_avg and the
//           signals made of them, with the kernel's integers and roundings. `now` is rq->clock_pelt, which
//           on CPUs of full capacity and constant frequency is rq->clock_task (rq->clock for the irq signal).
// Left out: scaling by frequency and capacity, util_est; what fair.c does with sums when entities move.
#pragma once

#include <cstdint>

namespace models {

inline constexpr std::int64_t load_avg_max = 47'742;                    // LOAD_AVG_MAX, sched-pelt.h
inline constexpr std::int64_t pelt_min_divider = load_avg_max - 1'024;  // PELT_MIN_DIVIDER, pelt.h

// struct sched_avg. The sums are of units of 1024 ns, runnable and util times 1024; the averages are
// refreshed when a period ends. load_avg is in units of weight, runnable_avg and util_avg of 1024 = always
// one.
struct SchedAvg {
  std::int64_t last_update_time = 0;  // ns, in steps of 1024
  std::int64_t load_sum = 0;
  std::int64_t runnable_sum = 0;
  std::int64_t util_sum = 0;
  std::int64_t period_contrib = 0;  // 0..1023: how much of the current period has passed
  std::int64_t load_avg = 0;
  std::int64_t runnable_avg = 0;
  std::int64_t util_avg = 0;
};

// val * y^n with y^32 = 1/2; n is a number of periods, at least 0.
std::int64_t decay_load(std::int64_t val, std::int64_t n);

// get_pelt_divider: the largest possible sum at this place in the period.
inline std::int64_t get_pelt_divider(const SchedAvg& avg) { return pelt_min_divider + avg.period_contrib; }

// ___update_load_sum: the time since the last update counts `load` times for load_sum, and if there is load,
// `runnable` times for runnable_sum and, if `running`, for util_sum. True: a period ended, averages are due.
bool update_load_sum(std::int64_t now, SchedAvg& avg, std::int64_t load, std::int64_t runnable, bool running);
// ___update_load_avg; `load` is the weight that a sum of plain time is to be multiplied by.
void update_load_avg(SchedAvg& avg, std::int64_t load);

// The signals. True: the averages were refreshed.
// __update_load_avg_se: `runnable` is 0 or 1 for a task (0: delayed), h_nr_runnable of its queue for a group.
bool update_load_avg_se(std::int64_t now, SchedAvg& avg, std::int64_t weight, bool on_rq,
                        std::int64_t runnable, bool running);
// __update_load_avg_blocked_se: neither queued nor running.
bool update_load_avg_blocked_se(std::int64_t now, SchedAvg& avg, std::int64_t weight);
// __update_load_avg_cfs_rq: `weight` of all that is queued, `runnable` tasks below it, and whether its curr
// is set.
bool update_load_avg_cfs_rq(std::int64_t now, SchedAvg& avg, std::int64_t weight, std::int64_t runnable,
                            bool running);
// update_rt_rq_load_avg: whether the CPU runs a task of the class.
bool update_rt_rq_load_avg(std::int64_t now, SchedAvg& avg, bool running);
// update_irq_load_avg: `running` ns of interrupts or stolen time since the last update, taken to be the
// latest ones. `clock` is rq->clock.
bool update_irq_load_avg(std::int64_t clock, SchedAvg& avg, std::int64_t running);

}  // namespace models
