#include "calibration/replay/free_program.h"

#include <algorithm>

#include "calibration/replay/free_program_builder.h"

namespace calibration {
std::size_t residency_class(std::int64_t idle_ns) {
  return idle_ns < 50'000 ? 0 : idle_ns < 1'000'000 ? 1 : idle_ns < 4'000'000 ? 2 : 3;
}

FreeProgram make_free_program(const ReplayInput& input) { return FreeProgramBuilder{input}.build(); }

FreeProgramBuilder::FreeProgramBuilder(const ReplayInput& input) : input_{input} {
  cpus_.resize(static_cast<std::size_t>(input.cpus));
  for (Cpu& cpu : cpus_) {
    cpu.stamp = input.begin;
    cpu.pending.fill(-1);
  }
  tasks_.resize(input.tasks.size());
  program_.tasks.resize(input.tasks.size());
  for (std::size_t i = 0; i < input.tasks.size(); ++i) {
    const std::string& name = input.tasks[i].name;
    program_.tasks[i].modelled = name.rfind("ksoftirqd/", 0) != 0 && name.rfind("migration/", 0) != 0;
    program_.tasks[i].agent = name.rfind("agent-", 0) == 0;
  }
  program_.tick_period = 1'000'000'000 / input.kernel.config.hz;
}

FreeProgram FreeProgramBuilder::build() {
  for (const ReplayEvent& e : input_.events) {
    if (e.cpu >= 0) {
      event(e);
    }
  }
  for (Cpu& cpu : cpus_) {
    if (cpu.hard.open) {
      close_hard(cpu, cpu.hard.last);
    }
    if (cpu.soft.open) {
      close_soft(cpu, input_.end);
    }
  }
  for (std::size_t i = 0; i < tasks_.size(); ++i) {
    if (tasks_[i].in_burst) {
      program_.tasks[i].bursts.back().open = true;
    }
  }
  std::stable_sort(program_.hardirqs.begin(), program_.hardirqs.end(),
                   [](const FreeSection& a, const FreeSection& b) { return a.at < b.at; });
  find_tick_phase();
  find_followers();
  return std::move(program_);
}

void FreeProgramBuilder::event(const ReplayEvent& e) {
  Cpu& cpu = cpus_[static_cast<std::size_t>(e.cpu)];
  if (cpu.current == ReplayTaskId::unknown && e.kind != ReplayKind::sched_switch) {
    cpu.current = e.current;
    if (modelled(cpu.current)) {  // it ran before the capture began
      enter(cpu, e, cpu.current);
    }
  }
  sections(cpu, e);
  note_resched(cpu, e);
  Before before = Before::other;
  switch (e.kind) {
    case ReplayKind::tick:
      cpu.hard.section.tick = true;
      add_step(cpu, e, StepKind::tick, -1);
      tick_times_.push_back(e.time);
      cpu.tick_own = modelled(cpu.current) ? burst(cpu.current)->length : not_seen;
      break;
    case ReplayKind::timer:
      cpu.hard.timer = true;
      break;
    case ReplayKind::irq_exit:
      close_hard(cpu, e.time);
      before = Before::hardirq_end;
      break;
    case ReplayKind::softirq_raise:
      raise(cpu, e, e.vec);
      break;
    case ReplayKind::softirq_entry:
      open_soft(cpu, e);
      break;
    case ReplayKind::softirq_exit:
      if (cpu.soft.open) {
        close_soft(cpu, e.time);
        before = Before::softirq_end;
      }
      break;
    case ReplayKind::waking:
      waking(cpu, e);
      break;
    case ReplayKind::wakeup:
    case ReplayKind::wakeup_new:
      wakeup(cpu, e);
      break;
    case ReplayKind::sched_switch:
      switched(cpu, e);
      break;
    case ReplayKind::migrate:
      if (modelled(e.task)) {
        program_.migrations.push_back({e.time, e.task, e.to_cpu});
      }
      break;
    case ReplayKind::idle_entry:
      cpu.idle_since = e.time;
      break;
    default:
      break;
  }
  cpu.before = before;
}

FreeBurst* FreeProgramBuilder::burst(ReplayTaskId id) {
  return modelled(id) && task(id).in_burst ? &program_.tasks[static_cast<std::size_t>(id)].bursts.back()
                                           : nullptr;
}

// Device interrupts that wake whoever slept on their CPU, and do so on several CPUs, are those of queues per
// CPU.
void FreeProgramBuilder::find_followers() {
  constexpr std::uint64_t enough = 20;
  std::int16_t first_cpu = -1;
  bool several = false;
  const auto homely = [](const IrqWakes& irq) {
    return irq.wakes >= enough && irq.at_home * 100 >= irq.wakes * 95;
  };
  for (const auto& [number, irq] : irq_wakes_) {
    if (homely(irq)) {
      several |= first_cpu >= 0 && irq.cpu != first_cpu;
      first_cpu = irq.cpu;
    }
  }
  for (const auto& [number, irq] : irq_wakes_) {
    for (std::size_t i = 0; several && homely(irq) && i < irq.numbers.size(); ++i) {
      FreeWake& follower = wake(irq.numbers[i]);
      follower.follows = follower.from_cpu == follower.waker_cpu;
    }
  }
}

// The tick's grid: ticks come late, never early, so it is near the earliest of their places in the period.
void FreeProgramBuilder::find_tick_phase() {
  if (tick_times_.empty()) {
    return;
  }
  const std::int64_t period = program_.tick_period;
  std::vector<std::int64_t> places;
  for (const std::int64_t at : tick_times_) {
    places.push_back(at % period);
  }
  // Measured from the emptiest half of the period, so that no group is cut in two.
  std::sort(places.begin(), places.end());
  const std::int64_t middle = places[places.size() / 2];
  for (std::int64_t& place : places) {
    place = (place - middle + period + period / 2) % period;
  }
  std::sort(places.begin(), places.end());
  const std::int64_t early = places[places.size() / 20];
  program_.tick_phase = (early + middle - period / 2 + 2 * period) % period;
}

}  // namespace calibration
