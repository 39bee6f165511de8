// A hand-written capture for the free-running replay: two CPUs, times in us, tasks a, b, c.
#pragma once

#include <cstdint>
#include <string>
#include <utility>

#include "calibration/replay/free_run.h"

using calibration::ReplayContext;
using calibration::ReplayEvent;
using calibration::ReplayInput;
using calibration::ReplayKind;
using calibration::ReplayTaskId;

inline constexpr ReplayTaskId idle_task = ReplayTaskId::idle;
inline constexpr ReplayTaskId task_a{0}, task_b{1}, task_c{2};
inline constexpr std::int64_t us = 1000;

class FreeStory {
 public:
  FreeStory() {
    input.cpus = 2;
    input.kernel.config.hz = 250;
    input.kernel.config.irq_time_accounting = false;
    input.has_flags = true;
    for (const char* name : {"agent-0", "server", "burst"}) {
      calibration::ReplayTask task;
      task.pid = 100 + static_cast<std::int32_t>(input.tasks.size());
      task.name = name;
      input.tasks.push_back(task);
    }
    current_[0] = current_[1] = idle_task;
  }

  ReplayEvent& add(std::int64_t at_us, int cpu, ReplayKind kind,
                   ReplayContext context = ReplayContext::task) {
    ReplayEvent event;
    event.time = at_us * us;
    event.cpu = static_cast<std::int16_t>(cpu);
    event.kind = kind;
    event.context = context;
    event.flags_known = true;
    event.current = current_[cpu];
    input.events.push_back(event);
    input.begin = input.events.front().time;
    input.end = event.time;
    return input.events.back();
  }
  void switches(std::int64_t at_us, int cpu, ReplayTaskId next, bool sleeps = true) {
    ReplayEvent& event = add(at_us, cpu, ReplayKind::sched_switch);
    event.task = current_[cpu];
    event.next = next;
    event.state = sleeps && current_[cpu] != idle_task ? calibration::TaskState::interruptible
                                                       : calibration::TaskState::running;
    current_[cpu] = next;
  }
  // sched_waking on `cpu` and sched_wakeup, both at once unless `wakeup_us` and the other CPU say otherwise.
  void wakes(std::int64_t at_us, int cpu, ReplayTaskId task, ReplayContext context, int to,
             std::int64_t wakeup_us = -1) {
    const auto place = static_cast<std::int32_t>(input.events.size());
    {
      ReplayEvent& waking = add(at_us, cpu, ReplayKind::waking, context);
      waking.task = task;
      waking.from_cpu = waking.to_cpu = static_cast<std::int16_t>(to);
      waking.partner = place + 1;
    }
    ReplayEvent& wakeup = wakeup_us < 0 ? add(at_us, cpu, ReplayKind::wakeup, context)
                                        : add(wakeup_us, to, ReplayKind::wakeup, ReplayContext::hardirq);
    wakeup.task = task;
    wakeup.from_cpu = wakeup.to_cpu = static_cast<std::int16_t>(to);
    wakeup.partner = place;
  }
  // An hrtimer that wakes a task.
  void timer(std::int64_t at_us, int cpu, ReplayTaskId task) {
    add(at_us, cpu, ReplayKind::timer, ReplayContext::hardirq);
    wakes(at_us, cpu, task, ReplayContext::hardirq, cpu);
  }
  void softirq(std::int64_t at_us, int cpu, ReplayKind kind, int vec) {
    add(at_us, cpu, kind, kind == ReplayKind::softirq_raise ? ReplayContext::task : ReplayContext::softirq)
        .vec = static_cast<std::int16_t>(vec);
  }

  ReplayInput input;

 private:
  ReplayTaskId current_[2];
};

// Who was switched to, and when, in us.
inline std::string switches_of(const calibration::FreeRun& run) {
  std::string text;
  for (const calibration::ReplayedSwitch& each : run.switches) {
    const std::string who = each.next == idle_task
                                ? "idle"
                                : std::string(1, static_cast<char>('a' + static_cast<int>(each.next)));
    text += (text.empty() ? "" : " ") + std::to_string(each.time / us) + ":" + std::to_string(each.cpu) + who;
  }
  return text;
}
