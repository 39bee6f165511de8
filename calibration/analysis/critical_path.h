// Why a stretch of a task's life took as long as it did: from its end back to its start along what it waited
// for, every nanosecond blamed on exactly one thing.
//
//   agent runs ◄─ switch_in ◄─ wakeup ◄─ waking ◄─ softirq ◄─ raise ◄─ peer runs ◄─ ... ◄─ agent runs
//
// A node is reached through what came last of what it needed: a switch-in through its wakeup, a wakeup
// through its proved cause, a completion through the softirq that completed it, and that through the
// interrupt, and that through the request's issue. Where no cause was proved the wait is blamed on `unknown`,
// as a whole.
//
// Source: critical-path analysis of wait chains, as F. Giraldeau and M. Dagenais, "Wait analysis of
//         distributed systems using kernel tracing", IEEE TPDS 27(8), 2016.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>
#include <vector>

#include "calibration/analysis/history.h"

namespace calibration {

enum class Blame : std::uint8_t {
  own,               // the task runs: its code, its system calls, switching
  hardirq,           // an interrupt's handler, also one that interrupts the running task
  softirq,           // the softirq that completed it, or one that interrupts the running task
  batch_ahead,       // the work items before this one in the same softirq or handler
  softirq_queue,     // raised, not yet served
  device,            // the request is with the device
  remote,            // the answer comes from outside this machine
  wake,              // sched_waking to sched_wakeup: placement, wake list, IPI
  idle_exit,         // runnable, its CPU idle
  run_queue,         // runnable, its CPU runs another task
  interrupts_ahead,  // runnable, its CPU serves interrupts
  migration,         // runnable, then run by another CPU than it was queued on
  timer,             // asleep on a timer of its own
  unknown,           // asleep, and no cause was proved
  count,
};
inline constexpr std::size_t blames = static_cast<std::size_t>(Blame::count);
std::string_view to_string(Blame blame);

// ns by what they are blamed on: the task itself, or a peer that it waited for.
struct BlameSums {
  std::array<std::int64_t, blames> own{}, peer{};
  std::int64_t total() const;
};

struct PathPiece {
  std::int64_t from = 0, to = 0;
  Blame blame{};
  bool peer = false;
  std::int32_t pid = -1;     // on whose behalf: the task itself or the peer
  std::int32_t behind = -1;  // run_queue: who had the CPU when it became runnable
  std::int16_t cpu = -1;
  NodeKind reached{};  // the kind of the node at `to`
};

struct CriticalPath {
  std::vector<PathPiece> pieces;  // the latest first
  BlameSums sums;                 // of all pieces: together exactly to - from
  bool cut_off = false;           // what lies before was no longer in the history
};

// The path from `end` (a node of task `pid`) back to the instant `start`. The pieces' span is exactly
// [start, time of end]; pieces are split where one edge has several parts (a wait behind a task and an
// interrupt), the parts in a fixed order, for only their sums are known.
void critical_path(const History& history, NodeId end, std::int32_t pid, std::int64_t start,
                   CriticalPath& path);

}  // namespace calibration
