#include "calibration/replay/decisions.h"

#include <cmath>

namespace calibration {

std::string_view to_string(Decision decision) {
  constexpr std::array<std::string_view, decisions> names{"cpu",       "still_queued",   "next_task",
                                                          "preempted", "wakeup_resched", "tick_resched"};
  return names[static_cast<std::size_t>(decision)];
}

Interval wilson(std::uint64_t hits, std::uint64_t n) {
  if (n == 0) {
    return {0, 1};
  }
  constexpr double z = 1.959964;  // the normal distribution's 0.975 quantile
  const double count = static_cast<double>(n);
  const double p = static_cast<double>(hits) / count;
  const double centre = p + z * z / (2 * count);
  const double half = z * std::sqrt(p * (1 - p) / count + z * z / (4 * count * count));
  const double scale = 1 + z * z / count;
  return {(centre - half) / scale, (centre + half) / scale};
}

const Baseline& DecisionScore::better_baseline() const {
  const bool second = !baselines[1].name.empty() && baselines[1].errors < baselines[0].errors;
  return baselines[second ? 1 : 0];
}

double DecisionScore::agreement() const {
  return n == 0 ? 1 : 1 - static_cast<double>(errors) / static_cast<double>(n);
}

double DecisionScore::errors_removed() const {
  const std::uint64_t theirs = better_baseline().errors;
  return theirs == 0 ? 0 : 1 - static_cast<double>(errors) / static_cast<double>(theirs);
}

Interval DecisionScore::errors_removed_interval() const {
  const std::uint64_t theirs = better_baseline().errors;
  if (theirs == 0) {
    return {0, 0};
  }
  const Interval rate = wilson(errors, n);
  const double scale = static_cast<double>(n) / static_cast<double>(theirs);
  return {1 - rate.high * scale, 1 - rate.low * scale};
}

void DecisionScore::merge(const DecisionScore& other) {
  n += other.n;
  errors += other.errors;
  for (std::size_t i = 0; i < baselines.size(); ++i) {
    baselines[i].name = other.baselines[i].name;
    baselines[i].errors += other.baselines[i].errors;
  }
  for (const auto& [key, theirs] : other.classes) {
    DecisionClass& mine = classes[key];
    mine.n += theirs.n;
    mine.errors += theirs.errors;
    mine.first_error = mine.first_error < 0 ? theirs.first_error : mine.first_error;
  }
  for (const auto& [why, count] : other.not_scored) {
    not_scored[why] += count;
  }
}

}  // namespace calibration
