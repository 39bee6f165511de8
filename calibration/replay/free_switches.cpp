#include "calibration/replay/free_switches.h"

#include <utility>

namespace calibration {

FreeSwitches::FreeSwitches(FreeMachine& machine, ImposedCosts& costs)
    : machine_{machine}, costs_{costs}, slots_(static_cast<std::size_t>(machine.cpu_count())) {
  for (int i = 0; i < machine_.cpu_count(); ++i) {
    machine_.cpu(static_cast<models::CpuId>(i)).schedule.connect<&FreeSwitches::on_schedule>(*this);
  }
}

void FreeSwitches::requested(models::CpuId cpu, const FreeWake* wake, bool remote) {
  Slot& here = slot(cpu);
  if (here.requested || !machine_.cpu(cpu).need_resched()) {
    return;
  }
  here.requested = true;
  here.wake = wake;
  here.remote = remote;
  here.at = machine_.engine.now();
}

// The sleeping CPU comes round with interrupts off, so whatever else interrupts it meanwhile waits as well.
void FreeSwitches::sent(models::CpuId cpu, const FreeWake& wake) {
  Slot& here = slot(cpu);
  models::Cpu& target = machine_.cpu(cpu);
  if (std::exchange(here.sent, true) || !target.asleep()) {
    return;
  }
  const std::int64_t idle = (machine_.engine.now() - here.idle_since).count();
  target.charge(sim::Nanos{costs_.delivery(wake, idle)});
}

void FreeSwitches::switched(models::CpuId cpu) {
  Slot& here = slot(cpu);
  if (here.at < machine_.engine.now()) {
    here.requested = false;
    here.wake = nullptr;
  }
  here.counting = false;
  if (machine_.sched().curr(cpu) == nullptr) {
    here.idle_since = machine_.engine.now();
  }
}

void FreeSwitches::go(models::CpuId cpu) {
  Slot& here = slot(cpu);
  here.requested = here.counting = false;
  here.wake = nullptr;
  machine_.sched().schedule(cpu);
}

void FreeSwitches::on_schedule(models::CpuId cpu) {
  models::Cpu& target = machine_.cpu(cpu);
  if (!target.idle()) {
    make_room(cpu);
    return;
  }
  const Slot& here = slot(cpu);
  const sim::SimTime now = machine_.engine.now();
  const std::int64_t since = here.requested ? (now - here.at).count() : 0;
  const std::int64_t delay = costs_.exit(here.wake, here.remote, (now - here.idle_since).count() - since);
  if (delay == 0) {
    go(cpu);
  } else {
    target.run<&FreeSwitches::exit_passed>(models::Context::task, sim::Nanos{delay}, *this,
                                           models::index(cpu));
  }
}

void FreeSwitches::make_room(models::CpuId cpu) {
  Slot& here = slot(cpu);
  models::Cpu& target = machine_.cpu(cpu);
  if (!std::exchange(here.counting, true)) {
    here.left = costs_.preempt(here.wake, here.remote);
  }
  models::Work work = target.take_task_work();
  if (here.left == 0) {
    target.set_work(models::Context::task, work);
    go(cpu);
  } else if (work.remaining.count() < here.left) {
    here.left -= work.remaining.count();
    work.user = false;  // what comes after it asks again
    target.set_work(models::Context::task, work);
  } else {
    here.rest = work;
    here.rest.remaining -= sim::Nanos{here.left};
    target.run<&FreeSwitches::preempt_passed>(models::Context::task, sim::Nanos{here.left}, *this,
                                              models::index(cpu));
    here.left = 0;
  }
}

void FreeSwitches::preempt_passed(std::uint64_t cpu) {
  const auto id = static_cast<models::CpuId>(cpu);
  machine_.cpu(id).set_work(models::Context::task, std::exchange(slot(id).rest, models::Work{}));
  go(id);
}

}  // namespace calibration
