// The free-running replay: the exogenous part of a capture drives the models, which decide the rest.
//
//   FreeProgram ─► hardirqs at their times ─┐
//                  tasks' own computing ────┼─► Cpu, Softirq, ksoftirqd, Sched, a policy ─► FreeRun
//                  costs, drawn or imposed ─┘
//
// Assumed:  a task may be preempted anywhere in its work, as late after the request as the capture shows of
//           the same situation (kernel code that runs on, the way out of a system call); steps of tasks and
//           softirqs keep their offset in their doer's own progress, those of hardirqs keep their time; a
//           task preempted or migrated pays nothing beyond that.
// Left out: what the models cost by themselves (costs.h): the capture's bursts and sections contain it.
#pragma once

#include <cstdint>
#include <vector>

#include "calibration/replay/free_program.h"
#include "calibration/replay/free_tasks.h"
#include "calibration/replay/imposed_costs.h"
#include "models/policy_config.h"

namespace calibration {

struct FreeRunOptions {
  CostMode costs = CostMode::drawn;
  bool impose_cpus = false;     // wakeups go to the CPU that the kernel chose
  bool follow = true;           // FreeWake::follows counts; false: every interrupt keeps its captured CPU
  models::PolicyConfig policy;  // otherwise
  std::uint64_t seed = 1;
};

// A sched_switch of the replay.
struct ReplayedSwitch {
  std::int64_t time = 0;  // the capture's clock, ns
  std::int16_t cpu = -1;
  bool sleeps = false;  // who leaves
  ReplayTaskId prev = ReplayTaskId::unknown, next = ReplayTaskId::unknown;
};

struct FreeRun {
  std::vector<ReplayedWake> wakes;  // as FreeProgram::wakes
  std::vector<ReplayedSwitch> switches;
  std::uint64_t early_wakes = 0;  // remembered until their task slept
  std::uint64_t added_ticks = 0;
  std::uint64_t imposed_costs = 0, drawn_costs = 0;
  std::uint64_t events = 0;  // of the engine
};

FreeRun run_free(const ReplayInput& input, const FreeProgram& program, const FreeRunOptions& options);

}  // namespace calibration
