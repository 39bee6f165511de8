// What the five programs measured, quantity by quantity, and what was wrong with the measurement.
//
//   irq.36                     handler run time of an interrupt           (irq)
//   softirq.NET_RX             run time of a softirq vector               (softirq)
//   wakeup_to_run.ROLE         sched_wakeup to sched_switch, by role      (wakeup)
//   epoll_wait.ROLE            time in epoll_wait, by role; for agents also by result, epoll_wait.agent.ret=1
//   io_uring_enter.ROLE        time in io_uring_enter, by role            (uring)
//   timer_late tool read parse step     the agents' own timing, from the steps file of the same run
//
// Durations of the programs are truncated to whole microseconds: a printed v means [v, v + 1) us, and a
// printed difference or sum of n of them is uncertain by n us, not by one. Steps are exact to the
// nanosecond. Nothing is dropped or corrected in silence: see Flaw.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "calibration/fit/value_counts.h"
#include "calibration/traces/bpftrace_rows.h"
#include "calibration/traces/capture_set.h"
#include "sim/distribution.h"
#include "sim/time.h"

namespace calibration {

struct MeasuredQuantity {
  std::string name;
  std::string source_file;
  std::string load;
  BpftraceProgram program{};  // that ran meanwhile, also for steps: each slows the workload differently

  // Values are whole multiples of this: 1 us and truncated for the programs, 1 ns and exact for steps.
  sim::Nanos resolution = std::chrono::microseconds{1};
  ValueCounts values;                                          // as captured, less what was dropped
  std::optional<ValueCounts> corrected;                        // for a known bias; what a fit should use
  double span_s = 0;                                           // of the agents' steps; 0 when unknown
  std::vector<std::pair<std::string, std::uint64_t>> dropped;  // reason, rows
  std::vector<std::string> notes;

  bool truncated() const { return resolution > sim::Nanos{1}; }
  std::uint64_t count() const { return values.count(); }
  const ValueCounts& best() const { return corrected ? *corrected : values; }
  // best() per second of the agents' steps; 0 when their span is unknown. Too high for what also happened
  // while bpftrace ran without them (the tick's softirqs): the rows carry no time.
  double rate_per_s() const;

  // best() without the truncation: uniform within [v, v + resolution). Of at least one value.
  std::vector<sim::HistogramBin> bins() const;
  sim::Distribution dequantized() const;
};

// A flaw of the programs or of this capture, met in this file.
struct Flaw {
  std::string name;         // a stable word, such as "tracer_sees_itself"
  std::string seen;         // what in the data shows it
  std::uint64_t count = 0;  // rows, lines or events concerned
  std::string done;         // dropped, corrected, or what it means for the numbers
};

// bpftrace among the tasks it traced: the simulated machine needs it as a competing task.
struct TracerLoad {
  std::uint64_t rows = 0;
  std::uint64_t rows_meanwhile = 0;  // of them, those between the first and the last agent row
  double row_share = 0;              // of all rows of the capture
  double rows_per_s = 0;             // while the agents ran; 0 when the span is unknown
  double loop_us = 0;                // wall time per row of its own; 0 when the span is unknown
  bool guessed = false;              // by its rows, for want of a roles file
};

struct MeasuredCapture {
  CaptureEntry entry;
  BpftraceProgram program{};
  BpftraceLog log;
  double span_s = 0;                         // of the agents' steps; 0 without a steps file
  std::uint64_t steps = 0;                   // rows of the steps file
  std::vector<MeasuredQuantity> quantities;  // by name, then those of the steps
  std::vector<Flaw> flaws;
  std::optional<TracerLoad> tracer;

  const MeasuredQuantity* find(std::string_view name) const;
  const Flaw* flaw(std::string_view name) const;
};

// Reads the capture with its side files. Throws InputError (see traces/).
MeasuredCapture measure(const CaptureEntry& entry);
std::vector<MeasuredCapture> measure(const CaptureSet& set);

// The quantity of one load under one program; null when there is none.
const MeasuredQuantity* find(const std::vector<MeasuredCapture>& captures, std::string_view load,
                             BpftraceProgram program, std::string_view name);

}  // namespace calibration
