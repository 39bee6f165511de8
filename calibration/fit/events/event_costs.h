// Costs from captured events: every row of the grammar (intervals.h) fitted, in its order.
//
//   captures ──scan──► samples ─┬─ first four fifths of each capture ──► fit_sum ──► cost
//   defaults ───────────────────┤                                         │
//                               └─ last fifth, held out ◄─────────────────┴─ error of the fit
//
// Uncertainty: a block bootstrap over time (Kuensch 1989): twenty blocks of each capture's samples, drawn
// with
//              replacement, give the spread of p50 and p99 of what was sampled; by the cost's own
//              percentiles, it is the relative standard error. Successive samples that depend on each other
//              widen it.
// Stalls:      samples beyond ten medians and 50 us, where the kernel's own code cannot have taken that long:
// the
//              hypervisor's. They are left out of costs and counted, with how long the intervals are
//              altogether.
// Left out:    the error that a subtracted cost brings along.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "calibration/fit/events/intervals.h"
#include "calibration/fit/events/sum_fit.h"
#include "models/kernel_config.h"
#include "scenarios/profile.h"

namespace calibration {

struct EventCapture {
  std::filesystem::path path;
  std::optional<std::filesystem::path> steps, meta;  // beside it
  std::vector<models::IdleState> idle_states;        // by cpu_idle's number; empty: poll, hlt
};

struct ReadEventCapture {
  std::string name;  // of the file
  std::uint64_t events = 0, lost = 0;
  double seconds = 0;
  std::int64_t resolution_ns = 1;
  double probe_ns = 0;  // taken off per event
  Stamps stamps{};
};

struct CaptureMedian {
  std::string capture;
  std::uint64_t count = 0;
  double p50_ns = 0;
};

struct EventCost {
  models::Cost cost{};
  Interval interval{};
  SumFit fit;
  std::uint64_t sampled = 0;  // before a capture's rest was held out and stalls left out
  double interval_p50_ns = 0, interval_p99_ns = 0;  // as sampled
  double rse_p50 = 0, rse_p99 = 0;
  double autocorrelation = 0;
  bool depends = false;  // the autocorrelation exceeds chance and 0.1
  SumError held_out;
  std::vector<CaptureMedian> captures;
  double conflict = 0;  // largest less smallest median between captures, by the pooled one
};

struct NotIdentified {
  models::Cost cost{};
  std::string why;
};

struct ConditionRow {
  std::string condition;
  std::uint64_t count = 0;
  double p50_ns = 0, p99_ns = 0;
};
struct ConditionTable {
  std::string title;
  std::vector<ConditionRow> rows;
};

struct Stalls {
  std::uint64_t count = 0;
  double seconds = 0;            // of running time that was looked at
  std::vector<std::int64_t> ns;  // beyond the interval's median
};

struct EventCalibration {
  std::vector<ReadEventCapture> captures;
  std::vector<EventCost> costs;  // in the order of the grammar
  std::vector<NotIdentified> not_identified;
  std::vector<ConditionTable> conditions;
  Stalls stalls;

  bool identifies(models::Cost cost) const;
};

// One capture's samples. Throws InputError.
struct ScannedCapture {
  ReadEventCapture about;
  IntervalSamples samples;
};
ScannedCapture scan_capture(const EventCapture& capture);

// Fits what the captures show and writes it into `profile`, whose costs are all set: they are what a row
// subtracts until it is found itself. `held_out`: share of each capture's time, from its end, not fitted.
EventCalibration fit_events(scenarios::Profile& profile, const std::vector<ScannedCapture>& captures,
                            double held_out = 0.2);

// Whether the file is a capture of events by its name: *.trace, *.dat, *.chain.txt, plain or compressed.
bool is_event_capture(const std::filesystem::path& path);

// The captures among `paths` (files, or directories of them) with their side files; the rest stays in
// `paths`.
std::vector<EventCapture> take_event_captures(std::vector<std::filesystem::path>& paths);

}  // namespace calibration
