#include "calibration/replay/free_tasks.h"

#include <utility>

namespace calibration {

FreeTasks::FreeTasks(FreeMachine& machine, FreeSwitches& switches, const FreeProgram& program,
                     std::int64_t origin, bool impose_cpus, bool follow)
    : machine_{machine},
      switches_{switches},
      program_{program},
      origin_{origin},
      impose_cpus_{impose_cpus},
      follow_{follow},
      programs_(program.tasks.size()),
      wakes_(program.wakes.size()),
      cpus_(static_cast<std::size_t>(machine.cpu_count())) {
  machine_.sched().select_task_rq.connect<&FreeTasks::select>(*this);
  migration_.bind<&FreeTasks::migrate>(machine_.engine, *this);
  if (impose_cpus_ && !program_.migrations.empty()) {
    migration_.arm_at(sim::SimTime{sim::Nanos{program_.migrations.front().time - origin_}});
  }
  for (std::size_t i = 0; i < programs_.size(); ++i) {
    if (program_.tasks[i].modelled) {
      programs_[i].task = &machine_.task(static_cast<ReplayTaskId>(i));
      programs_[i].over = program_.tasks[i].bursts.empty();
      if (!programs_[i].over) {
        programs_[i].task->saved = next_piece(i);
      }
    }
  }
}

std::int64_t FreeTasks::now() const { return sim::count(machine_.engine.now()) + origin_; }

// Up to the next step, or to the end of the burst.
models::Work FreeTasks::next_piece(std::size_t number) {
  Program& program = programs_[number];
  const FreeBurst& burst = this->burst(number);
  const std::int64_t to = program.step < burst.steps.size() ? burst.steps[program.step].offset : burst.length;
  models::Work work = models::make_work<&FreeTasks::step>(sim::Nanos{to - program.at}, *this, number);
  work.user = true;  // NEED_RESCHED acts in it; how soon is free_switches.h's business
  program.at = to;
  return work;
}

void FreeTasks::step(std::uint64_t number) {
  Program& program = programs_[number];
  const FreeBurst& burst = this->burst(number);
  const models::CpuId cpu = program.task->cpu;
  bool raised = false;
  while (!raised && program.step < burst.steps.size() && burst.steps[program.step].offset <= program.at) {
    const FreeStep& step = burst.steps[program.step++];
    if (step.kind == StepKind::wake) {
      wake(step.what, cpu);
    } else if (step.kind == StepKind::raise) {
      raise(cpu, step.what);
      raised = true;  // it runs before the task goes on
    }
  }
  if (!raised && program.at >= burst.length && program.step >= burst.steps.size()) {
    block(number);
  } else {
    machine_.cpu(cpu).set_work(models::Context::task, next_piece(number));
  }
}

void FreeTasks::block(std::size_t number) {
  Program& program = programs_[number];
  program.over = ++program.burst >= program_.tasks[number].bursts.size();
  program.step = 0;
  program.at = 0;
  if (program.over) {
    machine_.sched().sleep(*program.task, models::Work{});
    return;
  }
  const models::Work next = next_piece(number);
  if (program.early.empty()) {
    machine_.sched().sleep(*program.task, next);
    return;
  }
  program.early.erase(program.early.begin());
  machine_.cpu(program.task->cpu).set_work(models::Context::task, next);
}

void FreeTasks::wake(std::int32_t number, models::CpuId cpu) {
  const FreeWake& captured = program_.wakes[static_cast<std::size_t>(number)];
  if (!captured.valid) {
    return;
  }
  ReplayedWake& mine = wakes_[static_cast<std::size_t>(number)];
  mine.waking_at = now() - captured.lead;
  mine.waker_cpu = static_cast<std::int16_t>(cpu);
  const auto place = static_cast<std::size_t>(captured.task);
  Program& program = programs_[place];
  if (program.over) {
    return;
  }
  if (program.task->state != models::TaskState::interruptible) {
    mine.early = true;
    program.early.push_back(number);
    return;
  }
  mine.swapped = burst(place).wake != number;
  program.woken_by = number;
  if (program.burst == 0 && captured.from_cpu >= 0) {  // where it was before the capture began
    const auto from = static_cast<models::CpuId>(captured.from_cpu);
    if (from != program.task->cpu && machine_.sched().allowed(*program.task, from)) {
      machine_.sched().set_task_cpu(*program.task, from);
    }
  }
  if (impose_cpus_) {
    keep_on(*program.task, captured.to_cpu);
  }
  const std::int32_t outer = std::exchange(waking_, number);
  machine_.sched().try_to_wake_up(*program.task, cpu, {.sync = captured.sync});
  waking_ = outer;
  if (program.task->on_wake_list) {
    mine.found_idle = true;
    switches_.sent(program.task->cpu, captured);
  }
}

models::CpuId FreeTasks::home(std::int32_t number, models::CpuId captured) const {
  const FreeWake& wake = program_.wakes[static_cast<std::size_t>(number)];
  const Program& program = programs_[static_cast<std::size_t>(wake.task)];
  return follow_ && wake.follows && program.burst > 0 ? program.task->cpu : captured;
}

models::CpuId FreeTasks::select(const models::Placement& placement) {
  const models::CpuId chosen = machine_.choose(placement);
  if (waking_ < 0) {
    return chosen;
  }
  const FreeWake& wake = program_.wakes[static_cast<std::size_t>(waking_)];
  if (!impose_cpus_ && !wake.synthetic && !wake.fresh) {
    return chosen;
  }
  const std::int16_t captured = wake.to_cpu;
  const auto imposed = static_cast<models::CpuId>(captured);
  return captured >= 0 && machine_.sched().allowed(placement.task, imposed) ? imposed : chosen;
}

void FreeTasks::keep_on(models::Task& task, std::int16_t cpu) {
  for (int i = 0; i < machine_.cpu_count() && task.nr_allowed > 1; ++i) {
    task.allowed.set(static_cast<std::size_t>(i), cpu < 0 || i == cpu);
  }
}

// The capture's balancing, imposed: the task moves if it waits where it may no longer be.
void FreeTasks::migrate() {
  const FreeMigration& move = program_.migrations[next_migration_++];
  if (next_migration_ < program_.migrations.size()) {
    migration_.arm_at(sim::SimTime{sim::Nanos{program_.migrations[next_migration_].time - origin_}});
  }
  models::Sched& sched = machine_.sched();
  models::Task& task = machine_.task(move.task);
  keep_on(task, move.to_cpu);
  const auto to = static_cast<models::CpuId>(move.to_cpu);
  const models::CpuId from = task.cpu;
  if (!task.on_rq() || task.state != models::TaskState::running || sched.curr(from) == &task || task.on_cpu ||
      from == to || !sched.allowed(task, to)) {
    return;
  }
  const sim::SimTime at = machine_.engine.now();
  sched.update_rq_clock(from, at, sim::Nanos{0});
  sched.deactivate_task(task, {});
  sched.set_task_cpu(task, to);
  sched.update_rq_clock(to, at, sim::Nanos{0});
  sched.activate_task(task, to, {.migrated = true});
  if (sched.curr(to) == nullptr) {
    machine_.cpu(to).set_need_resched();
    machine_.cpu(to).wake_polling();
  }
}

// sched_wakeup: the task is on its run queue.
void FreeTasks::woken(std::int64_t task, models::CpuId target) {
  const ReplayTaskId id = machine_.replay_id(task);
  switches_.delivered(target);
  if (id < ReplayTaskId{0} || programs_[static_cast<std::size_t>(id)].woken_by < 0) {
    switches_.requested(target, nullptr, false);
    return;
  }
  const std::int32_t number = programs_[static_cast<std::size_t>(id)].woken_by;
  ReplayedWake& mine = wakes_[static_cast<std::size_t>(number)];
  const models::Task* current = machine_.sched().curr(target);
  mine.wakeup_at = now();
  mine.to_cpu = static_cast<std::int16_t>(target);
  mine.found_idle = current == nullptr;
  mine.behind =
      current == nullptr ? ReplayTaskId::idle : machine_.replay_id(static_cast<std::int64_t>(current->id));
  Cpu& here = cpus_[models::index(target)];
  mine.ends_idle = mine.found_idle && !std::exchange(here.idle_ending, true);
  here.waiting.push_back(number);
  switches_.requested(target, &program_.wakes[static_cast<std::size_t>(number)],
                      mine.to_cpu != mine.waker_cpu);
}

void FreeTasks::switched(models::CpuId cpu, std::int64_t prev, bool sleeps, std::int64_t next) {
  Cpu& here = cpus_[models::index(cpu)];
  here.idle_ending = false;
  const ReplayTaskId runs = machine_.replay_id(next);
  for (const std::int32_t number : here.waiting) {
    ReplayedWake& waiting = wakes_[static_cast<std::size_t>(number)];
    waiting.first_switch = now();
    waiting.first_next = runs;
    waiting.first_preempts = prev >= 0 && !sleeps;
  }
  here.waiting.clear();
  if (runs < ReplayTaskId{0}) {
    return;
  }
  const std::int32_t number = std::exchange(programs_[static_cast<std::size_t>(runs)].woken_by, -1);
  if (number >= 0) {
    wakes_[static_cast<std::size_t>(number)].switch_at = now();
    wakes_[static_cast<std::size_t>(number)].run_cpu = static_cast<std::int16_t>(cpu);
  }
}

}  // namespace calibration
