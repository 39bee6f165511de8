// How long the ways between a decision and its effect take in a free-running replay: the IPI to a sleeping
// CPU, the way out of idle, a running task's way to where it makes room.
//
// Two ways to have them. Drawn: from the values that the same capture shows, by class (what woke the CPU, how
// long it had slept; who asked the task to make room). Imposed: event by event what the capture shows, where
// the models are in the same situation; drawn elsewhere.
#pragma once

#include <cstdint>
#include <span>

#include "calibration/replay/free_program.h"
#include "sim/rng.h"

namespace calibration {

enum class CostMode : std::uint8_t { drawn, imposed };

class ImposedCosts {
 public:
  ImposedCosts(const FreeProgram& program, CostMode mode, std::uint64_t seed);

  static constexpr std::int64_t never = INT64_MAX / 4;

  // From sched_waking elsewhere to sched_wakeup on a CPU that has slept for `idle` ns.
  std::int64_t delivery(const FreeWake& wake, std::int64_t idle);
  // Own time of the idle task from the wakeup that ends its time, `remote` when another CPU's, to the switch.
  // Null: 0, no wakeup of the capture ends it (ksoftirqd, a task that balancing moved).
  std::int64_t exit(const FreeWake* wake, bool remote, std::int64_t idle);
  // Own time of the running task from the request, by a wakeup or (null) the tick, to the switch; `never`: it
  // sleeps before it gets there.
  std::int64_t preempt(const FreeWake* wake, bool remote);
  std::int64_t tick_length() const { return tick_length_; }

  std::uint64_t imposed() const { return imposed_; }
  std::uint64_t drawn() const { return drawn_; }

 private:
  std::int64_t draw(std::span<const std::int64_t> values, sim::Stream& stream);
  std::span<const std::int64_t> exits(ExitSource source, std::size_t residency) const;

  const MeasuredCosts& measured_;
  bool impose_;
  std::vector<std::int64_t> all_exits_[exit_sources];
  std::vector<std::int64_t> all_deliveries_;
  std::int64_t tick_length_ = 0;
  sim::Stream exit_stream_, delivery_stream_, preempt_stream_;
  std::uint64_t imposed_ = 0, drawn_ = 0;
};

}  // namespace calibration
