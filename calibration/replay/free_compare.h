// A free-running replay against its capture: waits as distributions and wakeup by wakeup, and why they
// differ.
//
// Compared are wakeups whose waking and switch both the capture and the replay have; not those that came
// before their task slept, in either, or began another burst. wake_to_run is sched_waking to sched_switch,
// wakeup_to_run sched_wakeup to that switch.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "calibration/replay/free_program.h"
#include "calibration/replay/free_run.h"
#include "sim/statistics.h"

namespace calibration {

inline constexpr std::array<double, 4> wait_percentiles{0.5, 0.9, 0.99, 0.999};

struct WaitPercentile {
  std::int64_t captured = 0, replayed = 0;                 // ns, nearest rank
  sim::Interval captured_interval{}, replayed_interval{};  // 95 %, ns; infinite where unbounded
  bool judged = false;                                     // at least 10 values above it
  double error() const;                                    // replayed over captured, less 1
};

// The waits of a group of tasks.
struct WaitComparison {
  std::string name;
  std::uint64_t count = 0;
  std::array<WaitPercentile, wait_percentiles.size()> at{};
  double wasserstein = 0;  // of the mean of the captured waits
};

// Why a wait differs, the first that applies.
enum class WaitCause : std::uint8_t {
  agrees,      // within 5 us or 10 %
  waker,       // knock-on: its waker was itself more than 5 us early or late
  other_cpu,   // another CPU was chosen
  situation,   // knock-on: its CPU was idle in one and busy in the other, or busy with another task
  migration,   // it ran elsewhere than where it was queued, in one of the two
  preemption,  // the task before it made room, in one of the two
  other_next,  // another task ran first
  idle_exit,   // alone on an idle CPU
  interrupt,   // as much time as they differ by went to interrupts on its CPU, in the capture
  before,      // knock-on: who ran before it ran longer or shorter
};
inline constexpr std::size_t wait_causes = 10;
std::string_view to_string(WaitCause cause);

struct Disagreement {
  std::int32_t wake = -1;  // of FreeProgram::wakes
  WaitCause cause{};
  std::int64_t captured = 0, replayed = 0;  // wake_to_run, ns
};

struct FreeComparison {
  std::vector<WaitComparison> waits;  // agents and all tasks, both measures
  std::uint64_t wakes = 0;            // of the capture that could be compared
  std::uint64_t compared = 0;
  std::uint64_t early = 0, swapped = 0, missing = 0;  // why the others are not
  std::uint64_t same_cpu = 0;                         // of the compared
  std::array<std::uint64_t, wait_causes> causes{};
  std::array<std::uint64_t, wait_causes> agent_causes{};
  std::vector<Disagreement> largest;  // by difference
  double within() const;              // share of the compared that agree
  double agents_within() const;
};

FreeComparison compare_free(const ReplayInput& input, const FreeProgram& program, const FreeRun& run,
                            std::size_t largest = 10);

}  // namespace calibration
