// The timer events oriented governor: prefers the state that the next timer allows, unless most recent
// wakeups came earlier than that.
//
// Each state has a bin of idle spans from its residency up to the next state's. A wakeup in the bin of the
// next timer is a hit there, an earlier one an intercept in the bin of the span. Bins decay by 1/8 a wakeup.
//
// Models:   drivers/cpuidle/governors/teo.c: teo_select, teo_update, teo_reflect. 6.12 asks for the next
// timer
//           unless the candidate is shallow and state 0 polls; 6.18 unless it is shallow and over half of the
//           wakeups came within 15 us.
// Left out: drivers that refuse a state.
#pragma once

#include <cstdint>
#include <vector>

#include "models/idle_view.h"

namespace models {

class TeoGovernor {
 public:
  TeoGovernor(KernelRelease release, std::size_t states) : release_{release}, bins_(states) {}

  IdleChoice select(const IdleView& view);
  void reflect(sim::Nanos tick, const IdleResult& result);
  sim::Nanos poll_limit() const { return sim::Nanos{0}; }  // the state's own: cpuidle_poll_time()

  struct Bin {
    unsigned intercepts = 0;
    unsigned hits = 0;
  };
  const std::vector<Bin>& bins() const { return bins_; }

 private:
  struct Candidate {
    int state = -1;
    int first = 0;            // the first enabled state
    int within_latency = 0;   // the deepest whose exit latency fits the limit
    unsigned intercepts = 0;  // of the states shallower than `state`
    unsigned hits = 0;
    unsigned all_intercepts = 0;
  };

  Candidate deepest(const IdleView& view) const;
  int shallower_for_intercepts(const IdleView& view, const Candidate& candidate) const;
  bool skips_timers(const IdleView& view, int state) const;
  void update(const IdleView& view);
  void decay();
  std::int64_t measured(const IdleView& view) const;

  KernelRelease release_;
  std::vector<Bin> bins_;
  unsigned tick_hits_ = 0;    // spans that a stopped tick would have covered, beyond the deepest state's bin
  unsigned short_idles_ = 0;  // spans below 15 us (6.18)
  unsigned total_ = 0;
  bool needs_update_ = false;
  IdleResult last_;
  sim::SimTime selected_at_{};
  std::int64_t time_span_ns_ = 0;
  std::int64_t sleep_length_ns_ = 0;
};

}  // namespace models
