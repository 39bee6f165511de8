// Compute: a loop whose length is work, not time. An interrupt in it makes the step longer by its own length,
// as it does in the model; a loop that looked at the clock would swallow it. (A thread's CPU clock is no way
// out: without IRQ_TIME_ACCOUNTING it counts the interrupts.)
#pragma once

#include <cstdint>

namespace tools::live {

// Dependent multiplications: their latency does not depend on what a sibling hardware thread does.
void spin(std::uint64_t turns);

// Nanoseconds of one turn, from many short loops of which the fastest count: the others were interrupted, or
// shared the core with somebody. Takes `budget_ns`, by the clock.
double measure_spin(std::int64_t budget_ns = 40'000'000);

// Turns that take `ns`, by the nanoseconds of one.
inline std::uint64_t turns_of(std::int64_t ns, double turn_ns) {
  return ns <= 0 ? 0 : static_cast<std::uint64_t>(static_cast<double>(ns) / turn_ns);
}

}  // namespace tools::live
