// The idle loop of a CPU: choosing a state, entering it, what wakes it, and the way out.
//
//   idle_enter ─► governor ─► tick stop? ─► state ... woken ─► [exit latency] ─► handlers ─► need_resched?
//        ▲                                                                            │no      │yes
//        └────────────────────────────────────────────────────────────────────────────┘   tick restart, wake
//                                                                                         list, schedule()
//
// Models:   kernel/sched/idle.c:do_idle, cpuidle_idle_call; drivers/cpuidle/cpuidle.c:cpuidle_enter_state;
//           poll_state.c:poll_idle; kernel/time/tick-sched.c:tick_nohz_idle_stop_tick, _retain_tick, _exit.
// Left out: rcu and timekeeping in idle, the timer wheel's say in the tick stop.
#include <algorithm>
#include <limits>

#include "models/cpu.h"
#include "models/deepened.h"

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

// The idle loop, with nothing on its way in or out: leave for schedule(), or sleep. False: softirqs come
// first.
bool Cpu::settle_idle() {
  if (in_poll_) {
    resume_poll();
    return true;
  }
  if (work_[0].call != nullptr) {
    return true;
  }
  if (left_loop_) {
    return schedule_idle();
  }
  leave_idle_state();
  reflect();
  if (need_resched_) {
    leave_idle_loop();
    return work_[0].call != nullptr || schedule_idle();
  }
  polling_ = true;
  fill_work<&Cpu::idle_entered>(work_[0], costs_.draw(Cost::idle_enter), *this);
  work_[0].irqs_off = true;
  return true;
}

// The end of do_idle: tick_nohz_idle_exit, with interrupts off.
void Cpu::leave_idle_loop() {
  polling_ = false;
  in_callback_ = true;
  if (std::exchange(tick_stopped_, false)) {
    idle_changed(id_, false);
  }
  in_callback_ = false;
  loop_exit_cost_ = costs_.draw(Cost::idle_loop_exit);
  left_loop_ = loop_exit_cost_ + debt_ == sim::Nanos{0};
  if (!left_loop_) {
    fill_work<&Cpu::idle_loop_left>(work_[0], loop_exit_cost_, *this);
    work_[0].irqs_off = true;
  }
}

// flush_smp_call_function_queue, with the softirqs that it raises, and schedule_idle. Interrupts that waited
// for the end of the loop have been handled before.
bool Cpu::schedule_idle() {
  in_callback_ = true;
  const bool flushed = flush_call_functions();
  drain_wake_list(id_);
  in_callback_ = false;
  if (flushed && softirqs_pending(id_)) {
    invoke_softirqs_ = true;
    return false;
  }
  left_loop_ = false;
  in_callback_ = true;
  schedule(id_);
  in_callback_ = false;
  return true;
}

void Cpu::idle_entered() {
  if (need_resched_ || !latched_.empty()) {
    return;  // settle() sees to it
  }
  choose_idle_state();
  if (charged()) {  // stopping the tick took time
    fill_work<&Cpu::enter_idle_state>(work_[0], sim::Nanos{0}, *this);
    work_[0].irqs_off = true;
  } else {
    enter_idle_state();
  }
}

void Cpu::choose_idle_state() {
  IdleChoice choice{.state = 0, .stop_tick = topology_.idle.front().state != IdleState::poll};
  if (topology_.idle.size() > 1) {
    const IdleView view = idle_view();
    choice = std::visit([&](auto& governor) { return governor.select(view); }, governor_);
  }
  idle_state_ = choice.state;
  if (choice.stop_tick && !tick_stopped_ && tick_can_stop()) {
    tick_stopped_ = true;
    idle_changed(id_, true);
  }
}

IdleView Cpu::idle_view() const {
  const sim::Nanos timer = next_timer(id_);
  const sim::Nanos with_tick = tick_stopped_ ? timer : std::min(timer, time_to_tick());
  return IdleView{.states = topology_.idle,
                  .latency_limit = topology_.cpu_dma_latency,
                  .tick = tick_,
                  .tick_stopped = tick_stopped_,
                  .sleep_length = tick_can_stop() ? timer : with_tick,
                  .delta_tick = with_tick,
                  .now = engine_.now()};
}

