// What drives a free-running replay: the exogenous part of a capture, as programs that the models run.
//
//   ReplayInput ──FreeProgramBuilder──► tasks' bursts, sections of interrupts and softirqs, wakeups
//
// A burst is what a task computes between two sleeps: its own CPU time, without interrupts on top of it and
// without waiting. A section is one hardirq handler or one run of a softirq vector, without what interrupts
// it. Both do their steps (wake a task, raise a softirq, tick) at offsets of their own progress, so a step
// follows its doer to wherever the models put it. Only hardirqs keep the capture's time, and their CPU unless
// they follow the task that they wake: an hrtimer fires on the CPU where it was armed, and an interrupt of a
// device with a queue per CPU comes to the CPU that submitted.
//
// A softirq's run belongs to the raise that it served: a model that runs it earlier, later or from ksoftirqd
// runs the same work.
//
// Inferred: an interrupt without entry and exit tracepoints (timer, IPI) lasts from its first event to its
//           last; what passes from the end of one section to the start of the next softirq is the first
//           section's; time at the end of an interrupt that no event shows is the interrupted task's.
// Left out: IPIs, ksoftirqd and the stoppers (migration/N): the models have their own.
#pragma once

#include <cstdint>
#include <vector>

#include "calibration/replay/replay_input.h"

namespace calibration {

inline constexpr std::int64_t not_seen = -1;

enum class StepKind : std::uint8_t { wake, raise, tick };

struct FreeStep {
  std::int64_t offset = 0;  // ns of the doer's own progress
  StepKind kind{};
  std::int32_t what = -1;  // wake: of FreeProgram::wakes; raise: of FreeProgram::raises
};

struct FreeSection {
  std::int64_t at = 0;      // hardirqs: when it was entered, ns
  std::int64_t length = 0;  // ns, its own
  std::vector<FreeStep> steps;
  std::int16_t cpu = -1;
  std::int16_t vec = -1;  // of a softirq, -1: a hardirq
  bool tick = false;
};

struct FreeRaise {
  std::int16_t vec = 0;
  std::int32_t run = -1;  // the softirq section that served it; -1: none within the capture
};

struct FreeBurst {
  std::int32_t wake = -1;   // what began it
  std::int64_t length = 0;  // ns
  bool open = false;        // the capture ended, or lost its end, before the task blocked
  std::vector<FreeStep> steps;
};

struct FreeTask {
  bool modelled = true;  // false: ksoftirqd, migration/N
  bool agent = false;
  std::vector<FreeBurst> bursts;
};

// By what a CPU was woken from idle; decides what the way from there to the task costs.
enum class ExitSource : std::uint8_t { timer, device, other, remote };
inline constexpr std::size_t exit_sources = 4;
// How long it had been idle: below 50 us, 1 ms, 4 ms, or longer.
inline constexpr std::size_t residencies = 4;
std::size_t residency_class(std::int64_t idle_ns);

// By what a running task was asked to make room.
enum class PreemptSource : std::uint8_t { syscall, interrupt, tick };
inline constexpr std::size_t preempt_sources = 3;

inline constexpr std::int64_t blocked_first = -2;  // of FreeWake::preempt

// One wakeup, and what the kernel made of it.
struct FreeWake {
  ReplayTaskId task = ReplayTaskId::unknown;
  std::int64_t waking_at = 0;
  std::int64_t wakeup_at = not_seen;
  std::int64_t switch_at = not_seen;  // the task runs
  std::int16_t waker_cpu = -1, from_cpu = -1, to_cpu = -1, run_cpu = -1;
  ReplayContext context{};
  bool sync = false;
  bool fresh = false;       // sched_wakeup_new
  bool synthetic = false;   // no event told of it: the task just ran
  bool follows = false;     // its interrupt comes to the CPU that the task slept on: hrtimers, per-CPU queues
  bool valid = true;        // false: the task never left for it
  bool early_kept = false;  // it came before the task had left its CPU
  bool listed = false;      // delivered by the target: wake list and IPI
  bool found_idle = false;  // its CPU ran the idle task
  bool ends_idle = false;   // and it is what ended that
  ExitSource source{};
  PreemptSource preempt_source{};
  std::uint8_t residency = 0;
  std::int64_t exit = not_seen;     // ends_idle: from sched_wakeup to the switch, of the idle task's own time
  std::int64_t preempt = not_seen;  // from the request to the switch, of the preempted task's own time
  std::int64_t lead = 0;            // its step stands at the sched_wakeup, this long after sched_waking
  // The first switch on to_cpu after it.
  std::int64_t first_switch = not_seen;
  ReplayTaskId first_next = ReplayTaskId::unknown;
  bool first_preempts = false;                  // the task before left in state R
  ReplayTaskId behind = ReplayTaskId::unknown;  // whom to_cpu ran at the wakeup
};

// Balancing moved a waiting task.
struct FreeMigration {
  std::int64_t time = 0;
  ReplayTaskId task = ReplayTaskId::unknown;
  std::int16_t to_cpu = -1;
};

// What the capture shows of costs, ns, in the order of the capture.
struct MeasuredCosts {
  std::vector<std::int64_t> exits[exit_sources][residencies];  // FreeWake::exit
  std::vector<std::int64_t> deliveries[residencies];           // sched_waking to the target's sched_wakeup
  std::vector<std::int64_t> preempts[preempt_sources];
  std::vector<std::int64_t> ticks;  // lengths of ticks' interrupts
};

struct FreeProgram {
  std::vector<FreeTask> tasks;  // as ReplayInput::tasks
  std::vector<FreeWake> wakes;  // in the order of their sched_waking
  std::vector<FreeRaise> raises;
  std::vector<FreeSection> hardirqs;  // by time
  std::vector<FreeSection> softirqs;
  std::vector<FreeMigration> migrations;  // by time
  MeasuredCosts costs;
  std::int64_t tick_period = 0;  // ns
  std::int64_t tick_phase = 0;   // ticks are due at multiples of the period and this
  std::uint64_t synthetic_wakes = 0, void_wakes = 0;
};

FreeProgram make_free_program(const ReplayInput& input);

}  // namespace calibration
