#include "calibration/replay/teacher_state.h"

namespace calibration {

std::vector<LeaveOutcome> leave_outcomes(const ReplayInput& input) {
  enum class Next : std::uint8_t { nothing, waking, wakeup, runs };
  std::vector<Next> next(input.tasks.size(), Next::nothing);
  std::vector<LeaveOutcome> outcomes(input.events.size(), LeaveOutcome::asleep);
  for (std::size_t i = input.events.size(); i-- > 0;) {
    const ReplayEvent& event = input.events[i];
    if (event.task < ReplayTaskId{0} && event.next < ReplayTaskId{0}) {
      continue;
    }
    if (event.kind == ReplayKind::sched_switch) {
      if (event.next >= ReplayTaskId{0}) {
        next[static_cast<std::size_t>(event.next)] = Next::runs;
      }
      if (event.task >= ReplayTaskId{0}) {
        Next& after = next[static_cast<std::size_t>(event.task)];
        outcomes[i] = after == Next::runs     ? LeaveOutcome::requeued
                      : after == Next::wakeup ? LeaveOutcome::in_flight
                                              : LeaveOutcome::asleep;
        after = Next::nothing;
      }
    } else if (event.kind == ReplayKind::waking) {
      next[static_cast<std::size_t>(event.task)] = Next::waking;
    } else if (event.kind == ReplayKind::wakeup || event.kind == ReplayKind::wakeup_new) {
      next[static_cast<std::size_t>(event.task)] = Next::wakeup;
    }
  }
  return outcomes;
}

}  // namespace calibration
