#include "calibration/capture/switch_check.h"

namespace calibration {

void SwitchCheck::see(const Event& event) {
  if (event.kind != EventKind::sched_switch) {
    return;
  }
  const SchedSwitch& fields = event.sched_switch;
  ++tasks_[fields.prev_pid].left;
  if (const auto entered = current_.find(event.cpu); entered != current_.end()) {
    ++checked_;
    if (entered->second != fields.prev_pid) {
      ++broken_;
      ++tasks_[entered->second].missed;
    }
  }
  current_[event.cpu] = fields.next_pid;
}

std::vector<std::int32_t> SwitchCheck::silent_tasks() const {
  std::vector<std::int32_t> silent;
  for (const auto& [pid, task] : tasks_) {
    if (task.left == 0 && task.missed > 0) {
      silent.push_back(pid);
    }
  }
  return silent;
}

std::uint64_t SwitchCheck::broken_by_silent() const {
  std::uint64_t sum = 0;
  for (const auto& [pid, task] : tasks_) {
    sum += task.left == 0 ? task.missed : 0;
  }
  return sum;
}

}  // namespace calibration
