// The capture's tasks as programs of the models' tasks: compute, do a step, compute on, sleep until woken.
//
// A wakeup that comes before its task sleeps in the replay is remembered: the task goes on at once when it
// would sleep. Nothing of that wakeup is compared.
//
// With imposed CPUs a task may only be on the CPU that the kernel woke it to or moved it to.
#pragma once

#include <cstdint>
#include <vector>

#include "calibration/replay/free_machine.h"
#include "calibration/replay/free_program.h"
#include "calibration/replay/free_switches.h"
#include "sim/port.h"

namespace calibration {

// What became of one wakeup of the program in the replay. Times are the capture's, ns.
struct ReplayedWake {
  std::int64_t waking_at = not_seen;  // not_seen: it never came
  std::int64_t wakeup_at = not_seen;
  std::int64_t switch_at = not_seen;
  std::int16_t waker_cpu = -1, to_cpu = -1, run_cpu = -1;
  bool early = false;    // its task did not sleep yet
  bool swapped = false;  // it began another burst than in the capture
  bool found_idle = false, ends_idle = false;
  std::int64_t first_switch = not_seen;
  ReplayTaskId first_next = ReplayTaskId::unknown;
  bool first_preempts = false;
  ReplayTaskId behind = ReplayTaskId::unknown;
};

class FreeTasks {
 public:
  // `origin`: the capture's time at the models' SimTime{}.
  FreeTasks(FreeMachine& machine, FreeSwitches& switches, const FreeProgram& program, std::int64_t origin,
            bool impose_cpus, bool follow);
  FreeTasks(const FreeTasks&) = delete;
  FreeTasks& operator=(const FreeTasks&) = delete;

  // out: the current task of a CPU raises a softirq, of FreeProgram::raises.
  sim::Port<void(models::CpuId, std::int32_t)> raise;

  // in: whoever executes on `cpu` does a wakeup of the program.
  void wake(std::int32_t number, models::CpuId cpu);
  // Where a wakeup's interrupt comes to that keeps to no CPU of its own.
  models::CpuId home(std::int32_t number, models::CpuId captured) const;
  // in: tracepoints.
  void woken(std::int64_t task, models::CpuId target);
  void switched(models::CpuId cpu, std::int64_t prev, bool sleeps, std::int64_t next);

  const std::vector<ReplayedWake>& wakes() const { return wakes_; }

 private:
  struct Program {
    models::Task* task = nullptr;
    std::size_t burst = 0;  // that runs, or that it sleeps before
    std::size_t step = 0;
    std::int64_t at = 0;  // done of it, ns
    bool over = false;
    std::int32_t woken_by = -1;  // until it runs
    std::vector<std::int32_t> early;
  };
  struct Cpu {
    std::vector<std::int32_t> waiting;  // wakes since the last switch
    bool idle_ending = false;
  };
  void step(std::uint64_t number);
  models::Work next_piece(std::size_t number);
  void block(std::size_t number);
  models::CpuId select(const models::Placement& placement);
  void keep_on(models::Task& task, std::int16_t cpu);
  void migrate();
  std::int64_t now() const;
  const FreeBurst& burst(std::size_t number) const {
    return program_.tasks[number].bursts[programs_[number].burst];
  }

  FreeMachine& machine_;
  FreeSwitches& switches_;
  const FreeProgram& program_;
  std::int64_t origin_;
  bool impose_cpus_, follow_;
  std::vector<Program> programs_;
  std::vector<ReplayedWake> wakes_;
  std::vector<Cpu> cpus_;
  std::int32_t waking_ = -1;  // the wakeup under way
  sim::Timer migration_;      // the capture's next one, where CPUs are imposed
  std::size_t next_migration_ = 0;
};

}  // namespace calibration
