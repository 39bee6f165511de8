#include "calibration/replay/free_compare.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <limits>

namespace calibration {
namespace {

constexpr std::int64_t tolerance = 5'000;  // ns
constexpr std::size_t tail = 10;           // values that a judged percentile has above it

bool close(std::int64_t captured, std::int64_t replayed) {
  const std::int64_t difference = std::abs(captured - replayed);
  return difference <= tolerance || difference * 10 <= captured;
}

// Time that the capture's interrupts took from what ran on a CPU.
class InterruptTime {
 public:
  InterruptTime(const ReplayInput& input, const FreeProgram& program)
      : by_cpu_(static_cast<std::size_t>(input.cpus)) {
    for (const auto* sections : {&program.hardirqs, &program.softirqs}) {
      for (const FreeSection& section : *sections) {
        by_cpu_[static_cast<std::size_t>(section.cpu)].push_back({section.at, section.length});
      }
    }
    for (auto& sections : by_cpu_) {
      std::sort(sections.begin(), sections.end());
      std::int64_t sum = 0;
      for (auto& [at, length] : sections) {
        length = sum += length;
      }
    }
  }
  std::int64_t between(std::int16_t cpu, std::int64_t from, std::int64_t to) const {
    const auto& sections = by_cpu_[static_cast<std::size_t>(cpu)];
    const auto sum_before = [&](std::int64_t time) {
      const auto after = std::lower_bound(sections.begin(), sections.end(), std::pair{time, std::int64_t{0}});
      return after == sections.begin() ? 0 : std::prev(after)->second;
    };
    return sum_before(to) - sum_before(from);
  }

