// What the rows of the chain program leave to be followed from row to row: the names of the tasks that fire
// events, and whether a CPU is in an interrupt or a softirq.
//
// Models:   nesting as kernel/softirq.c and irq_exit order it: hardirq over softirq over task. The flags are
//           exact where the machine has x86's irq_vectors tracepoints; elsewhere the interrupts of timers and
//           other CPUs would pass for what they interrupt, so there the flags are not `known`.
// Left out: irqs_off, bh_off, need_resched and preempt_depth: BPF does not see them, they are always false.
#pragma once

#include <cstdint>
#include <vector>

#include "calibration/traces/event.h"

namespace calibration {

class TaskNames {
 public:
  static constexpr std::int32_t max_pid = 1 << 22;  // PID_MAX_LIMIT, include/linux/threads.h

  void set(std::int32_t pid, Name comm);
  Name get(std::int32_t pid) const;  // none when it was never said

 private:
  std::vector<Name> names_;  // by pid
};

class ChainState {
 public:
  explicit ChainState(Names& names);

  void name_task(std::int32_t pid, Name comm) { tasks_.set(pid, comm); }
  void context_is_exact(bool exact) { exact_ = exact; }

  // Fills in comm, flags, and the comm fields that are none; learns from those that are not.
  void complete(Event& event);

 private:
  struct Cpu {
    int hardirqs = 0;
    bool softirq = false;
    Name idle_comm = Name::none;  // "swapper/1"
  };

  Cpu& cpu(std::int32_t number);
  Name comm_of(std::int32_t pid, std::int32_t on_cpu);
  void learn(std::int32_t pid, std::int32_t on_cpu, Name& comm);
  void enter(Event& event);
  int vector_step(Name name);

  Names& names_;
  TaskNames tasks_;
  std::vector<Cpu> cpus_;
  std::vector<std::int8_t> vector_steps_;  // by Name: +1 an interrupt's entry, -1 its exit, 0 neither
  Name idle_;
  bool exact_ = false;
};

}  // namespace calibration
