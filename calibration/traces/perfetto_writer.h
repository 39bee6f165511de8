// Events as a Perfetto trace, for ui.perfetto.dev and trace_processor.
//
//   EventReader, SimulatedEvents ──write()──┐
//   the analysis ──link(), counter()────────┴─► PerfettoWriter ──► FILE.pftrace
//
// Shows:    Perfetto's own scheduler rows (perfetto_sched.h); CPUs, with their hardirqs, softirqs and run
// queues
//           (perfetto_cpus.h); tasks, and agents with steps and wait gates (perfetto_tasks.h); devices, with
//           requests in flight and NAPI work (perfetto_devices.h). Every other event is a mark where it
//           fired: on the hardirq or softirq that ran, else on the task.
// Arrows:   those that the events themselves prove: softirq_raise to the vector's next entry on that CPU;
//           block_rq_issue to the request to its completion, by device and sector; sched_waking to runnable,
//           to sched_wakeup where another CPU does it, to running. A block_rq_complete or an
//           hrtimer_expire_entry whose next event on its CPU is a sched_waking did that: one arrow goes on
//           from the disk to the task that runs. All others come by link().
// Left out: time going back: such an event is drawn at the time of the one before. CPUs from 8192 on, and
// events
//           that do not say their CPU.
// Memory:   a block of output, names, rows, and what is open; independent of the trace's length.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "calibration/traces/event.h"
#include "calibration/traces/perfetto_cpus.h"
#include "calibration/traces/perfetto_devices.h"
#include "calibration/traces/perfetto_flow.h"
#include "calibration/traces/perfetto_sched.h"
#include "calibration/traces/perfetto_stream.h"
#include "calibration/traces/perfetto_tasks.h"
#include "scenarios/output.h"

namespace calibration {

struct PerfettoOptions {
  std::string kernel_release = "6.12.0";  // of the machine; Perfetto reads task states by it
  std::vector<std::int32_t> agents;       // pids with rows for steps and gates; empty: see perfetto_tasks.h
};

class PerfettoWriter {
 public:
  // `names` are the events'; both outlive the writer. finish() does not commit `file`.
  PerfettoWriter(scenarios::OutputFile& file, const Names& names, const PerfettoOptions& options = {});

  // Events in the order of time. Throws scenarios::OutputError, as all do.
  void write(const Event& event);
  // An arrow that an analysis proved by `rule`, also between events written long ago: a mark at each end.
  void link(const FlowEnd& from, const FlowEnd& to, std::string_view rule);
  // A value over time that no event carries: a ring's occupancy, an agent's budget.
  void counter(std::string_view name, std::string_view unit, std::int64_t time, std::int64_t value);
  void finish();  // once, after the last of all

  std::uint64_t packets() const { return stream_.packets(); }
  std::uint64_t flows() const { return stream_.flows(); }
  std::uint64_t broken_switches() const { return tasks_.broken_switches(); }
  std::uint64_t left_out() const { return left_out_; }  // events without a CPU

 private:
  void draw(const Event& event);
  void softirq_raise(const Event& event);
  void block(const Event& event);
  void wakeup(const Event& event, FlowId cause);
  void hrtimer(const Event& event);
  void other(const Event& event);
  FlowId& cause(std::int32_t cpu);
  Track place(const Event& event);
  TraceMark mark(const Event& event, TraceCategory category, std::string_view verb, std::string_view object);

  const Names& names_;
  PerfettoStream stream_;
  PerfettoSched sched_;
  PerfettoCpus cpus_;
  PerfettoTasks tasks_;
  PerfettoDevices devices_;
  std::vector<FlowId> causes_;  // by CPU: the arrow that its last event may lead on to the next
  Track counter_group_ = Track::none;
  std::unordered_map<std::string, Track> counters_;
  std::string text_;  // of the mark being written
  std::int64_t last_ = 0;
  std::uint64_t left_out_ = 0;
};

}  // namespace calibration