 private:
  std::vector<std::vector<std::pair<std::int64_t, std::int64_t>>>
      by_cpu_;  // start, sum of lengths up to its end
};

bool comparable(const FreeWake& wake) {
  return wake.valid && !wake.fresh && !wake.synthetic && !wake.early_kept && wake.switch_at != not_seen &&
         wake.wakeup_at != not_seen;
}

WaitCause cause_of(const FreeWake& captured, const ReplayedWake& mine, const InterruptTime& interrupts) {
  const std::int64_t wait = captured.switch_at - captured.waking_at;
  const std::int64_t my_wait = mine.switch_at - mine.waking_at;
  if (close(wait, my_wait)) {
    return WaitCause::agrees;
  }
  if (std::abs(mine.waking_at - captured.waking_at) > tolerance) {
    return WaitCause::waker;
  }
  if (mine.to_cpu != captured.to_cpu) {
    return WaitCause::other_cpu;
  }
  if (mine.behind != captured.behind) {
    return WaitCause::situation;
  }
  if (mine.run_cpu != captured.run_cpu) {
    return WaitCause::migration;
  }
  if (mine.first_preempts != captured.first_preempts) {
    return WaitCause::preemption;
  }
  if (mine.first_next != captured.first_next) {
    return WaitCause::other_next;
  }
  if (captured.found_idle) {
    return WaitCause::idle_exit;
  }
  const std::int64_t taken = interrupts.between(captured.to_cpu, captured.waking_at, captured.switch_at);
  return taken >= std::abs(wait - my_wait) ? WaitCause::interrupt : WaitCause::before;
}

struct Waits {
  std::vector<std::int64_t> captured, replayed;
  void add(std::int64_t from, std::int64_t to, std::int64_t my_from, std::int64_t my_to) {
    captured.push_back(to - from);
    replayed.push_back(my_to - my_from);
  }
};

std::int64_t nearest_rank(const std::vector<std::int64_t>& ascending, double p) {
  const auto rank = static_cast<std::size_t>(std::ceil(p * static_cast<double>(ascending.size())));
  return ascending[std::clamp<std::size_t>(rank, 1, ascending.size()) - 1];
}

WaitComparison compare_waits(std::string name, Waits waits) {
  WaitComparison result;
  result.name = std::move(name);
  result.count = waits.captured.size();
  if (result.count == 0) {
    return result;
  }
  std::sort(waits.captured.begin(), waits.captured.end());
  std::sort(waits.replayed.begin(), waits.replayed.end());
  for (std::size_t i = 0; i < wait_percentiles.size(); ++i) {
    const double p = wait_percentiles[i];
    WaitPercentile& at = result.at[i];
    at.captured = nearest_rank(waits.captured, p);
    at.replayed = nearest_rank(waits.replayed, p);
    at.captured_interval = sim::quantile_interval(waits.captured, p);
    at.replayed_interval = sim::quantile_interval(waits.replayed, p);
    at.judged = (1 - p) * static_cast<double>(result.count) >= static_cast<double>(tail);
  }
  result.wasserstein = sim::normalised_wasserstein(waits.replayed, waits.captured);
  return result;
}

double share(const std::array<std::uint64_t, wait_causes>& causes) {
  std::uint64_t sum = 0;
  for (const std::uint64_t each : causes) {
    sum += each;
  }
  return sum == 0 ? 0 : static_cast<double>(causes[0]) / static_cast<double>(sum);
}

}  // namespace

std::string_view to_string(WaitCause cause) {
  constexpr std::array<std::string_view, wait_causes> names{"agrees",
                                                            "waker was late or early",
                                                            "other CPU chosen",
                                                            "other task on its CPU",
                                                            "migration",
                                                            "preemption differs",
                                                            "other task next",
                                                            "idle exit",
                                                            "interrupt in between",
                                                            "who ran before took another time"};
  return names[static_cast<std::size_t>(cause)];
}

double WaitPercentile::error() const {
  return captured == 0 ? (replayed == 0 ? 0 : std::numeric_limits<double>::infinity())
                       : static_cast<double>(replayed) / static_cast<double>(captured) - 1;
}

double FreeComparison::within() const { return share(causes); }
double FreeComparison::agents_within() const { return share(agent_causes); }

FreeComparison compare_free(const ReplayInput& input, const FreeProgram& program, const FreeRun& run,
                            std::size_t largest) {
  const InterruptTime interrupts{input, program};
  FreeComparison result;
  Waits agents_waking, agents_wakeup, all_waking, all_wakeup;
  for (std::size_t i = 0; i < program.wakes.size(); ++i) {
    const FreeWake& captured = program.wakes[i];
    const ReplayedWake& mine = run.wakes[i];
    if (!comparable(captured)) {
      continue;
    }
    ++result.wakes;
    if (mine.early || mine.swapped || mine.switch_at == not_seen) {
      ++(mine.early ? result.early : mine.swapped ? result.swapped : result.missing);
      continue;
    }
    ++result.compared;
    const WaitCause cause = cause_of(captured, mine, interrupts);
    const bool agent = program.tasks[static_cast<std::size_t>(captured.task)].agent;
    all_waking.add(captured.waking_at, captured.switch_at, mine.waking_at, mine.switch_at);
    all_wakeup.add(captured.wakeup_at, captured.switch_at, mine.wakeup_at, mine.switch_at);
    if (agent) {
      agents_waking.add(captured.waking_at, captured.switch_at, mine.waking_at, mine.switch_at);
      agents_wakeup.add(captured.wakeup_at, captured.switch_at, mine.wakeup_at, mine.switch_at);
      ++result.agent_causes[static_cast<std::size_t>(cause)];
    }
    ++result.causes[static_cast<std::size_t>(cause)];
    result.same_cpu += mine.to_cpu == captured.to_cpu ? 1 : 0;
    if (cause != WaitCause::agrees) {
      result.largest.push_back({static_cast<std::int32_t>(i), cause, captured.switch_at - captured.waking_at,
                                mine.switch_at - mine.waking_at});
    }
  }
  result.waits.push_back(compare_waits("agents wake_to_run", std::move(agents_waking)));
  result.waits.push_back(compare_waits("agents wakeup_to_run", std::move(agents_wakeup)));
  result.waits.push_back(compare_waits("all wake_to_run", std::move(all_waking)));
  result.waits.push_back(compare_waits("all wakeup_to_run", std::move(all_wakeup)));
  std::stable_sort(result.largest.begin(), result.largest.end(),
                   [](const Disagreement& a, const Disagreement& b) {
                     return std::abs(a.captured - a.replayed) > std::abs(b.captured - b.replayed);
                   });
  result.largest.resize(std::min(result.largest.size(), largest));
  return result;
}

}  // namespace calibration
