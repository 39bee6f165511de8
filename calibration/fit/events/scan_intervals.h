// Events to samples of intervals (intervals.h), in one pass.
//
//   scan.add(event) for each event, in the order of time; scan.samples() at the end
//
// An interval counts only if its events follow each other on their CPU, or have only those events between
// them that the row names; so what interrupts ran meanwhile is no part of it. Interrupts without events of
// their own (IPIs, where the capture has no irq_vectors tracepoints) show in the other CPU's wakeup:
// intervals on the woken CPU are left out for the next 100 us.
//
// Left out: intervals that an interrupt broke into; their time without it would be known, but not its cost.
//           They are the longer ones: a cost's mean is low by (interrupts per second) x variance / mean.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <unordered_map>
#include <vector>

#include "calibration/fit/events/intervals.h"
#include "calibration/traces/event.h"
#include "calibration/traces/steps.h"
#include "models/kernel_config.h"

namespace calibration {

struct ScanOptions {
  // What the CPU's idle states are, by the number that cpu_idle gives; beyond the last: as the last.
  std::vector<models::IdleState> idle_states{models::IdleState::poll, models::IdleState::hlt};
  double probe_ns = 0;  // what the tracer adds between two events that follow each other
  // The agents' own timing of the same run: when each sleep was to end. The agent of row N is task "agent-N".
  const std::vector<StepRow>* steps = nullptr;
};

class IntervalScan {
 public:
  // `names` are the events' and outlive this.
  IntervalScan(const Names& names, ScanOptions options);

  void add(const Event& event);
  void finish();  // after the last event

  const IntervalSamples& samples() const { return samples_; }
  Stamps stamps() const;  // once finished
  std::uint64_t wakeups() const { return wakeups_; }

 private:
  // An event as far as rows look back at it.
  struct Seen {
    std::int64_t time = -1;
    EventKind kind = EventKind::lost;
    std::int32_t pid = -1;
    std::int32_t value = 0;  // vec, syscall, wakee, next task, ...
    Name name = Name::none;
    std::int64_t now = 0;  // of an hrtimer
    std::uint32_t dev = 0;
    bool elsewhere = false;  // a wakeup onto another CPU
  };
  struct Cpu {
    std::array<Seen, 6> last;  // the latest first
    std::vector<Seen> run;     // of a softirq or a handler, from its entry on
    bool in_run = false, run_broken = false, raised_by_task = false;
    bool in_timer = false;
    std::int64_t unsure_until = -1;  // an interrupt without events may have come before
    std::int64_t ipi_sent = -1;      // to this CPU
    std::int64_t idle_since = -1;
    std::int32_t idle_state = -1;
    std::int64_t send_ns = -1;  // of the message whose NET_RX runs
    bool send_untold = false;
  };
  struct Task {
    Name name = Name::none;
    Syscall call = Syscall::other;
    bool in_call = false, in_user = false, by_timer = false, is_agent = false, is_bulk = false;
    bool computes = false;
    std::int32_t cpu = -1;
    std::int64_t step = -1;     // the agent's number
    std::size_t next_step = 0;  // into its starts
  };

  struct Outstanding {
    std::uint64_t sector;
    std::int64_t issued;
  };

  Cpu& cpu_of(const Event& event);
  Task& task(std::int32_t pid);
  Task& named_task(std::int32_t pid, Name name);
  void sample(Interval interval, std::int64_t time, std::int64_t ns, int hits, std::int32_t given = 0);
  bool sure(const Cpu& cpu, std::int64_t from) const;
  Seen seen(const Event& event) const;

  void interrupt_event(Cpu& cpu, const Event& event, const Seen& now);
  void end_run(Cpu& cpu, const Seen& now);
  void handler_run(const Cpu& cpu);
  void net_run(Cpu& cpu);
  void net_packets(const std::vector<Seen>& run, std::size_t poll);
  void block_run(const std::vector<Seen>& run);
  void wakeup_event(Cpu& cpu, const Event& event, const Seen& now);
  void timer_wake(Cpu& cpu, const Seen& now);
  void switch_event(Cpu& cpu, const Event& event, const Seen& now);
  void call_event(Cpu& cpu, const Event& event, const Seen& now);
  void block_event(Cpu& cpu, const Event& event, Seen& now);
  void idle_event(Cpu& cpu, const Event& event, const Seen& now);
  void vector_event(Cpu& cpu, const Seen& now);
  std::int64_t sleep_end(Task& sleeper, std::int64_t before);
  bool simulated() const { return wakeups_ > 20 && instant_wakeups_ * 10 > wakeups_ * 9; }
  void doubt_others(std::int32_t cpu, std::int64_t time);

  const Names& names_;
  ScanOptions options_;
  IntervalSamples samples_;
  std::vector<Cpu> cpus_;
  std::unordered_map<std::int32_t, Task> tasks_;
  std::unordered_map<std::uint32_t, std::vector<Outstanding>> outstanding_;  // by device
  std::vector<std::vector<std::int64_t>> starts_;                            // intended, by agent
  std::uint64_t wakeups_ = 0, instant_wakeups_ = 0;
  bool vectors_ = false;     // the capture shows every interrupt
  bool nanosleeps_ = false;  // and the sleeps
  bool skbs_ = false;        // and the packets
};

}  // namespace calibration
