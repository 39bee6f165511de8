#include "models/softirq.h"

#include <bit>

namespace models {

namespace {

constexpr int max_softirq_restart = 10;            // MAX_SOFTIRQ_RESTART, kernel/softirq.c
constexpr sim::Nanos max_softirq_time{2'000'000};  // MAX_SOFTIRQ_TIME: msecs_to_jiffies(2)

std::int64_t in_jiffies(sim::Nanos span, sim::Nanos jiffy) {
  return (span.count() + jiffy.count() - 1) / jiffy.count();
}

}  // namespace

Softirq::Softirq(sim::Engine& engine, Cpu& cpu, CostSampler& costs, const Tracepoints& tracepoints, int hz)
    : engine_{engine}, cpu_{cpu}, costs_{costs}, tracepoints_{tracepoints}, jiffy_{1'000'000'000 / hz} {}

void Softirq::raise(SoftirqVector vector) {
  const auto i = static_cast<unsigned>(vector);
  tracepoints_.fire(Tracepoint::softirq_raise, cpu_.id(), i);
  if ((pending_ & (1u << i)) == 0) {
    raises_[i] = SoftirqRun{engine_.now(), cpu_.handler_entered(), unstamped};
  }
  pending_ |= 1u << i;
}

void Softirq::start() {
  if (pending_ == 0) {
    return;
  }
  cpu_.set_serving_softirq(true);
  restarts_ = max_softirq_restart;
  end_jiffies_ = jiffies() + in_jiffies(max_softirq_time, jiffy_);
  pass();
}

void Softirq::run_ksoftirqd() {
  for_ksoftirqd_ = true;
  if (pending_ == 0) {
    finish();
    return;
  }
  start();
}

void Softirq::pass() {
  todo_ = std::exchange(pending_, 0u);
  todo_raises_ = raises_;
  next_vector();
}

void Softirq::next_vector() {
  const auto i = static_cast<unsigned>(std::countr_zero(todo_));
  todo_ &= todo_ - 1;
  running_ = static_cast<SoftirqVector>(i);
  run_ = todo_raises_[i];
  cpu_.run<&Softirq::enter>(Context::softirq, costs_.draw(Cost::softirq_overhead), *this);
}

void Softirq::enter() {
  run_.entered = engine_.now();
  const auto i = static_cast<unsigned>(running_);
  tracepoints_.fire(Tracepoint::softirq_entry, cpu_.id(), i);
  action[i]();
}

// A wakeup at the action's end, and its IPI, come before softirq_exit.
void Softirq::done() {
  if (cpu_.charged()) {
    cpu_.run<&Softirq::leave>(Context::softirq, sim::Nanos{0}, *this);
  } else {
    leave();
  }
}

void Softirq::leave() {
  tracepoints_.fire(Tracepoint::softirq_exit, cpu_.id(), static_cast<unsigned>(running_));
  ran(running_, engine_.now() - run_.entered);
  if (todo_ != 0) {
    next_vector();
    return;
  }
  if (pending_ != 0) {
    if (jiffies() < end_jiffies_ && !cpu_.need_resched() && --restarts_ > 0) {
      pass();
      return;
    }
    wake_ksoftirqd(cpu_.id());
  }
  finish();
}

void Softirq::finish() {
  cpu_.set_serving_softirq(false);
  if (std::exchange(for_ksoftirqd_, false)) {
    ksoftirqd_done();
  }
}

}  // namespace models
