// Whether each switch leaves the task that its CPU last entered; what does not is a switch that was not seen.
//
// On some kernels a task's own events are never delivered to perf (its recursion counter is stuck, which from
// 6.11 on lives in task_struct): it is entered again and again and never leaves. Such tasks are told apart,
// for their number says nothing about the rest of the capture.
#pragma once

#include <cstdint>
#include <map>
#include <vector>

#include "calibration/traces/event.h"

namespace calibration {

class SwitchCheck {
 public:
  void see(const Event& event);

  std::uint64_t checked() const { return checked_; }
  std::uint64_t broken() const { return broken_; }
  std::vector<std::int32_t> silent_tasks() const;  // never seen leaving, though others left in their place
  std::uint64_t broken_by_silent() const;          // of broken(): where such a task should have left

 private:
  struct Task {
    std::uint64_t left = 0;
    std::uint64_t missed = 0;  // another task left in its place
  };

  std::map<std::int32_t, std::int32_t> current_;  // by CPU: the task last entered
  std::map<std::int32_t, Task> tasks_;
  std::uint64_t checked_ = 0;
  std::uint64_t broken_ = 0;
};

}  // namespace calibration
