// How good the attribution rules are, where the truth is known: in a simulated run every wakeup's cause is.
//
//   Analysis::wakeup_linked ──linked()──┐
//   simulate_events: WakeTruth ─truth()─┴─► per rule: links, right, wrong; per source: wakeups, found
//
// Precision: of a rule's links, how many name the true cause itself (that timer, that request, that sender).
// Recall:    of the wakeups by a source, how many some proving rule linked to it rightly.
#pragma once

#include <array>
#include <cstdint>
#include <deque>

#include "calibration/analysis/analysis.h"
#include "calibration/traces/simulated_events.h"

namespace calibration {

inline constexpr std::size_t wake_sources = 5;

class AttributionQuality {
 public:
  struct RuleScore {
    std::uint64_t links = 0, right = 0;
  };
  struct SourceScore {
    std::uint64_t wakeups = 0, found = 0;
  };

  // Each waking gives one of each, both in the order of time; either may run ahead.
  void linked(const WakeLink& link);
  void truth(const WakeTruth& truth);

  const RuleScore& rule(Rule rule) const { return rules_[static_cast<std::size_t>(rule)]; }
  const SourceScore& source(models::WakeSource source) const {
    return sources_[static_cast<std::size_t>(source)];
  }
  std::uint64_t unpaired() const { return unpaired_ + links_.size() + truths_.size(); }

 private:
  void pair();
  static bool right(const WakeLink& link, const WakeTruth& truth);

  std::deque<WakeLink> links_;
  std::deque<WakeTruth> truths_;
  std::array<RuleScore, rule_count> rules_{};
  std::array<SourceScore, wake_sources> sources_{};
  std::uint64_t unpaired_ = 0;
};

std::string_view to_string(models::WakeSource source);

}  // namespace calibration