sim::Nanos Cpu::time_to_tick() const {
  const std::int64_t since = (sim::count(engine_.now()) - tick_skew_.count()) % tick_.count();
  return tick_ - sim::Nanos{since < 0 ? since + tick_.count() : since};
}

void Cpu::enter_idle_state() {
  if (need_resched_ || !latched_.empty()) {
    return;
  }
  in_state_ = true;
  got_idle_tick_ = false;
  poll_timed_out_ = false;
  idle_since_ = engine_.now();
  tracepoints_.fire(Tracepoint::cpu_idle, id_, idle_state_);
  if (state_config().state == IdleState::poll) {
    poll_idle();
    return;
  }
  asleep_ = true;
  polling_ = state_config().polls();
  tell_siblings();
}

// poll_idle spins with interrupts on until NEED_RESCHED or its limit; as the only state (idle=poll) without
// one.
void Cpu::poll_idle() {
  constexpr sim::Nanos no_limit{std::numeric_limits<std::int64_t>::max() / 4};
  sim::Nanos limit = no_limit;
  if (topology_.idle.size() > 1) {
    limit = std::visit([](const auto& governor) { return governor.poll_limit(); }, governor_);
    limit = limit.count() != 0 ? limit : cpuidle_poll_time(topology_.idle, tick_);
  }
  in_poll_ = true;
  poll_until_ = engine_.now() + limit;
  fill_work<&Cpu::poll_timed_out>(work_[0], limit, *this);
  work_[0].unscaled = true;
}

void Cpu::resume_poll() {
  if (!need_resched_) {
    work_[0].remaining = std::max(sim::Nanos{0}, poll_until_ - engine_.now());  // it watches the clock
    return;
  }
  in_poll_ = false;
  work_[0] = Work{};
  idle_woken();
}

void Cpu::poll_timed_out() {
  in_poll_ = false;
  poll_timed_out_ = true;
}

void Cpu::wake_polling() {
  if (asleep() && !in_callback_) {
    settle();
  }
}

// The CPU wakes up: the exit latency passes with interrupts off, then whatever woke it proceeds.
void Cpu::idle_woken() {
  const IdleStateConfig& state = state_config();
  state_exit_ = exit_cost(state.state);
  state_exit_cost_ = costs_.draw(state_exit_);
  if (state.state == IdleState::hlt) {
    state_exit_cost_ += deepened(costs_.draw(Cost::idle_exit_hlt_deep), engine_.now() - idle_since_);
  }
  fill_work<&Cpu::idle_exited>(work_[0], state_exit_cost_, *this);
  work_[0].irqs_off = true;
  work_[0].unscaled = true;
  if (!state.takes_irqs()) {
    polling_ = false;  // until the handlers have run and the loop goes on
  }
  if (std::exchange(asleep_, false)) {
    tell_siblings();
  }
}

// MWAIT states break out before the handler runs; HLT takes the interrupt inside the idle routine, so its
// exit event follows the handler.
void Cpu::idle_exited() {
  if (!state_config().takes_irqs()) {
    leave_idle_state();
  }
}

void Cpu::leave_idle_state() {
  if (!std::exchange(in_state_, false)) {
    return;
  }
  tracepoints_.fire(Tracepoint::cpu_idle, id_, -1);
  residency_ = engine_.now() - idle_since_;
  reflects_ = topology_.idle.size() > 1;
}

// cpuidle_reflect: after the handlers of whatever woke the CPU, one of which may have been the tick's.
void Cpu::reflect() {
  if (!std::exchange(reflects_, false)) {
    return;
  }
  const IdleResult result{.state = idle_state_,
                          .residency = residency_,
                          .got_tick = got_idle_tick_,
                          .poll_timed_out = poll_timed_out_,
                          .now = engine_.now()};
  std::visit([&](auto& governor) { governor.reflect(tick_, result); }, governor_);
}

}  // namespace models
