// Where a CPU's time goes: per context, per kind of task, and what interrupts and the hypervisor took.
//
// Models:   kernel/sched/cputime.c:irqtime_account_irq, account_process_tick's classes,
//           steal_account_process_time.
#include "models/cpu.h"

namespace models {

// Books the time since the last change of context to whoever executed, and shortens its work by it.
void Cpu::account_now() {
  const sim::SimTime now = engine_.now();
  const sim::Nanos span = now - resumed_;
  resumed_ = now;
  if (span.count() == 0) {
    return;
  }
  const CpuTime bucket = bucket_of(now, span);
  if (bucket != CpuTime::idle && bucket != CpuTime::steal) {
    busy_.add(now, span);
  }
  accounted_[static_cast<std::size_t>(bucket)] += span.count();
}

CpuTime Cpu::bucket_of(sim::SimTime now, sim::Nanos span) {
  if (stolen_) {
    steal_time_ += span;
    return CpuTime::steal;
  }
  if (!executing_) {
    return CpuTime::idle;
  }
  Work& work = work_[static_cast<std::size_t>(active_)];
  progress(work, span);
  switch (active_) {
    case Context::hardirq:
      open_irq_time_ += exit_runs_softirqs_ ? span : sim::Nanos{0};
      share_[2].add(now, span);
      return CpuTime::hardirq;
    case Context::softirq:
      share_[1].add(now, span);
      if (ksoftirqd_) {
        return CpuTime::ksoftirqd;
      }
      open_irq_time_ += span;
      return CpuTime::softirq;
    case Context::task:
      break;
  }
  return idle_task_ ? CpuTime::idle : work.user ? task_user_ : task_system_;
}

void Cpu::reset_accounting() {
  account_now();
  accounted_.fill(0);
  interrupts_.fill(0);
}

void Cpu::book_idle_exit_to_agent() {
  costs_.book(state_exit_, std::exchange(state_exit_cost_, sim::Nanos{0}));
  costs_.book(Cost::idle_loop_exit, std::exchange(loop_exit_cost_, sim::Nanos{0}));
}

}  // namespace models
