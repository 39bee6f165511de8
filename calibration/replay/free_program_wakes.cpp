// The builder's part that follows tasks: wakeups and switches.
#include <algorithm>
#include <utility>

#include "calibration/replay/free_program_builder.h"

namespace calibration {

void FreeProgramBuilder::waking(Cpu& cpu, const ReplayEvent& e) {
  if (!modelled(e.task)) {
    return;
  }
  Task& wakee = task(e.task);
  if (wakee.life == Life::queued && wakee.wake >= 0 && wake(wakee.wake).waking_at < e.time &&
      wake(wakee.wake).early_kept) {
    // It had been taken to be woken before it left; now it shows that it slept on.
    wake(wakee.wake).valid = false;
    ++program_.void_wakes;
    wakee.life = Life::asleep;
  }
  if (wakee.life == Life::queued) {
    return;
  }
  const std::int32_t number = new_wake(e, e.task);
  if (wakee.life == Life::running) {
    if (wakee.early_wake >= 0) {
      wake(wakee.early_wake).valid = false;
      ++program_.void_wakes;
    }
    wakee.early_wake = number;
  } else {
    wakee.wake = number;
    wakee.life = Life::queued;
  }
  const ReplayEvent* partner = e.partner < 0 ? nullptr : &input_.events[static_cast<std::size_t>(e.partner)];
  FreeWake& fresh = wake(number);
  if (partner == nullptr) {
    add_step(cpu, e, StepKind::wake, number);
    return;
  }
  fresh.wakeup_at = partner->time;
  fresh.to_cpu = partner->to_cpu;
  fresh.listed = partner->cpu != e.cpu;
  wakee.step_due = number;
  if (fresh.listed) {
    add_step(cpu, e, StepKind::wake, number);
  } else {
    fresh.lead = partner->time - e.time;  // until the run queue's lock is had
  }
}

void FreeProgramBuilder::wakeup(Cpu& cpu, const ReplayEvent& e) {
  if (!modelled(e.task)) {
    return;
  }
  Task& wakee = task(e.task);
  if (e.kind == ReplayKind::wakeup_new) {
    if (wakee.life == Life::running || wakee.life == Life::queued) {
      return;
    }
    wakee.step_due = wakee.wake = new_wake(e, e.task);
    wakee.life = Life::queued;
    FreeWake& fresh = wake(wakee.wake);
    fresh.fresh = true;
    fresh.wakeup_at = e.time;
    fresh.to_cpu = e.to_cpu;
  }
  const std::int32_t number = std::exchange(wakee.step_due, -1);
  if (number < 0) {
    return;
  }
  FreeWake& woken = wake(number);
  if (!woken.listed) {
    add_step(cpu, e, StepKind::wake, number);
  }
  queued(woken, number);
}

std::int32_t FreeProgramBuilder::new_wake(const ReplayEvent& e, ReplayTaskId id) {
  FreeWake fresh;
  fresh.task = id;
  fresh.waking_at = e.time;
  fresh.waker_cpu = e.cpu;
  fresh.from_cpu = e.from_cpu;
  fresh.to_cpu = e.to_cpu;
  fresh.context = e.context;
  fresh.sync = e.sync;
  const Cpu& here = cpus_[static_cast<std::size_t>(e.cpu)];
  fresh.source = exit_source(here, e);
  fresh.preempt_source = preempt_source(here, e);
  if (here.hard.open && here.hard.device) {
    IrqWakes& irq = irq_wakes_[here.hard.irq];
    ++irq.wakes;
    irq.at_home += e.from_cpu == e.cpu ? 1 : 0;
    irq.cpu = e.cpu;
    irq.numbers.push_back(static_cast<std::int32_t>(program_.wakes.size()));
  } else if (here.hard.open && here.hard.timer) {
    fresh.follows = e.from_cpu == e.cpu;
  }
  program_.wakes.push_back(fresh);
  return static_cast<std::int32_t>(program_.wakes.size() - 1);
}

// The task is on its run queue: what it found there.
void FreeProgramBuilder::queued(FreeWake& woken, std::int32_t number) {
  Cpu& target = cpus_[static_cast<std::size_t>(woken.to_cpu)];
  woken.behind = target.current;
  woken.found_idle = target.current == ReplayTaskId::idle;
  if (woken.found_idle) {
    const std::int64_t idle = target.idle_since == not_seen ? 0 : woken.waking_at - target.idle_since;
    woken.residency = static_cast<std::uint8_t>(residency_class(idle));
    if (target.idle_wake < 0) {
      target.idle_wake = number;
      woken.ends_idle = true;
      target.idle_own_at_wake = target.idle_own;
      if (woken.listed) {
        woken.source = ExitSource::remote;
        program_.costs.deliveries[woken.residency].push_back(woken.wakeup_at - woken.waking_at);
      }
    }
  }
  target.waiting.push_back(number);
}

void FreeProgramBuilder::switched(Cpu& cpu, const ReplayEvent& e) {
  const bool preempted = e.state == TaskState::running;
  if (cpu.current != e.task && cpu.current != ReplayTaskId::idle) {
    leave(cpu.current, true);  // the event of its leaving is missing
  }
  if (cpu.current != e.task && modelled(e.task)) {
    enter(cpu, e, e.task);
  }
  if (e.task == ReplayTaskId::idle) {
    left_idle(cpu, e);
  } else {
    end_resched(cpu, preempted);
    leave(e.task, !preempted);
  }
  for (const std::int32_t number : cpu.waiting) {
    FreeWake& waiting = wake(number);
    waiting.first_switch = e.time;
    waiting.first_next = e.next;
    waiting.first_preempts = preempted && e.task != ReplayTaskId::idle;
  }
  cpu.waiting.clear();
  cpu.resched = false;
  cpu.resched_wake = -1;
  cpu.tick_own = not_seen;
  cpu.current = e.next;
  if (e.next == ReplayTaskId::idle) {
    cpu.idle_since = e.time;
    cpu.idle_wake = -1;
  } else {
    enter(cpu, e, e.next);
  }
}

void FreeProgramBuilder::leave(ReplayTaskId id, bool asleep) {
  if (!modelled(id)) {
    return;
  }
  Task& leaver = task(id);
  const std::int32_t early = std::exchange(leaver.early_wake, -1);
  if (!asleep) {
    leaver.life = Life::queued;
    if (early >= 0) {  // it only called the sleep off
      wake(early).valid = false;
      ++program_.void_wakes;
    }
    return;
  }
  leaver.in_burst = false;
  leaver.life = Life::asleep;
  if (early >= 0) {
    leaver.wake = early;
    leaver.life = Life::queued;
    wake(early).early_kept = true;
  }
}

void FreeProgramBuilder::enter(Cpu& cpu, const ReplayEvent& e, ReplayTaskId id) {
  if (!modelled(id)) {
    return;
  }
  Task& runner = task(id);
  if (runner.life != Life::running && !runner.in_burst) {
    if (runner.wake < 0) {  // nothing told why it runs
      runner.wake = new_wake(e, id);
      FreeWake& made = wake(runner.wake);
      made.synthetic = true;
      made.context = ReplayContext::hardirq;
      made.to_cpu = made.from_cpu = e.cpu;
      external(e, StepKind::wake, runner.wake);
      ++program_.synthetic_wakes;
    }
    FreeBurst begun;
    begun.wake = std::exchange(runner.wake, -1);
    wake(begun.wake).switch_at = e.time;
    wake(begun.wake).run_cpu = e.cpu;
    program_.tasks[static_cast<std::size_t>(id)].bursts.push_back(std::move(begun));
    runner.in_burst = true;
  }
  runner.life = Life::running;
  cpu.stamp = e.time;
}

}  // namespace calibration
