// The flags that a tracepoint of the simulated kernel would have been recorded with, and how the kernel
// prints them:
//
//   d..2.    irqs-off/BH-disabled, need-resched, hardirq/softirq, preempt-depth, migrate-disable
//
// Models:   kernel/trace/trace.c: tracing_gen_ctx_irq_test; trace_output.c: trace_print_lat_fmt. Depths
//           are those of captures of 6.12 and 6.18: the idle task counts 1, each lock held 1 more.
// Left out: NMIs, a need-resched in one of its two places only (n, p), locks of whoever was interrupted,
//           migrate-disable.
#pragma once

#include <array>
#include <vector>

#include "calibration/traces/event.h"
#include "models/tracepoints.h"

namespace calibration {

// "d.h1.": the column of flags as text. Unknown flags read as none: "....."
std::array<char, 5> flags_column(const EventFlags& flags);

class FtraceFlags {
 public:
  FtraceFlags(int cpus, int tasks)
      : cpus_(static_cast<std::size_t>(cpus)), tasks_(static_cast<std::size_t>(tasks)) {}

  // The flags of the next record. Takes the records of a trace once each, in order of time; where a softirq
  // or a system call began before the trace, its end sets the state right.
  EventFlags next(const models::TraceRecord& record);

 private:
  struct CpuState {
    int softirq = -1;         // the vector being served
    bool bh_enable = false;   // its softirqs run in a task's local_bh_enable, not at the end of an interrupt
    bool in_handler = false;  // of a device
  };
  struct TaskState {
    bool in_epoll_wait = false;
    sim::SimTime waking_at{sim::Nanos{-1}};
  };

  int preempt_depth(const models::TraceRecord& record);
  int wakeup_depth(const models::TraceRecord& record, int base);
  void enter(const models::TraceRecord& record);
  void leave(const models::TraceRecord& record);
  const CpuState& cpu(const models::TraceRecord& record) const { return cpus_[models::index(record.cpu)]; }
  TaskState& task(const models::TraceRecord& record);

  std::vector<CpuState> cpus_;
  std::vector<TaskState> tasks_;
};

}  // namespace calibration
