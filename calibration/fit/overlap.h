// What the missing CPU in a key does to durations: the irq and softirq programs keep one start stamp per
// irq number or vector, whichever CPU it was.
//
// When two CPUs are in the same vector at once, the later entry overwrites the earlier stamp, the first
// exit prints and deletes it and the second finds nothing. Each overlapping pair thus becomes one row as
// long as its intersection: one row is lost and the other may be shortened.
//
//   CPU 0   |-----------a-----------|
//   CPU 1              |------b------------|
//                      |  printed   |
//
// If each of two CPUs starts intervals at random at rate r, an interval of length x overlaps another with
// probability 1 - exp(-r (x + m)), m the mean length; the pairs' intersections have the density
// r^2 T (2 S(y)^2 + 2 f(y) E[(b - y)+]), S being the survival function of f. without_overlap() inverts this
// by iteration, at half strength, because real CPUs are not independent. In traces that know the CPU (NET_RX
// over veth, 4 agents without and with background load) there were 0.9 and 0.8 times the expected pairs, but
// long runs overlapped less than short ones: the other CPU was waiting for what they did. Printed means were
// too short by 0.09 and 0.20 us, full strength says 0.19 and 0.56, half strength 0.09 and 0.25; the largest
// distance between the CDFs falls from 0.010 to 0.005 and from 0.015 to 0.006.
//
// Left out: three intervals in a chain, so it holds while few rows overlap; unequal shares of the CPUs
// and more than two of them (r is half the rate); vectors that the tick raises on all CPUs at once.
#pragma once

#include <cstdint>

#include "calibration/fit/value_counts.h"

namespace calibration {

struct OverlapEstimate {
  double pairs = 0;         // expected number of overlapping pairs in the capture, were CPUs independent
  double row_share = 0;     // of all intervals, those that overlap another
  double mean_bias_us = 0;  // mean of the printed durations less that of without_overlap(); below 0
};

// There is one bin per microsecond, so durations may not be absurd.
inline constexpr std::int64_t longest_overlap_us = 1'000'000;

// Durations in whole microseconds, truncated, from 0 to longest_overlap_us; `span_us` > 0 is the length of
// the capture.
ValueCounts without_overlap(const ValueCounts& printed_us, double span_us);
OverlapEstimate estimate_overlap(const ValueCounts& printed_us, double span_us);

}  // namespace calibration
