#include "models/cpu.h"

#include <algorithm>

#include "sim/check.h"

namespace models {

namespace {

Cost exit_cost(IdleState state) {
  switch (state) {
    case IdleState::poll:
      return Cost::idle_exit_poll;
    case IdleState::c1:
      return Cost::idle_exit_c1;
    case IdleState::c6:
      return Cost::idle_exit_c6;
    case IdleState::hlt:
      return Cost::idle_exit_hlt;
  }
  return Cost::idle_exit_c1;
}

}  // namespace

Cpu::Cpu(sim::Engine& engine, CpuId id, const TopologyConfig& topology, Preemption preemption,
         CostSampler& costs, const Tracepoints& tracepoints)
    : engine_{engine},
      id_{id},
      topology_{topology},
      full_preemption_{preemption == Preemption::full},
      costs_{costs},
      tracepoints_{tracepoints} {
  end_.bind<&Cpu::expire>(engine_, *this);
  latched_.reserve(64);
  idle_spans_.fill(1'000'000);
}

bool Cpu::irqs_off() const {
  return in_hardirq_ || (work_[0].call != nullptr && work_[0].irqs_off && !serving_softirq_);
}

void Cpu::set_work(Context context, const Work& work) {
  Work& slot = work_[static_cast<std::size_t>(context)];
  sim::check(slot.call == nullptr, "a context has one piece of work");
  slot = work;
}

Work Cpu::take_task_work() { return std::exchange(work_[0], Work{}); }

void Cpu::charge(sim::Nanos cost) { debt_ += cost; }

// Books the time since the last change of context to whoever executed, and shortens its work by it.
void Cpu::account_now() {
  const sim::SimTime now = engine_.now();
  const sim::Nanos span = now - resumed_;
  resumed_ = now;
  if (span.count() == 0) {
    return;
  }
  CpuTime bucket = CpuTime::idle;
  if (executing_) {
    work_[static_cast<std::size_t>(active_)].remaining -= span;
    switch (active_) {
      case Context::hardirq:
        bucket = CpuTime::hardirq;
        irq_time_ += span;
        share_[2].add(now, span);
        break;
      case Context::softirq:
        bucket = ksoftirqd_ ? CpuTime::ksoftirqd : CpuTime::softirq;
        irq_time_ += ksoftirqd_ ? sim::Nanos{0} : span;
        share_[1].add(now, span);
        break;
      case Context::task:
        bucket = idle_task_ ? CpuTime::idle : work_[0].user ? task_user_ : task_system_;
        break;
    }
  }
  if (bucket != CpuTime::idle) {
    busy_.add(now, span);
  }
  accounted_[static_cast<std::size_t>(bucket)] += span.count();
}

void Cpu::reset_accounting() {
  account_now();
  accounted_.fill(0);
  interrupts_.fill(0);
}

void Cpu::raise(IrqLine& line) {
  if (line.latched) {
    return;  // merged with the latched edge
  }
  line.latched = true;
  latched_.push_back(&line);
  if (!in_callback_ && interrupt_deliverable()) {
    settle();
  }
}

bool Cpu::interrupt_deliverable() const { return !irqs_off(); }

void Cpu::wake_polling() {
  if (asleep_ && !in_callback_) {
    settle();
  }
}

void Cpu::expire() {
  account_now();
  executing_ = false;
  const Work work = std::exchange(work_[static_cast<std::size_t>(active_)], Work{});
  in_callback_ = true;
  work.call(work.object, work.argument);
  in_callback_ = false;
  settle();
}

void Cpu::begin_interrupt(IrqLine& line) {
  ++interrupts_[static_cast<std::size_t>(line.kind)];
  in_hardirq_ = true;
  exit_runs_softirqs_ = line.runs_softirqs;
  in_callback_ = true;
  line.handler();
  in_callback_ = false;
}

// Decides what executes next. Every entry into the CPU ends here.
void Cpu::settle() {
  if (in_callback_) {
    return;  // the outer call settles
  }
  account_now();
  for (;;) {
    if (work_[2].call != nullptr) {
      arm(Context::hardirq);
      return;
    }
    if (in_hardirq_) {  // irq_exit
      in_hardirq_ = false;
      if (exit_runs_softirqs_ && !serving_softirq_ && softirqs_pending(id_)) {
        invoke_softirqs_ = true;
      }
    }
    if (asleep_ && (!latched_.empty() || need_resched_)) {
      idle_woken();
      continue;
    }
    if (!latched_.empty() && interrupt_deliverable()) {
      IrqLine& line = *latched_.front();
      latched_.erase(latched_.begin());
      line.latched = false;
      begin_interrupt(line);
      continue;
    }
    if (work_[1].call != nullptr) {
      arm(Context::softirq);
      return;
    }
    if (invoke_softirqs_ && !serving_softirq_) {
      invoke_softirqs_ = false;
      in_callback_ = true;
      start_softirqs(id_);
      in_callback_ = false;
      continue;
    }
    if (idle_task_) {
      if (asleep_) {
        executing_ = false;
        end_.disarm();
        return;
      }
      settle_idle();
    } else if (need_resched_ && !work_[0].irqs_off &&
               (work_[0].user || work_[0].boundary || full_preemption_)) {
      in_callback_ = true;
      schedule(id_);
      in_callback_ = false;
    }
    sim::check(work_[0].call != nullptr, "a CPU that is not idle has work");
    arm(Context::task);
    return;
  }
}

void Cpu::arm(Context context) {
  Work& work = work_[static_cast<std::size_t>(context)];
  work.remaining += std::exchange(debt_, sim::Nanos{0});
  work.boundary = false;
  active_ = context;
  executing_ = true;
  end_.arm(work.remaining);
}

// The idle loop, with nothing on its way in or out: leave for schedule(), or sleep.
void Cpu::settle_idle() {
  if (work_[0].call != nullptr) {
    return;
  }
  leave_idle_state();
  if (need_resched_) {
    if (std::exchange(idle_announced_, false)) {
      idle_changed(id_, false);
    }
    const sim::Nanos exit = costs_.draw(Cost::idle_loop_exit);
    debt_ += exit;
    loop_exit_cost_ = exit;
    in_callback_ = true;
    schedule(id_);
    in_callback_ = false;
    return;
  }
  work_[0] = make_work<&Cpu::idle_entered>(costs_.draw(Cost::idle_enter), *this);
  work_[0].irqs_off = true;
}

void Cpu::idle_entered() {
  if (need_resched_ || !latched_.empty()) {
    return;  // settle() sees to it
  }
  asleep_ = true;
  in_state_ = true;
  idle_since_ = engine_.now();
  idle_state_ = static_cast<int>(select_idle_state());
  state_polls_ = topology_.idle[static_cast<std::size_t>(idle_state_)].state != IdleState::hlt;
  tracepoints_.fire(Tracepoint::cpu_idle, id_, idle_state_);
  if (!std::exchange(idle_announced_, true)) {
    idle_changed(id_, true);
  }
}

// The CPU wakes up: the exit latency passes with interrupts off, then whatever woke it proceeds.
void Cpu::idle_woken() {
  asleep_ = false;
  idle_spans_[idle_span_next_] = (engine_.now() - idle_since_).count();
  idle_span_next_ = (idle_span_next_ + 1) % idle_spans_.size();
  state_exit_ = exit_cost(topology_.idle[static_cast<std::size_t>(idle_state_)].state);
  state_exit_cost_ = costs_.draw(state_exit_);
  work_[0] = make_work<&Cpu::idle_exited>(state_exit_cost_, *this);
  work_[0].irqs_off = true;
}

// MWAIT states break out before the handler runs and drain wakeups that came without an IPI; HLT takes
// the interrupt inside the idle routine, so its exit event follows the handler.
void Cpu::idle_exited() {
  if (state_polls_) {
    leave_idle_state();
    drain_wake_list(id_);
  }
}

void Cpu::leave_idle_state() {
  if (std::exchange(in_state_, false)) {
    tracepoints_.fire(Tracepoint::cpu_idle, id_, -1);
  }
}

void Cpu::book_idle_exit_to_agent() {
  costs_.book(state_exit_, std::exchange(state_exit_cost_, sim::Nanos{0}));
  costs_.book(Cost::idle_loop_exit, std::exchange(loop_exit_cost_, sim::Nanos{0}));
}

// menu, simplified: predicts the next span and picks the deepest state whose residency fits.
std::size_t Cpu::select_idle_state() {
  const auto& states = topology_.idle;
  if (states.size() == 1) {
    return 0;
  }
  std::int64_t sum = 0;
  for (const std::int64_t span : idle_spans_) {
    sum += span;
  }
  const std::int64_t typical = sum / static_cast<std::int64_t>(idle_spans_.size());
  const std::int64_t predicted = std::min(typical, next_timer(id_).count());
  std::size_t chosen = 0;
  for (std::size_t i = 1; i < states.size(); ++i) {
    if (states[i].target_residency.count() <= predicted) {
      chosen = i;
    }
  }
  return chosen;
}

}  // namespace models
