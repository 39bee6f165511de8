// A capture written event by event for tests of the replay: times in us, tasks by pid, named "task-PID"
// unless `comm` says otherwise.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <utility>

#include "calibration/replay/teacher.h"

namespace calibration {

class ReplayScript {
 public:
  explicit ReplayScript(int cpus = 2) {
    for (int cpu = 0; cpu < cpus; ++cpu) {
      switches(0, cpu, 900 + cpu, TaskState::interruptible, 0);  // each CPU begins idle, so that it counts
    }
  }

  ReplayScript(const ReplayScript&) = delete;  // its reader points to its names
  ReplayScript& operator=(const ReplayScript&) = delete;

  ReplayScript& comm(int pid, std::string name) {
    comms_[pid] = std::move(name);
    return *this;
  }
  void switches(double us, int cpu, int prev, TaskState state, int next) {
    Event event = begin(us, cpu, EventKind::sched_switch, {.known = true});
    event.sched_switch = {name(prev), prev, 120, state, false, name(next), next, 120};
    current_[cpu] = next;
    reader_.add(event);
  }
  // Who runs there leaves asleep, or stays runnable.
  void blocks(double us, int cpu, int next) {
    switches(us, cpu, current_[cpu], TaskState::interruptible, next);
  }
  void yields_to(double us, int cpu, int next) { switches(us, cpu, current_[cpu], TaskState::running, next); }
  // sched_waking and sched_wakeup on the waker's CPU, `asks`: the wakeup sets NEED_RESCHED there.
  void wakes(double us, int cpu, int pid, int prev, int chosen, bool asks = false) {
    EventFlags flags{.known = true, .hardirq = true};
    wake(us, cpu, EventKind::sched_waking, pid, prev, flags);
    flags.need_resched = asks;
    wake(us, cpu, EventKind::sched_wakeup, pid, chosen, flags);
  }
  void wake(double us, int cpu, EventKind kind, int pid, int target, EventFlags flags) {
    Event event = begin(us, cpu, kind, flags);
    event.wakeup = {name(pid), pid, 120, target};
    reader_.add(event);
  }
  void migrates(double us, int cpu, int pid, int from, int to) {
    Event event = begin(us, cpu, EventKind::sched_migrate_task, {.known = true});
    event.migrate = {name(pid), pid, 120, from, to};
    reader_.add(event);
  }
  void ticks(double us, int cpu) {
    Event event = begin(us, cpu, EventKind::hrtimer_expire_entry, {.known = true, .hardirq = true});
    event.hrtimer = {1, names_.intern("tick_nohz_handler"), event.time};
    reader_.add(event);
  }
  void softirq(double us, int cpu, EventKind kind, int vec) {
    Event event = begin(us, cpu, kind, {.known = true, .softirq = true});
    event.softirq = {vec};
    reader_.add(event);
  }

  ReplayInput input(models::KernelRelease release = models::KernelRelease::v6_12) {
    ReplayKernel kernel;
    kernel.config.release = release;
    kernel.config.irq_time_accounting = false;
    return reader_.finish("script", kernel, 1);
  }

 private:
  Name name(int pid) {
    const auto known = comms_.find(pid);
    return names_.intern(known != comms_.end() ? known->second : "task-" + std::to_string(pid));
  }
  Event begin(double us, int cpu, EventKind kind, EventFlags flags) {
    Event event;
    event.time = static_cast<std::int64_t>(us * 1000);
    event.cpu = cpu;
    event.pid = current_[cpu];
    event.kind = kind;
    event.flags = flags;
    return event;
  }

  Names names_;
  ReplayInputReader reader_{names_};
  std::map<int, std::string> comms_{{0, "swapper"}};
  std::map<int, int> current_;
};

inline const DecisionScore& score_of(const TeacherResult& result, Decision decision) {
  return result.scores[static_cast<std::size_t>(decision)];
}

}  // namespace calibration
