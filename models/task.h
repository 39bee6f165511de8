// A schedulable task: what the scheduler knows of it, and the work it continues with.
//
// What a task does is its program's business (agent.h, server.h, background.h, ksoftirqd.h, tracer.h): a
// program is a class whose methods are the task's steps, called when the task's work ends.
#pragma once

#include <bitset>
#include <cstdint>
#include <string>

#include "models/completion.h"
#include "models/cpu.h"
#include "models/ids.h"
#include "models/sched_entity.h"
#include "models/sched_rt.h"
#include "models/util_est.h"

namespace models {

inline constexpr int max_cpus = 1024;
using CpuMask = std::bitset<max_cpus>;

enum class Role : std::uint8_t { agent, server, background, kernel, tracer };

enum class TaskState : std::uint8_t { running, interruptible };  // TASK_RUNNING, TASK_INTERRUPTIBLE

struct Task;

// How often a task changes whom it wakes (task_struct: last_wakee, wakee_flips, wakee_flip_decay_ts).
struct WakeeFlips {
  const Task* last_wakee = nullptr;
  int flips = 0;
  sim::SimTime decay_at{};
};

struct Task {
  TaskId id = TaskId::none;
  std::string name;
  Role role = Role::background;
  LatencyClass latency_class = LatencyClass::normal;  // agent_interactive: SCHED_FLAG_AGENT_LATENCY

  SchedEntity se;
  RtEntity rt;
  UtilEst util_est;
  bool is_rt = false;
  CpuMask allowed;
  int nr_allowed = 0;
  CpuId home_cpu = CpuId::none;  // proposal's agent_home_cpu

  TaskState state = TaskState::interruptible;
  CpuId cpu = CpuId{0};          // where it runs, waits, or slept (wake_cpu)
  CpuId last_ran = CpuId::none;  // whose cache is warm
  CpuId recent_used_cpu = CpuId{0};
  WakeeFlips wakee;
  sim::SimTime last_ran_at{};
  bool on_wake_list = false;
  // Its place in the list of fair tasks of that CPU (run_queues.h).
  CpuId cfs_list = CpuId::none;
  Task* cfs_prev = nullptr;
  Task* cfs_next = nullptr;
  bool on_cpu = false;  // from the switch to it until the switch away from it is over

  Work saved;  // what it continues with when it is switched in

  bool wake_pending = false;  // woken, not yet run
  sim::SimTime waking_at{};
  sim::SimTime wakeup_at{};
  CompletionId woken_by = CompletionId::none;

  bool on_rq() const { return is_rt ? rt.on_rq : se.on_rq; }
};

}  // namespace models
