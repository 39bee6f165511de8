#include "calibration/replay/free_interrupts.h"

#include <algorithm>

namespace calibration {

FreeInterrupts::FreeInterrupts(FreeMachine& machine, FreeTasks& tasks, FreeSwitches& switches,
                               const FreeProgram& program, std::int64_t origin, sim::Nanos tick_length)
    : machine_{machine},
      tasks_{tasks},
      switches_{switches},
      program_{program},
      origin_{origin},
      tick_length_{tick_length} {
  tasks_.raise.connect<&FreeInterrupts::raise_in_task>(*this);
  machine_.sched().raise_sched_softirq.connect<&FreeInterrupts::raise_sched>(*this);
  for (int i = 0; i < machine_.cpu_count(); ++i) {
    cpus_.push_back(std::make_unique<Cpu>());
    Cpu& cpu = *cpus_.back();
    cpu.id = static_cast<models::CpuId>(i);
    cpu.owner = this;
    cpu.arrival.bind<&Cpu::arrive>(machine_.engine, cpu);
    cpu.line.handler.connect<&Cpu::enter>(cpu);
    cpu.moved_line.handler.connect<&Cpu::enter_moved>(cpu);
    cpu.tick_line.kind = models::IrqKind::timer;
    cpu.tick_line.handler.connect<&Cpu::enter_tick>(cpu);
    for (std::size_t vec = 0; vec < vectors; ++vec) {
      cpu.actions[vec] = {this, &cpu, vec};
      machine_.softirq(cpu.id).action[vec].connect<&Action::run>(cpu.actions[vec]);
    }
  }
  for (std::size_t i = 0; i < program_.hardirqs.size(); ++i) {
    const FreeSection& section = program_.hardirqs[i];
    Cpu& cpu = *cpus_[static_cast<std::size_t>(section.cpu)];
    cpu.hardirqs.push_back(static_cast<std::int32_t>(i));
    if (section.tick) {
      const auto number =
          static_cast<std::size_t>(std::max<std::int64_t>(0, section.at - origin_) / program_.tick_period);
      cpu.ticked.resize(std::max(cpu.ticked.size(), number + 1));
      cpu.ticked[number] = true;
    }
  }
  for (auto& cpu : cpus_) {
    if (!cpu->hardirqs.empty()) {
      const FreeSection& first = program_.hardirqs[static_cast<std::size_t>(cpu->hardirqs.front())];
      cpu->arrival.arm_at(sim_time(first.at));
    }
  }
  grid_.bind<&FreeInterrupts::grid>(machine_.engine, *this);
  grid_.arm(sim::Nanos{program_.tick_period});
}

void FreeInterrupts::arrive(Cpu& cpu) {
  const std::int64_t now = sim::count(machine_.engine.now()) + origin_;
  while (cpu.next < cpu.hardirqs.size() &&
         program_.hardirqs[static_cast<std::size_t>(cpu.hardirqs[cpu.next])].at <= now) {
    ++cpu.next;
  }
  if (cpu.next < cpu.hardirqs.size()) {
    cpu.arrival.arm_at(sim_time(program_.hardirqs[static_cast<std::size_t>(cpu.hardirqs[cpu.next])].at));
  }
  machine_.cpu(cpu.id).raise(cpu.line);
}

void FreeInterrupts::enter(Cpu& cpu) {
  cpu.hard = Run{&program_.hardirqs[static_cast<std::size_t>(cpu.hardirqs[cpu.served++])], 0, 0};
  machine_.cpu(cpu.id).run<&Cpu::hard_piece>(models::Context::hardirq, piece(cpu.hard), cpu);
}

// Up to its next step, or to its end.
sim::Nanos FreeInterrupts::piece(const Run& run) const {
  const FreeSection& section = *run.section;
  const std::int64_t to = run.step < section.steps.size() ? section.steps[run.step].offset : section.length;
  return sim::Nanos{std::max<std::int64_t>(0, to - run.at)};
}

void FreeInterrupts::perform(Cpu& cpu, Run& run) {
  run.at += piece(run).count();
  while (run.step < run.section->steps.size() && run.section->steps[run.step].offset <= run.at) {
    const FreeStep& step = run.section->steps[run.step++];
    switch (step.kind) {
      case StepKind::wake: {
        const models::CpuId home = tasks_.home(step.what, cpu.id);
        if (home == cpu.id) {
          tasks_.wake(step.what, cpu.id);
        } else {
          Cpu& other = *cpus_[models::index(home)];
          other.moved.push_back(step.what);
          machine_.cpu(home).raise(other.moved_line);
        }
        break;
      }
      case StepKind::raise:
        raise(cpu, step.what);
        break;
      case StepKind::tick:
        tick(cpu);
        break;
    }
  }
}

void FreeInterrupts::hard_piece(Cpu& cpu) {
  perform(cpu, cpu.hard);
  models::Cpu& here = machine_.cpu(cpu.id);
  if (cpu.hard.at < cpu.hard.section->length || cpu.hard.step < cpu.hard.section->steps.size()) {
    here.run<&Cpu::hard_piece>(models::Context::hardirq, piece(cpu.hard), cpu);
  } else if (cpu.served < cpu.next) {
    here.raise(cpu.line);  // another came meanwhile
  }
}

void FreeInterrupts::enter_moved(Cpu& cpu) {
  machine_.cpu(cpu.id).run<&Cpu::moved_piece>(models::Context::hardirq, sim::Nanos{0}, cpu);
}

void FreeInterrupts::moved_piece(Cpu& cpu) {
  for (std::size_t i = 0; i < cpu.moved.size(); ++i) {
    tasks_.wake(cpu.moved[i], cpu.id);
  }
  cpu.moved.clear();
}

void FreeInterrupts::raise(Cpu& cpu, std::int32_t number) {
  const FreeRaise& raised = program_.raises[static_cast<std::size_t>(number)];
  const auto vec = static_cast<std::size_t>(std::clamp<int>(raised.vec, 0, static_cast<int>(vectors) - 1));
  if (raised.run >= 0) {
    cpu.queued[vec].push_back(raised.run);
    machine_.softirq(cpu.id).raise(static_cast<models::SoftirqVector>(vec));
  }
}

void FreeInterrupts::raise_in_task(models::CpuId cpu, std::int32_t number) {
  raise(*cpus_[models::index(cpu)], number);
  machine_.cpu(cpu).local_bh_enable();
}

void FreeInterrupts::begin_vector(Cpu& cpu, std::size_t vec) {
  cpu.running.clear();
  cpu.running.swap(cpu.queued[vec]);
  cpu.running_next = 0;
  cpu.balances = vec == static_cast<std::size_t>(models::SoftirqVector::sched);
  next_run(cpu);
}

void FreeInterrupts::next_run(Cpu& cpu) {
  if (cpu.running_next >= cpu.running.size()) {
    if (cpu.balances) {
      machine_.sched().rebalance_domains(cpu.id);
    }
    machine_.softirq(cpu.id).done();
    return;
  }
  cpu.soft = Run{&program_.softirqs[static_cast<std::size_t>(cpu.running[cpu.running_next++])], 0, 0};
  machine_.cpu(cpu.id).run<&Cpu::soft_piece>(models::Context::softirq, piece(cpu.soft), cpu);
}

void FreeInterrupts::soft_piece(Cpu& cpu) {
  perform(cpu, cpu.soft);
  if (cpu.soft.at < cpu.soft.section->length || cpu.soft.step < cpu.soft.section->steps.size()) {
    machine_.cpu(cpu.id).run<&Cpu::soft_piece>(models::Context::softirq, piece(cpu.soft), cpu);
  } else {
    next_run(cpu);
  }
}

// One tick period after another: a busy CPU that the capture has no tick for gets one.
void FreeInterrupts::grid() {
  ++grid_number_;
  grid_.arm(sim::Nanos{program_.tick_period});
  for (auto& cpu : cpus_) {
    const bool captured = grid_number_ < cpu->ticked.size() && cpu->ticked[grid_number_];
    models::Cpu& here = machine_.cpu(cpu->id);
    if (!captured && !here.idle()) {
      ++added_ticks_;
      here.raise(cpu->tick_line);
    }
  }
}

void FreeInterrupts::enter_tick(Cpu& cpu) {
  machine_.cpu(cpu.id).run<&Cpu::tick>(models::Context::hardirq, tick_length_, cpu);
}

void FreeInterrupts::tick(Cpu& cpu) {
  if (!machine_.cpu(cpu.id).idle()) {
    machine_.sched().tick(cpu.id);
    switches_.requested(cpu.id, nullptr, false);
  }
}

}  // namespace calibration
