// The menu governor: predicts the next idle span from the last eight and from the next timer.
//
//   predicted = min(typical of the last 8 intervals, next timer x correction factor of its decade)
//   state     = the deepest whose residency fits the prediction and whose exit latency fits the limit
//
// Models:   drivers/cpuidle/governors/menu.c: menu_select, menu_update, menu_reflect, which_bucket;
//           get_typical_interval of 6.12 drops outliers from the top, that of 6.18 whichever extreme is
//           farther from the mean. No reaction to iowait (late 6.12.y).
// Left out: drivers that refuse a state.
#pragma once

#include <array>
#include <cstdint>

#include "models/idle_view.h"

namespace models {

class MenuGovernor {
 public:
  explicit MenuGovernor(KernelRelease release);

  IdleChoice select(const IdleView& view);
  void reflect(sim::Nanos tick, const IdleResult& result);
  sim::Nanos poll_limit() const { return sim::Nanos{0}; }  // the state's own: cpuidle_poll_time()

  // For tests and reports: what the history says, in us; `no_interval` if it says nothing.
  static constexpr std::uint64_t no_interval = 0xffffffff;  // UINT_MAX
  std::uint64_t typical_interval() const;
  std::uint64_t correction_factor(std::size_t bucket) const { return correction_factor_[bucket]; }

 private:
  static constexpr std::size_t intervals = 8;  // INTERVALS
  static constexpr std::size_t buckets = 6;    // BUCKETS

  std::uint64_t typical_interval_from_the_top() const;
  std::uint64_t typical_interval_from_both_sides() const;
  std::int64_t predict(const IdleView& view);
  IdleChoice pick(const IdleView& view, std::int64_t predicted_ns) const;
  IdleChoice keep_tick(const IdleView& view, int state) const;
  void update(const IdleView& view);

  KernelRelease release_;
  bool needs_update_ = false;
  IdleResult last_;
  std::int64_t next_timer_ns_ = 0;
  std::int64_t delta_tick_ns_ = 0;
  std::size_t bucket_ = 0;
  std::array<std::uint64_t, buckets> correction_factor_{};
  std::array<std::uint64_t, intervals> intervals_{};  // us
  std::size_t interval_next_ = 0;
};

}  // namespace models
