#include "models/cpu.h"

#include <algorithm>

#include "sim/check.h"

namespace models {

Cpu::Cpu(sim::Engine& engine, CpuId id, const TopologyConfig& topology, const CpuKernel& kernel,
         CostSampler& costs, const Tracepoints& tracepoints)
    : engine_{engine},
      id_{id},
      topology_{topology},
      preemption_{kernel.preemption},
      tick_{1'000'000'000 / kernel.hz},
      tick_skew_{models::tick_skew(id, topology.cpus, kernel.hz, kernel.skew_tick)},
      costs_{costs},
      tracepoints_{tracepoints},
      governor_{make_idle_governor(topology, kernel.release)} {
  end_.bind<&Cpu::expire>(engine_, *this);
  stolen_end_.bind<&Cpu::stolen_end>(engine_, *this);
  latched_.reserve(64);
  if (index(id) < topology.cpu_speed.size()) {
    speed_ = own_speed_ = topology.cpu_speed[index(id)];
  }
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

// The first edge of the highest priority: reschedule and call-function vectors, the local timer, devices.
IrqLine& Cpu::take_latched() {
  const auto lower = [](const IrqLine* a, const IrqLine* b) { return a->kind < b->kind; };
  const auto highest = std::max_element(latched_.begin(), latched_.end(), lower);
  IrqLine& line = **highest;
  latched_.erase(highest);
  line.latched = false;  // the EOI comes before the handler: the next edge is latched anew
  return line;
}

bool Cpu::queue_call_function(CallFunction& user) {
  const bool was_empty = std::none_of(call_functions_.begin(), call_functions_.end(),
                                      [](const CallFunction* each) { return each->queued; });
  user.queued = true;
  if (!was_empty) {
    return false;  // its IPI is on the way
  }
  if (polling_) {
    set_need_resched();
    wake_polling();
    return false;
  }
  return true;
}

bool Cpu::flush_call_functions() {
  bool any = false;
  for (CallFunction* user : call_functions_) {
    if (std::exchange(user->queued, false)) {
      user->run(user->object, id_);
      any = true;
    }
  }
  return any;
}

void Cpu::finish_now(Context context) {
  account_now();
  work_[static_cast<std::size_t>(context)].remaining = sim::Nanos{0};
  if (executing_ && active_ == context) {
    end_.arm(sim::Nanos{0});
  }
}

void Cpu::expire() {
  account_now();
  executing_ = false;
  Work& work = work_[static_cast<std::size_t>(active_)];
  const auto call = std::exchange(work.call, nullptr);
  in_callback_ = true;
  call(work.object, work.argument);  // which may set the context's next work in place
  in_callback_ = false;
  settle();
}

void Cpu::begin_interrupt(IrqLine& line) {
  ++interrupts_[static_cast<std::size_t>(line.kind)];
  in_hardirq_ = true;
  exit_runs_softirqs_ = line.runs_softirqs;
  if (exit_runs_softirqs_) {
    book_irq_time();
  }
  in_callback_ = true;
  line.handler();
  in_callback_ = false;
}

// irq_exit_rcu, unless the vector is a "simple" one.
void Cpu::end_interrupt() {
  in_hardirq_ = false;
  if (exit_runs_softirqs_) {
    book_irq_time();
    invoke_softirqs_ |= !serving_softirq_ && !bh_off_ && softirqs_pending(id_);
  }
}

// Where NEED_RESCHED acts on a task that is not interrupted (any more).
bool Cpu::reschedules() const {
  const Work& next = work_[0];
  if (!(need_resched_ || need_resched_lazy_) || next.irqs_off) {
    return false;
  }
  if (next.user || next.boundary) {
    return true;
  }
  if (!need_resched_) {
    return false;
  }
  switch (preemption_) {
    case Preemption::none:
      return next.cond_resched;
    case Preemption::voluntary:
      return next.cond_resched || next.might_sleep;
    case Preemption::full:
    case Preemption::lazy:
      break;
  }
  return !next.preempt_off;
}

// Decides what executes next. Every entry into the CPU ends here.
void Cpu::settle() {
  if (in_callback_ || stolen_) {
    return;  // the outer call settles, or the hypervisor's return does
  }
  account_now();
  for (;;) {
    if (work_[2].call != nullptr) {
      arm(Context::hardirq);
      return;
    }
    if (in_hardirq_) {
      end_interrupt();
    }
    if (asleep_ && (!latched_.empty() || need_resched_)) {
      if (hypervisor_keeps_cpu()) {
        return;
      }
      idle_woken();
      continue;
    }
    // handle_softirqs takes its snapshot before it enables interrupts: an edge that came during the handler
    // is delivered on top of the softirqs.
    if (invoke_softirqs_ && !serving_softirq_) {
      invoke_softirqs_ = false;
      in_callback_ = true;
      start_softirqs(id_);
      in_callback_ = false;
      continue;
    }
    if (!latched_.empty() && interrupt_deliverable()) {
      begin_interrupt(take_latched());
      continue;
    }
    if (work_[1].call != nullptr) {
      arm(Context::softirq);
      return;
    }
    if (idle_task_) {
      if (asleep_) {
        executing_ = false;
        end_.disarm();
        return;
      }
      if (!settle_idle()) {
        continue;
      }
    } else if (reschedules()) {
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
  work.boundary = work.cond_resched = work.might_sleep = false;
  active_ = context;
  executing_ = true;
  end_.arm(wall_time(work));
}

}  // namespace models
