// The share of recent time that something took: a geometric average over periods of 2^20 ns.
//
// Models:   kernel/sched/pelt.c: y^32 = 0.5, periods of about 1 ms; the period under way counts in
// proportion. Left out: PELT's integer rounding, frequency and capacity scaling.
#pragma once

#include <array>
#include <cstdint>

#include "sim/time.h"

namespace models {

class RecentShare {
 public:
  // `span`, which has just ended at `now`, counts. Spans are short against a period or cut by the caller's
  // own accounting; one that crosses an edge counts in the later period.
  void add(sim::SimTime now, sim::Nanos span) {
    roll(now);
    current_ += span.count();
  }

  // In 0..1.
  double at(sim::SimTime now) const {
    RecentShare copy = *this;
    copy.roll(now);
    return copy.average_ < 1.0 ? copy.average_ : 1.0;
  }

 private:
  static constexpr int period_bits = 20;
  static constexpr double y = 0.97857206208770013450916112581343574560;  // 0.5^(1/32)

  void roll(sim::SimTime now) {
    const std::int64_t period = sim::count(now) >> period_bits;
    while (period_ < period) {
      const double share =
          static_cast<double>(current_) / static_cast<double>(std::int64_t{1} << period_bits);
      average_ = average_ * y + (1.0 - y) * share;
      current_ = 0;
      ++period_;
      if (period - period_ > 1024) {  // long forgotten
        average_ = 0;
        period_ = period;
      }
    }
  }

  std::int64_t period_ = 0;
  std::int64_t current_ = 0;
  double average_ = 0;
};

}  // namespace models
