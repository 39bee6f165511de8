#include "models/timer.h"

#include <algorithm>

namespace models {

namespace {

constexpr sim::Nanos no_timer{1'000'000'000};
constexpr int busy_factor = 16;  // sd->busy_factor: a busy CPU balances that much less often
constexpr int max_retries = 3;   // hrtimer_interrupt
constexpr sim::Nanos longest_back_off{100'000'000};  // likewise

}  // namespace

CpuTimers::CpuTimers(sim::Engine& engine, Cpu& cpu, Softirq& softirq, const KernelConfig& kernel, int cpus,
                     CostSampler& costs, const Tracepoints& tracepoints, CompletionPool& completions,
                     const sim::Rng& rng)
    : engine_{engine},
      cpu_{cpu},
      softirq_{softirq},
      costs_{costs},
      tracepoints_{tracepoints},
      completions_{completions},
      tick_period_{1'000'000'000 / kernel.hz},
      tick_skew_{tick_skew(cpu.id(), cpus, kernel.hz, kernel.skew_tick)},
      balance_jiffies_{std::max(1, cpus * busy_factor * kernel.hz / 1000 - 1)},
      timer_interval_{sim::Distribution::exponential(kernel.timer_softirq_interval)},
      rcu_interval_{sim::Distribution::exponential(kernel.rcu_softirq_interval)},
      stream_{rng.stream("cpu/housekeeping", index(cpu.id()))} {
  line_.kind = IrqKind::timer;
  line_.handler.connect<&CpuTimers::enter>(*this);
  event_.bind<&CpuTimers::expire>(engine_, *this);
  sleepers_.reserve(64);
  soft_timers_.reserve(16);
  next_wheel_ += timer_interval_.sample(stream_);
  next_rcu_ += rcu_interval_.sample(stream_);
  start_tick();  // the CPU ticks until the idle loop stops it
  program();
}

void CpuTimers::arm(const Sleeper& sleeper) {
  sleepers_.push_back(sleeper);
  program();
}

void CpuTimers::arm_soft(const SoftTimer& timer) {
  const sim::SimTime before = first_expiry();
  soft_timers_.push_back(timer);
  program();
  if (first_expiry() != before && !interrupt_due_) {
    cpu_.charge(costs_.draw(Cost::clockevent_program));
  }
}

// hrtimer_run_softirq: all that have expired, then the clock event for the next.
void CpuTimers::run_softirq() {
  const sim::SimTime now = engine_.now();
  const auto sooner = [](const SoftTimer& a, const SoftTimer& b) { return a.expires < b.expires; };
  for (;;) {
    const auto first = std::min_element(soft_timers_.begin(), soft_timers_.end(), sooner);
    if (first == soft_timers_.end() || first->expires > now) {
      break;
    }
    const SoftTimer due = *first;
    soft_timers_.erase(first);
    tracepoints_.fire(Tracepoint::hrtimer_expire_entry, cpu_.id(), due.task, sim::count(due.expires));
    soft_expired(due.cookie, cpu_.id());
  }
  const sim::SimTime before = first_expiry();
  softirq_activated_ = false;
  program();
  if (first_expiry() != before && !interrupt_due_) {
    cpu_.charge(costs_.draw(Cost::clockevent_program));
  }
  softirq_.done();
}

void CpuTimers::start_tick() {
  const std::int64_t period = tick_period_.count();
  const std::int64_t since = sim::count(engine_.now()) - tick_skew_.count();
  const std::int64_t edge = since < 0 ? 0 : since / period + 1;
  next_tick_ = sim::SimTime{tick_skew_ + sim::Nanos{edge * period}};
}

// The clock event costs only if it changes: with a timer before the tick, it stays.
void CpuTimers::idle_changed(bool stop_tick) {
  const sim::SimTime before = first_expiry();
  if (stop_tick) {
    next_tick_ = sim::never;
  } else {
    start_tick();
  }
  program();
  if (first_expiry() != before && !interrupt_due_) {
    cpu_.charge(costs_.draw(stop_tick ? Cost::tick_stop : Cost::tick_restart));
  }
}

sim::SimTime CpuTimers::first_expiry() const { return std::min(next_tick_, first_timer()); }

sim::SimTime CpuTimers::first_timer() const {
  sim::SimTime next = sim::never;
  for (const Sleeper& sleeper : sleepers_) {
    next = std::min(next, sleeper.hard);
  }
  if (!softirq_activated_) {
    for (const SoftTimer& timer : soft_timers_) {
      next = std::min(next, timer.expires);
    }
  }
  return next;
}

sim::Nanos CpuTimers::next_timer() const {
  const sim::SimTime next = first_timer();
  return next == sim::never ? no_timer : next - engine_.now();
}

// tick_program_event: the earliest hard expiry, or the tick. While an interrupt is on its way, it will do
// that.
void CpuTimers::program() {
  if (interrupt_due_) {
    return;
  }
  const sim::SimTime next = first_expiry();
  if (next == sim::never) {
    event_.disarm();
  } else {
    event_.arm_at(std::max({next, not_before_, engine_.now()}));
  }
}

void CpuTimers::expire() {
  interrupt_due_ = true;
  const sim::Nanos delivery = costs_.draw(Cost::timer_delivery);
  if (delivery.count() == 0) {
    arrive();
  } else {
    engine_.after<&CpuTimers::arrive>(delivery, *this);
  }
}

void CpuTimers::enter() {
  cpu_.run<&CpuTimers::run_queues>(
      Context::hardirq, costs_.draw(Cost::hardirq_entry) + costs_.draw(Cost::hrtimer_interrupt), *this);
}

// Callbacks run at one instant, and what they charge passes after them. A timer that expires in that time
// finds the interrupt still there: it looks again, and after three times lets the CPU breathe.
void CpuTimers::run_queues() {
  const sim::SimTime now = engine_.now();
  if (retries_ == 0) {
    entered_at_ = now;
    not_before_ = sim::SimTime{};
  }
  const auto due = [now](const SoftTimer& timer) { return timer.expires <= now; };
  if (!softirq_activated_ && std::any_of(soft_timers_.begin(), soft_timers_.end(), due)) {
    softirq_activated_ = true;
    softirq_.raise(SoftirqVector::hrtimer);
  }
  run_due(now);
  sim::Nanos spent{0};
  if (next_tick_ <= now) {
    spent = costs_.draw(Cost::tick);
    run_tick();
  }
  const bool late = first_expiry() <= now + spent + cpu_.debt();
  if (late && ++retries_ < max_retries) {
    cpu_.run<&CpuTimers::run_queues>(Context::hardirq, spent, *this);
  } else {
    end_interrupt(late, spent);
  }
}

// __hrtimer_run_queues: in the order of the hard expiries, up to the first whose soft expiry is yet to come.
void CpuTimers::run_due(sim::SimTime now) {
  const auto sooner = [](const Sleeper& a, const Sleeper& b) { return a.hard < b.hard; };
  for (;;) {
    const auto first = std::min_element(sleepers_.begin(), sleepers_.end(), sooner);
    if (first == sleepers_.end() || first->soft > now) {
      break;
    }
    const Sleeper due = *first;
    sleepers_.erase(first);
    tracepoints_.fire(Tracepoint::hrtimer_expire_entry, cpu_.id(), static_cast<std::int64_t>(due.task),
                      sim::count(due.soft));
    completions_.stamp(due.completion, Stage::timer, now);
    expired(due, cpu_.id());
  }
}

void CpuTimers::end_interrupt(bool late, sim::Nanos spent) {
  if (late) {
    const sim::SimTime end = engine_.now() + spent + cpu_.debt();
    not_before_ = end + std::min(end - entered_at_, longest_back_off);
  }
  retries_ = 0;
  interrupt_due_ = false;
  program();
  const sim::Nanos rest = costs_.draw(Cost::clockevent_program) + costs_.draw(Cost::hardirq_exit);
  cpu_.run<&CpuTimers::leave>(Context::hardirq, rest + spent, *this);
}

void CpuTimers::run_tick() {
  const sim::SimTime now = engine_.now();
  tracepoints_.fire(Tracepoint::hrtimer_expire_entry, cpu_.id(), -1, sim::count(next_tick_));
  while (next_tick_ <= now) {
    next_tick_ += tick_period_;
  }
  if (next_wheel_ <= now) {
    softirq_.raise(SoftirqVector::timer);
    next_wheel_ = now + timer_interval_.sample(stream_);
  }
  if (softirq_.jiffies() % balance_jiffies_ == 0) {
    softirq_.raise(SoftirqVector::sched);
  }
  if (next_rcu_ <= now) {
    softirq_.raise(SoftirqVector::rcu);
    next_rcu_ = now + rcu_interval_.sample(stream_);
  }
  if (cpu_.idle()) {
    cpu_.note_idle_tick();
  }
  tick(cpu_.id());
}

}  // namespace models
