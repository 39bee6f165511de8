// What a replay knows of the captured machine itself, apart from any model: who runs and who waits where.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "calibration/replay/replay_input.h"

namespace calibration {

enum class ReplayPhase : std::uint8_t { unknown, running, queued, asleep, waking };

struct CapturedTask {
  ReplayPhase phase = ReplayPhase::unknown;
  std::int32_t cpu = -1;   // where it runs or waits, or ran last
  std::int64_t since = 0;  // ns, of its phase
  bool known = false;      // its lag: it has slept alone since, or with tasks whose lags were known
};

// A wakeup onto a running task, until that task leaves.
struct OpenWakeup {
  ReplayTaskId wakee{};
  std::int64_t time = 0;
  bool model_asked = false;    // the model wanted a reschedule after it
  bool model_went_on = false;  // but has since had to give it up, because the kernel did not
  bool flag_known = false;     // of the wakeup event, on the wakee's own CPU
  bool flag_set = false;
  bool pending_before = false;  // a reschedule was already due
  std::string key;
};

struct OpenTick {
  bool open = false;
  std::int64_t time = 0;
};

struct CapturedCpu {
  ReplayTaskId current = ReplayTaskId::unknown;
  bool settled = false;  // what waits here is known
  bool known = false;    // and the lags too, since it was idle, without a disagreement
  std::int64_t unsettled_since = 0;
  std::int64_t idle_at = -1;  // when it was idle last
  std::int64_t tick_at = -1;
  std::int64_t switched_at = -1;
  std::vector<ReplayTaskId> queue;     // waiting, in the order of becoming runnable
  std::vector<ReplayTaskId> arrivals;  // pulled here, to be queued within the switch that follows
  std::vector<OpenWakeup> open_wakeups;
  OpenTick open_tick;

  int runnable() const { return static_cast<int>(queue.size()) + (current >= ReplayTaskId{0} ? 1 : 0); }
};

// What the leaving of a task in a sleeping state turns out to be.
enum class LeaveOutcome : std::uint8_t {
  asleep,
  requeued,   // woken while it was on its way out: still queued, or queued again at once
  in_flight,  // its sched_waking came before it left, its sched_wakeup comes later
};
// By event; meaningful for switches only.
std::vector<LeaveOutcome> leave_outcomes(const ReplayInput& input);

}  // namespace calibration
