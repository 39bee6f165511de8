// The fair server of a CPU: a deadline reservation that lets fair tasks run before real-time ones, but only
// after they have starved.
//
//   fair tasks queued, ran, gone ─►  FairServer  ─runs_fair()─► the fair class goes before rt
//   timer ─────────────────────────►             ─timer_at()──► when to call expire()
//
// Deferred: with fair tasks queued it waits until deadline - runtime. What they run meanwhile by themselves
// is taken off its runtime, and once all of that is gone it starts over with a new period: they do not
// starve. Else it is activated, for its runtime in each period, until fair tasks get along without it.
//
// Models:   kernel/sched/deadline.c of 6.12: dl_server_start, dl_server_stop, dl_server_update,
//           dl_server_update_idle_time, dl_server_timer, update_dl_entity, replenish_dl_entity,
//           replenish_dl_new_period, update_curr_dl_se, start_dl_timer; fair.c: fair_server_init.
// Left out: deadline tasks to compete with, its bandwidth in admission control. 6.18 does not stop the server
//           when the last fair task leaves but when it is next due: fair tasks that come back before that
//           are activated by the old timer, so sooner than here, by less than a period.
#pragma once

#include <cstdint>

#include "sim/time.h"

namespace models {

// debugfs sched/fair_server/cpuN
struct FairServerConfig {
  sim::Nanos runtime{50'000'000};  // per period; 0: no server
  sim::Nanos period{1'000'000'000};
};

template <class Visitor>
void fields(FairServerConfig& config, Visitor&& field) {
  field("runtime", config.runtime);
  field("period", config.period);
}

// `clock` is rq->clock in ns; spans are of clock_task.
class FairServer {
 public:
  explicit FairServer(const FairServerConfig& config);

  // Outputs.
  bool runs_fair() const { return on_dl_rq_; }  // the next pick is the fair class's, even before rt
  // When to call expire(); negative: not at all. Any input may change it.
  std::int64_t timer_at() const { return timer_at_; }

  // Inputs. After each of them the caller looks whether runs_fair() has changed: if so, it reschedules.
  void start(std::int64_t clock);  // the first fair task has been queued (h_nr_queued was 0)
  void stop();                     // the last one has left
  void fair_ran(sim::Nanos span, std::int64_t clock);  // a fair task was charged, on whichever terms it ran
  void idled(sim::Nanos span);  // the CPU was idle, which would have been time for fair tasks too
  void expire(std::int64_t clock);

 private:
  void new_period(std::int64_t clock);
  void replenish(std::int64_t clock);
  void enqueue();
  bool start_timer(std::int64_t clock);
  void cancel_timer() { timer_at_ = -1; }
  bool overflow(std::int64_t clock) const;

  std::int64_t dl_runtime_;
  std::int64_t dl_period_;
  std::int64_t runtime_ = 0;    // left, may be negative
  std::int64_t deadline_ = -1;  // clock; none yet
  std::int64_t timer_at_ = -1;
  bool active_ = false;         // dl_server_active
  bool throttled_ = false;      // dl_throttled: waits, for activation or for the next period
  bool defer_armed_ = false;    // it waits for activation
  bool defer_running_ = false;  // it has been activated, and fair tasks still depend on it
  bool on_dl_rq_ = false;
};

}  // namespace models
