// Which printed durations are durations.
//
// The programs compute `(nsecs - @start[key]) / 1000` in unsigned 64 bits and print it with %d, of which
// bpftrace 0.17 shows the low 32 bits as a signed number. Two races between CPUs that share a key then
// print numbers that are no durations:
//
//   uptime            another CPU's exit deletes the key between this exit's filter and its read:
//                     nsecs - 0, the machine's uptime (modulo 2^32 us, so it may come out negative)
//   start_after_end   another CPU's entry overwrites the stamp after this exit took its time: a small
//                     negative span, printed as (2^64 - span) / 1000, 1271310319 us less a little
//
// Both are told apart from real durations by size, with what the steps file says of the clock.
#pragma once

#include <cstdint>
#include <optional>

#include "calibration/traces/bpftrace_rows.h"
#include "calibration/traces/steps.h"

namespace calibration {

enum class DurationKind { plausible, uptime, start_after_end, impossible };

struct UptimeWindow {
  std::int64_t from_us = 0;  // CLOCK_MONOTONIC when the capture can have begun, and ended
  std::int64_t to_us = 0;
};

struct PlausibleDuration {
  std::int64_t longest_us = 0;         // that the capture could have held
  std::optional<UptimeWindow> uptime;  // none without a steps file
};

// The rule for one capture. `steps` may be null.
//
// A handler or softirq of 20 s would have been reported as a soft lockup (kernel/watchdog.c, twice
// watchdog_thresh), so no capture of a working machine holds one. A wait may take as long as the capture:
// the steps plus a minute, or what 31 bits of microseconds hold where there are no steps.
PlausibleDuration plausible_duration(BpftraceProgram program, const Steps* steps);

DurationKind classify(std::int64_t printed_us, const PlausibleDuration& rule);

}  // namespace calibration
