// Makes imposed costs pass: between NEED_RESCHED and the switch that it leads to.
//
//   Cpu::schedule ──► FreeSwitches: idle: the way out of idle, then ──► Sched::schedule
//                                   busy: the task works on until it would be in the way out, then ──┘
//
// The preempted task's way is part of its own work, as in the capture, where it computes until the switch. A
// task that blocks on that way is never preempted. Who runs next is chosen at the end, as in __schedule.
#pragma once

#include <cstdint>
#include <vector>

#include "calibration/replay/free_machine.h"
#include "calibration/replay/imposed_costs.h"

namespace calibration {

class FreeSwitches {
 public:
  FreeSwitches(FreeMachine& machine, ImposedCosts& costs);
  FreeSwitches(const FreeSwitches&) = delete;
  FreeSwitches& operator=(const FreeSwitches&) = delete;

  // in: a wakeup (null: the tick) set NEED_RESCHED of `cpu`, if nothing had before.
  void requested(models::CpuId cpu, const FreeWake* wake, bool remote);
  // in: a wakeup waits for the IPI to `cpu`.
  void sent(models::CpuId cpu, const FreeWake& wake);
  void delivered(models::CpuId cpu) { slot(cpu).sent = false; }
  // in: sched_switch.
  void switched(models::CpuId cpu);

 private:
  struct Slot {
    bool requested = false;
    const FreeWake* wake = nullptr;
    bool remote = false;
    sim::SimTime at{};
    bool counting = false;  // the running task is on its way
    std::int64_t left = 0;  // ns of its own time
    models::Work rest;      // its work after that
    bool sent = false;      // an IPI is on its way
    sim::SimTime idle_since{};
  };
  void on_schedule(models::CpuId cpu);
  void exit_passed(std::uint64_t cpu) { go(static_cast<models::CpuId>(cpu)); }
  void preempt_passed(std::uint64_t cpu);
  void make_room(models::CpuId cpu);
  void go(models::CpuId cpu);
  Slot& slot(models::CpuId cpu) { return slots_[models::index(cpu)]; }

  FreeMachine& machine_;
  ImposedCosts& costs_;
  std::vector<Slot> slots_;
};

}  // namespace calibration
