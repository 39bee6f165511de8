// The rows of each task in a Perfetto trace.
//
//   Tasks ─── agent-0 1004   "runnable", "running, CPU 1", "preempted"; nothing while it sleeps
//   Agents ── agent-0 1004   "sleep", "step", and in a step its wait gates: "epoll_wait", "io_uring_enter"
//
// A row has the last name that the scheduler's events give its task; ftrace's own TASK column knows later
// names too early.
//
// Agents are the tasks that wait in epoll_wait or io_uring_enter, or those that the caller names. A step
// lasts from the wakeup that ends a sleep to the next sleep. A sleep is a nanosleep, or, for a task whose
// nanosleeps were not traced, an interruptible sleep outside all gates; it ends at its sched_waking, not when
// the task runs.
//
// Arrows go from the sched_waking of a task that slept, through its "runnable" and the sched_wakeup if
// another CPU did that, to its "running". A task woken before it slept, or whose switches are missing, has
// none.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <unordered_map>
#include <vector>

#include "calibration/traces/event.h"
#include "calibration/traces/perfetto_cpus.h"
#include "calibration/traces/perfetto_stream.h"

namespace calibration {

class PerfettoTasks {
 public:
  static constexpr std::size_t max_tasks = 1 << 16;  // further ones have no rows

  // `agents`: pids; empty: every task that waits so.
  PerfettoTasks(PerfettoStream& stream, PerfettoCpus& cpus, const Names& names,
                std::vector<std::int32_t> agents);

  Track track(std::int32_t pid, Name comm);  // none for the idle task, for -1, and past max_tasks

  // What a sched_waking or sched_wakeup is to its task.
  struct Wake {
    FlowId flow = FlowId::none;  // the arrow that begins or passes there
    bool begins = false;         // it ends the task's sleep
  };
  // Before the mark of the event is written; `cause`: the arrow that leads to it, if any. And after it.
  Wake wake(const Event& event, FlowId cause);
  void woken(const Event& event, const Wake& wake);
  void sched_switch(const Event& event);
  void migrated(const Event& event);
  void gate(const Event& event);  // sys_enter, sys_exit
  void finish(std::int64_t time);

  std::uint64_t broken_switches() const { return broken_switches_; }

 private:
  enum class State : std::uint8_t { unknown, asleep, runnable, running };
  enum class Episode : std::uint8_t { none, sleep, step };

  struct Task {
    std::int32_t pid = 0;
    Name comm = Name::none;
    Track states = Track::none;
    Track steps = Track::none;
    State state = State::unknown;
    Episode episode = Episode::none;
    bool in_gate = false;
    bool sleeps_traced = false;
    FlowId flow = FlowId::none;    // of its wakeup
    std::int32_t waking_cpu = -1;  // where that was
    std::int32_t queued_on = -1;   // whose run queue counts it
  };

  Task* find(std::int32_t pid, Name comm);
  Task* find_named(std::int32_t pid, Name comm);  // by an event of the scheduler, which knows the name
  Track row(Track group, std::string_view comm, std::int32_t pid, Track renamed);
  bool is_agent(std::int32_t pid) const;
  void leave(const Event& event);
  void enter(const Event& event);
  void check_current(const Event& event);
  void set_state(Task& task, State state, std::string_view name, std::int64_t time, FlowId flow,
                 std::span<const FlowId> ends);
  void queue(Task& task, std::int32_t cpu, std::int64_t time);
  void begin_sleep(Task& task, std::int64_t time);
  void end_sleep(Task& task, std::int64_t time);
  void end_gate(Task& task, std::int64_t time);

  PerfettoStream& stream_;
  PerfettoCpus& cpus_;
  const Names& names_;
  std::vector<std::int32_t> agents_;  // ascending
  Track task_group_ = Track::none;
  Track agent_group_ = Track::none;
  std::vector<Task> tasks_;
  std::unordered_map<std::int32_t, std::size_t> index_;  // by pid, into tasks_
  std::vector<std::int32_t> current_;                    // by CPU: the pid it runs, -1: not known
  std::vector<std::string> running_on_;                  // by CPU: "running, CPU 3"
  std::uint64_t broken_switches_ = 0;
};

}  // namespace calibration
