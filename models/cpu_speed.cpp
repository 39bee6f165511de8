// What makes a CPU slower than its work is long: a hypervisor that runs others on it, a lower frequency, and
// a busy sibling in its core.
//
// Models:   the steal clock of a paravirtual guest (a vCPU is stolen from only while it wants to run), and
// speed
//           as integer factors of 1/1024, so that work that is interrupted and resumed loses nothing: what is
//           done of a nanosecond is carried along.
// Left out: frequency changes while running; a sibling's slowdown that depends on what it runs.
#include <algorithm>

#include "models/cpu.h"

namespace models {

namespace {

constexpr std::int64_t unit = full_speed;

}  // namespace

void Cpu::steal(sim::Nanos length) {
  stolen_until_ = std::max(stolen_until_, engine_.now() + length);
  const bool halted = asleep_ && state_config().state == IdleState::hlt;
  if (!halted && !stolen_) {
    stolen_begin();
  } else if (stolen_) {
    stolen_end_.arm_at(stolen_until_);
  }
}

// A halted CPU is to run again while its physical CPU is away.
bool Cpu::hypervisor_keeps_cpu() {
  if (engine_.now() >= stolen_until_) {
    return false;
  }
  stolen_begin();
  return true;
}

void Cpu::stolen_begin() {
  account_now();
  stolen_ = true;
  executing_ = false;
  end_.disarm();
  stolen_end_.arm_at(stolen_until_);
}

void Cpu::stolen_end() {
  account_now();
  stolen_ = false;
  settle();
}

void Cpu::progress(Work& work, sim::Nanos span) const {
  if (speed_ == full_speed || work.unscaled) {
    work.remaining -= span;
    return;
  }
  const std::int64_t done = span.count() * speed_ + work.done_1024ths;
  work.remaining -= sim::Nanos{done / unit};
  work.done_1024ths = static_cast<std::uint16_t>(done % unit);
}

// Rounded up: work is never over before it is done.
sim::Nanos Cpu::wall_time(const Work& work) const {
  if (speed_ == full_speed || work.unscaled) {
    return work.remaining;
  }
  const std::int64_t left = work.remaining.count() * unit - work.done_1024ths;
  return sim::Nanos{std::max<std::int64_t>(0, (left + speed_ - 1) / speed_)};
}

void Cpu::tell_siblings() {
  for (Cpu* sibling : siblings_) {
    sibling->sibling_changed();
  }
}

void Cpu::sibling_changed() {
  const bool shared =
      std::any_of(siblings_.begin(), siblings_.end(), [](const Cpu* other) { return !other->asleep_; });
  const int speed = std::max(1, shared ? own_speed_ * topology_.smt_speed / full_speed : own_speed_);
  if (speed == speed_) {
    return;
  }
  account_now();
  speed_ = speed;
  if (executing_) {
    end_.arm(wall_time(work_[static_cast<std::size_t>(active_)]));
  }
}

}  // namespace models
