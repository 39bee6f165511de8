// The builder's part that cuts interrupts out of a CPU's time, and puts every step where it belongs.
#include <algorithm>
#include <utility>

#include "calibration/replay/free_program_builder.h"

namespace calibration {
namespace {

constexpr std::int64_t longest_pause = 20'000;  // ns, between events of one interrupt

}  // namespace

// Which section the event is in: closes the one it shows to be over, opens the one it begins, and gives the
// time since the CPU's last event to whom it belongs.
void FreeProgramBuilder::sections(Cpu& cpu, const ReplayEvent& e) {
  const bool hardirq = e.context == ReplayContext::hardirq || e.kind == ReplayKind::tick ||
                       e.kind == ReplayKind::timer || e.kind == ReplayKind::irq_entry ||
                       e.kind == ReplayKind::irq_exit;
  // Two interrupts without anything else between them look like one, but for the time between them.
  const bool begins =
      e.kind == ReplayKind::tick || e.kind == ReplayKind::timer || e.kind == ReplayKind::wakeup;
  const bool another = begins && !cpu.hard.device && e.time - cpu.hard.last > longest_pause;
  if (cpu.hard.open && (!hardirq || another || e.kind == ReplayKind::irq_entry)) {
    const bool onward = e.kind == ReplayKind::softirq_entry ||
                        (e.kind == ReplayKind::irq_entry && e.time - cpu.hard.last <= longest_pause);
    close_hard(cpu, onward ? e.time : cpu.hard.last);
  }
  const bool onward = e.kind == ReplayKind::softirq_entry
                          ? !cpu.soft.open
                          : hardirq && cpu.before == Before::hardirq_end && !cpu.hard.open &&
                                !cpu.soft.open && e.time - cpu.stamp <= longest_pause;
  if (onward && cpu.before != Before::other && cpu.closed >= 0) {
    auto& sections = cpu.before == Before::hardirq_end ? program_.hardirqs : program_.softirqs;
    sections[static_cast<std::size_t>(cpu.closed)].length += e.time - cpu.stamp;
    cpu.stamp = e.time;
  }
  if (!cpu.hard.open) {
    advance(cpu, e.time);
    if (hardirq) {
      open_hard(cpu, e);
    }
  }
  cpu.hard.last = e.time;
}

void FreeProgramBuilder::advance(Cpu& cpu, std::int64_t now) {
  const std::int64_t span = now - cpu.stamp;
  cpu.stamp = now;
  if (cpu.soft.open) {
    cpu.soft.own += span;
  } else if (FreeBurst* running = burst(cpu.current)) {
    running->length += span;
  } else if (cpu.current == ReplayTaskId::idle) {
    cpu.idle_own += span;
  }
}

void FreeProgramBuilder::open_hard(Cpu& cpu, const ReplayEvent& e) {
  cpu.hard = Open{};
  cpu.hard.open = true;
  cpu.hard.device = e.kind == ReplayKind::irq_entry;
  cpu.hard.irq = e.irq;
  cpu.hard.start = e.time;
  cpu.hard.section.at = e.time;
  cpu.hard.section.cpu = e.cpu;
}

void FreeProgramBuilder::close_hard(Cpu& cpu, std::int64_t end) {
  Open& hard = cpu.hard;
  if (!hard.open) {
    return;
  }
  hard.open = false;
  if (!hard.device && !hard.timer && hard.section.steps.empty()) {  // an IPI
    cpu.stamp = hard.start;
    cpu.closed = -1;
    return;
  }
  hard.section.length = end - hard.start;
  if (hard.section.tick) {
    program_.costs.ticks.push_back(hard.section.length);
  } else {
    cpu.tick_own = not_seen;
  }
  cpu.stamp = end;
  cpu.closed = static_cast<std::int32_t>(program_.hardirqs.size());
  cpu.before = Before::hardirq_end;
  program_.hardirqs.push_back(std::move(hard.section));
}

void FreeProgramBuilder::open_soft(Cpu& cpu, const ReplayEvent& e) {
  if (cpu.soft.open) {
    close_soft(cpu, e.time);
  }
  std::int32_t& pending = cpu.pending[static_cast<std::size_t>(std::clamp<int>(e.vec, 0, 9))];
  if (pending < 0) {  // Nothing told of its raise: whatever came just before it did.
    pending = static_cast<std::int32_t>(program_.raises.size());
    program_.raises.push_back({e.vec, -1});
    const FreeStep step{0, StepKind::raise, pending};
    if (cpu.current >= ReplayTaskId{0} && !modelled(cpu.current) && cpu.last_soft >= 0) {
      // ksoftirqd serves what was raised while an earlier run was about to begin.
      FreeSection& section = program_.softirqs[static_cast<std::size_t>(cpu.last_soft)];
      section.steps.push_back({section.length, step.kind, step.what});
    } else if (cpu.before != Before::other && cpu.closed >= 0) {
      auto& sections = cpu.before == Before::hardirq_end ? program_.hardirqs : program_.softirqs;
      FreeSection& section = sections[static_cast<std::size_t>(cpu.closed)];
      section.steps.push_back({section.length, step.kind, step.what});
    } else if (FreeBurst* running = burst(cpu.current)) {
      running->steps.push_back({running->length, step.kind, step.what});
    } else {
      external(e, step.kind, step.what);
    }
  }
  // In a task's own context it begins when the task enables softirqs, not when it raises.
  if (FreeBurst* running = burst(cpu.current); running != nullptr && !running->steps.empty() &&
                                               running->steps.back().kind == StepKind::raise &&
                                               running->steps.back().what == pending) {
    running->steps.back().offset = running->length;
  }
  cpu.soft = Open{};
  cpu.soft.open = true;
  cpu.soft.start = e.time;
  cpu.soft.raise = std::exchange(pending, -1);
  cpu.soft.section.at = e.time;
  cpu.soft.section.cpu = e.cpu;
  cpu.soft.section.vec = e.vec;
}

void FreeProgramBuilder::close_soft(Cpu& cpu, std::int64_t end) {
  advance(cpu, end);
  cpu.soft.open = false;
  cpu.soft.section.length = cpu.soft.own;
  cpu.tick_own = not_seen;
  cpu.before = Before::softirq_end;
  cpu.closed = static_cast<std::int32_t>(program_.softirqs.size());
  cpu.last_soft = cpu.closed;
  program_.raises[static_cast<std::size_t>(cpu.soft.raise)].run = cpu.closed;
  program_.softirqs.push_back(std::move(cpu.soft.section));
}

void FreeProgramBuilder::raise(Cpu& cpu, const ReplayEvent& e, std::int16_t vec) {
  std::int32_t& pending = cpu.pending[static_cast<std::size_t>(std::clamp<int>(vec, 0, 9))];
  if (pending >= 0) {
    return;  // already pending
  }
  pending = static_cast<std::int32_t>(program_.raises.size());
  program_.raises.push_back({vec, -1});
  add_step(cpu, e, StepKind::raise, pending);
}

void FreeProgramBuilder::add_step(Cpu& cpu, const ReplayEvent& e, StepKind kind, std::int32_t what) {
  if (cpu.hard.open) {
    cpu.hard.section.steps.push_back({e.time - cpu.hard.start, kind, what});
  } else if (cpu.soft.open) {
    cpu.soft.section.steps.push_back({cpu.soft.own, kind, what});
  } else if (FreeBurst* running = e.context == ReplayContext::task ? burst(cpu.current) : nullptr) {
    running->steps.push_back({running->length, kind, what});
  } else {
    external(e, kind, what);
  }
}

// An interrupt of no length, for what nothing else in the program would do.
void FreeProgramBuilder::external(const ReplayEvent& e, StepKind kind, std::int32_t what) {
  FreeSection section;
  section.at = e.time;
  section.cpu = e.cpu;
  section.steps.push_back({0, kind, what});
  program_.hardirqs.push_back(std::move(section));
}

}  // namespace calibration
