// The builder's part that measures what the capture shows of costs: ways out of idle, and from a request to
// make room to the switch.
#include <algorithm>
#include <utility>

#include "calibration/replay/free_program_builder.h"

namespace calibration {

PreemptSource FreeProgramBuilder::preempt_source(const Cpu& cpu, const ReplayEvent& e) {
  const FreeBurst* running = burst(cpu.current);
  const bool inline_softirq = cpu.soft.open && !cpu.hard.open && running != nullptr &&
                              !running->steps.empty() && running->steps.back().offset == running->length;
  return e.context == ReplayContext::task || inline_softirq ? PreemptSource::syscall
                                                            : PreemptSource::interrupt;
}

ExitSource FreeProgramBuilder::exit_source(const Cpu& cpu, const ReplayEvent& e) const {
  if (e.context == ReplayContext::softirq) {
    return cpu.soft.open && cpu.soft.section.vec >= 2 && cpu.soft.section.vec <= 4 ? ExitSource::device
                                                                                   : ExitSource::other;
  }
  return cpu.hard.open && cpu.hard.device  ? ExitSource::device
         : cpu.hard.open && cpu.hard.timer ? ExitSource::timer
                                           : ExitSource::other;
}

void FreeProgramBuilder::left_idle(Cpu& cpu, const ReplayEvent& e) {
  const std::int32_t number = std::exchange(cpu.idle_wake, -1);
  if (number < 0) {
    return;
  }
  FreeWake& ended = wake(number);
  ended.exit = std::min(cpu.idle_own - cpu.idle_own_at_wake, e.time - ended.wakeup_at);
  program_.costs.exits[static_cast<std::size_t>(ended.source)][ended.residency].push_back(ended.exit);
}

// When the running task was asked to make room, and by whom, as far as the flags tell.
void FreeProgramBuilder::note_resched(Cpu& cpu, const ReplayEvent& e) {
  const FreeBurst* running = burst(cpu.current);
  if (running == nullptr || !e.flags_known || e.kind == ReplayKind::sched_switch) {
    return;
  }
  if (!e.need_resched) {
    cpu.resched = false;
    cpu.resched_wake = -1;
    return;
  }
  if (std::exchange(cpu.resched, true)) {
    return;
  }
  cpu.resched_wake = -1;
  cpu.resched_own = not_seen;
  if (e.kind == ReplayKind::wakeup && e.to_cpu == e.cpu && modelled(e.task)) {
    cpu.resched_wake = task(e.task).step_due;
    cpu.resched_own = running->length;
    cpu.resched_source = preempt_source(cpu, e);
  } else if (cpu.tick_own != not_seen) {
    cpu.resched_source = PreemptSource::tick;
    cpu.resched_own = cpu.tick_own;
  }
}

void FreeProgramBuilder::end_resched(Cpu& cpu, bool preempted) {
  const FreeBurst* running = burst(cpu.current);
  if (running == nullptr) {
    return;
  }
  if (!cpu.resched && preempted && cpu.tick_own != not_seen) {
    cpu.resched_source = PreemptSource::tick;
    cpu.resched_own = cpu.tick_own;
    cpu.resched = true;
  }
  if (!cpu.resched || cpu.resched_own == not_seen) {
    return;
  }
  const std::int64_t took = running->length - cpu.resched_own;
  if (preempted) {
    program_.costs.preempts[static_cast<std::size_t>(cpu.resched_source)].push_back(took);
  }
  if (cpu.resched_wake >= 0) {
    wake(cpu.resched_wake).preempt = preempted ? took : blocked_first;
  }
}

}  // namespace calibration
