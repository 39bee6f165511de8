// How often the model decided as the kernel did: counts by decision, what the trivial baselines would have
// got, and the disagreements.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace calibration {

enum class Decision : std::uint8_t {
  cpu,             // select_task_rq at a wakeup: which CPU
  still_queued,    // a wakeup that finds the sleeper delayed on its queue: no selection
  next_task,       // __schedule with at least two candidates
  preempted,       // the wakee is next on its CPU and the task current at the wakeup leaves in state R
  wakeup_resched,  // the wakeup sets NEED_RESCHED, as the flags of the events on the wakee's own CPU show
  tick_resched,    // the tick takes the CPU from its task while others wait, as the flags show
};
inline constexpr std::size_t decisions = 6;
std::string_view to_string(Decision decision);

// One rule without a model, and how often it was wrong.
struct Baseline {
  std::string_view name;
  std::uint64_t errors = 0;
};

struct Interval {
  double low = 0, high = 0;
};
// Wilson's score interval, 95 %.
Interval wilson(std::uint64_t hits, std::uint64_t n);

struct DecisionClass {
  std::uint64_t n = 0;            // decisions of this key
  std::uint64_t errors = 0;       // of them, decided otherwise by the model
  std::int64_t first_error = -1;  // ns, by the capture's clock
};

struct DecisionScore {
  std::uint64_t n = 0;
  std::uint64_t errors = 0;
  std::array<Baseline, 2> baselines{};              // an empty name: there is none
  std::map<std::string, DecisionClass> classes;     // by what the situation was
  std::map<std::string, std::uint64_t> not_scored;  // by why

  const Baseline& better_baseline() const;  // the one with fewer errors
  double agreement() const;                 // share of n; 1 when n is 0
  // 1 - errors / the better baseline's errors; 0 when that made none.
  double errors_removed() const;
  // Of the errors that Wilson's interval allows the model; the baseline's count is taken as it is.
  Interval errors_removed_interval() const;
  void merge(const DecisionScore& other);
};

// One decision that the model took otherwise, with what an engineer needs to find it in the trace.
struct DecisionDisagreement {
  std::int64_t time = 0;    // ns, by the capture's clock
  std::int64_t event = -1;  // index into ReplayInput::events
  std::int32_t cpu = -1;
  Decision decision{};
  std::int64_t severity =
      0;  // ns of virtual time that the choices lay apart; 0 where there is no such measure
  std::string key, kernel, model;
  std::vector<std::string> candidates;  // one line each
};

using DecisionScores = std::array<DecisionScore, decisions>;

}  // namespace calibration
