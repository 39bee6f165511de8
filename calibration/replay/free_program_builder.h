// Walks a capture's events once, per CPU in the order of its contexts (hardirq over softirq over task), and
// cuts them into the bursts and sections of a FreeProgram.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <vector>

#include "calibration/replay/free_program.h"

namespace calibration {

class FreeProgramBuilder {
 public:
  explicit FreeProgramBuilder(const ReplayInput& input);
  FreeProgram build();

 private:
  enum class Life : std::uint8_t { unknown, asleep, queued, running };
  struct Task {
    Life life = Life::unknown;
    std::int32_t wake = -1;        // woken by it, not yet run
    std::int32_t early_wake = -1;  // came while it still ran
    std::int32_t step_due = -1;    // the wake whose step waits for its sched_wakeup
    bool in_burst = false;
  };
  struct Open {  // a section that goes on
    bool open = false;
    bool device = false;
    std::int32_t irq = -1;
    bool timer = false;
    std::int64_t start = 0, last = 0;
    std::int64_t own = 0;     // softirqs
    std::int32_t raise = -1;  // softirqs: what it serves
    FreeSection section;
  };
  enum class Before : std::uint8_t { other, hardirq_end, softirq_end };  // the CPU's last event
  struct Cpu {
    ReplayTaskId current = ReplayTaskId::unknown;
    std::int64_t stamp = 0;  // accounted up to here
    Open hard, soft;
    Before before = Before::other;
    std::int32_t closed = -1;     // the section that ended there
    std::int32_t last_soft = -1;  // the last softirq run that ended
    std::int64_t idle_own = 0;    // time of the idle task itself, without interrupts on top
    std::int64_t idle_own_at_wake = 0;
    std::array<std::int32_t, 10> pending{};  // raises by vector, -1
    std::int64_t idle_since = not_seen;
    std::int32_t idle_wake = -1;  // what ended the idle time
    bool resched = false;         // seen of the current task
    std::int32_t resched_wake = -1;
    PreemptSource resched_source{};
    std::int64_t resched_own = 0;
    std::int64_t tick_own = not_seen;   // of the running task at its last tick, until something else happens
    std::vector<std::int32_t> waiting;  // wakes since the last switch
  };

  void event(const ReplayEvent& e);
  void sections(Cpu& cpu, const ReplayEvent& e);
  void advance(Cpu& cpu, std::int64_t now);
  void open_hard(Cpu& cpu, const ReplayEvent& e);
  void close_hard(Cpu& cpu, std::int64_t end);
  void open_soft(Cpu& cpu, const ReplayEvent& e);
  void close_soft(Cpu& cpu, std::int64_t end);
  void raise(Cpu& cpu, const ReplayEvent& e, std::int16_t vec);
  void add_step(Cpu& cpu, const ReplayEvent& e, StepKind kind, std::int32_t what);
  void external(const ReplayEvent& e, StepKind kind, std::int32_t what);
  void waking(Cpu& cpu, const ReplayEvent& e);
  void wakeup(Cpu& cpu, const ReplayEvent& e);
  std::int32_t new_wake(const ReplayEvent& e, ReplayTaskId task);
  void queued(FreeWake& wake, std::int32_t number);
  void switched(Cpu& cpu, const ReplayEvent& e);
  void leave(ReplayTaskId id, bool asleep);
  void enter(Cpu& cpu, const ReplayEvent& e, ReplayTaskId id);
  void left_idle(Cpu& cpu, const ReplayEvent& e);
  void note_resched(Cpu& cpu, const ReplayEvent& e);
  void end_resched(Cpu& cpu, bool preempted);
  ExitSource exit_source(const Cpu& cpu, const ReplayEvent& e) const;
  PreemptSource preempt_source(const Cpu& cpu, const ReplayEvent& e);
  void find_tick_phase();
  void find_followers();

  bool modelled(ReplayTaskId id) const {
    return id >= ReplayTaskId{0} && program_.tasks[static_cast<std::size_t>(id)].modelled;
  }
  Task& task(ReplayTaskId id) { return tasks_[static_cast<std::size_t>(id)]; }
  FreeBurst* burst(ReplayTaskId id);
  FreeWake& wake(std::int32_t number) { return program_.wakes[static_cast<std::size_t>(number)]; }

  struct IrqWakes {  // of one device interrupt, in its handler
    std::uint64_t wakes = 0;
    std::uint64_t at_home = 0;  // of a task that had slept on the interrupted CPU
    std::int16_t cpu = -1;
    std::vector<std::int32_t> numbers;
  };

  const ReplayInput& input_;
  FreeProgram program_;
  std::vector<Cpu> cpus_;
  std::vector<Task> tasks_;
  std::vector<std::int64_t> tick_times_;
  std::map<std::int32_t, IrqWakes> irq_wakes_;  // by irq
};

}  // namespace calibration
