// cpu.max of a task group: CPU time that all its queues draw on, refilled once per period.
//
//   CfsRq ─ assign(): 5 ms at a time ─►  CfsBandwidth  ─ nothing left: add_throttled()
//         ◄─ runtime, unthrottle ────────              ◄─ expire(): the period's timer, the slack timer
//
// Models:   kernel/sched/sched.h: struct cfs_bandwidth; fair.c: __assign_cfs_rq_runtime,
//           start_cfs_bandwidth, do_sched_cfs_period_timer, distribute_cfs_runtime,
//           __return_cfs_rq_runtime, do_sched_cfs_slack_timer. What a queue does is in eevdf_bandwidth.cpp.
// Left out: cpu.max.burst; stretching of periods that are too short for their timer; the random phase of a
//           period: periods start at multiples of their length.
#pragma once

#include <cstdint>
#include <vector>

#include "models/ids.h"
#include "models/sched_entity.h"
#include "sim/port.h"
#include "sim/time.h"

namespace models {

enum class BandwidthTimer : std::uint8_t { period, slack };

// Times are rq->clock, which goes on in interrupts and stolen time: those of hrtimers.
struct BandwidthPorts {
  sim::Port<std::int64_t()> now;
  sim::Port<void(GroupId, BandwidthTimer, std::int64_t at)> start_timer;  // out: at `at`, bandwidth_timer()
  sim::Port<void(CpuId)> unthrottle;  // out: on that CPU, by IPI if it is another one, unthrottle()
};

class CfsBandwidth {
 public:
  CfsBandwidth(sim::Nanos quota, sim::Nanos period, sim::Nanos slice, const BandwidthPorts& ports,
               GroupId id);
  CfsBandwidth(const CfsBandwidth&) = delete;
  CfsBandwidth& operator=(const CfsBandwidth&) = delete;

  // Outputs, times in ns.
  bool limited() const { return quota_ > 0; }
  std::int64_t runtime() const { return runtime_; }             // left in this period, not handed out
  std::int64_t slice() const { return slice_; }                 // sched_cfs_bandwidth_slice
  std::uint64_t nr_periods() const { return nr_periods_; }      // cpu.stat
  std::uint64_t nr_throttled() const { return nr_throttled_; }  // of them with a queue that had to stop

  // Inputs.
  std::int64_t assign(std::int64_t wanted);  // what a queue gets of it; may start the period's timer
  void give_back(std::int64_t amount);       // from a queue that went empty; may start the slack timer
  void add_throttled(CfsRq& queue) { throttled_.push_back(&queue); }
  void remove_throttled(CfsRq& queue);
  void expire(BandwidthTimer timer);

 private:
  bool refresh_within(std::int64_t span) const;
  void expire_period();
  void expire_slack();
  void distribute();

  std::int64_t quota_;
  std::int64_t period_;
  std::int64_t slice_;
  const BandwidthPorts& ports_;
  GroupId id_;
  std::int64_t runtime_;
  bool period_active_ = false;
  bool slack_started_ = false;
  bool idle_ = false;  // nobody drew on it since the last period began
  std::int64_t period_end_ = 0;
  std::uint64_t nr_periods_ = 0;
  std::uint64_t nr_throttled_ = 0;
  std::vector<CfsRq*> throttled_;  // in the order they stopped
  std::vector<CfsRq*> ready_;      // scratch of distribute
};

}  // namespace models
