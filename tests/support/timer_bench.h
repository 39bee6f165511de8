// One CPU with its timers and its softirq core. The timer interrupt's parts have distinct costs.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "models/timer.h"
#include "tests/support/cpu_bench.h"

namespace models {

inline constexpr sim::Nanos to_callbacks = 500ns + 1us + 2us;  // delivery, entry, up to the first callback

struct TimerBench : CpuBench {
  explicit TimerBench(int hz = 250, const KernelConfig& kernel_config = {},
                      const TopologyConfig& machine = one_c1(), CpuId id = CpuId{0}, bool tick_costs = false)
      : CpuBench{{.topology = machine,
                  .costs = {{Cost::timer_delivery, 500ns},
                            {Cost::hardirq_entry, 1us},
                            {Cost::hrtimer_interrupt, 2us},
                            {Cost::clockevent_program, 13us},
                            {Cost::hardirq_exit, 4us},
                            {Cost::tick, 30us},
                            {Cost::tick_stop, tick_costs ? 700ns : 0ns},
                            {Cost::tick_restart, tick_costs ? 9us : 0us}},
                  .kernel = with_hz(kernel_config, hz),
                  .id = id}},
        kernel{with_hz(kernel_config, hz)},
        softirq{engine, cpu, sampler, tracepoints, hz},
        timers{engine, cpu, softirq, kernel, machine.cpus, sampler, tracepoints, completions, sim::Rng{1}} {
    cpu.start_softirqs.connect<&TimerBench::start>(*this);
    cpu.softirqs_pending.connect<&TimerBench::pending>(*this);
    cpu.next_timer.connect<&TimerBench::next_timer>(*this);
    cpu.idle_changed.connect<&TimerBench::idle_changed>(*this);
    for (auto& action : softirq.action) {
      action.connect<&Softirq::done>(softirq);
    }
    softirq.ran.connect<&TimerBench::ran>(*this);
    timers.expired.connect<&TimerBench::expired>(*this);
    timers.tick.connect<&TimerBench::tick>(*this);
  }
  static TopologyConfig one_c1() {
    return {.cpus = 1, .smt = 1, .llc_cpus = 0, .idle = {{IdleState::c1, 0ns}}};
  }
  void run_hog() {
    run_task([this] { task("hog", 1000s, Kind::user); });
  }
  void arm(int task, sim::Nanos soft, sim::Nanos hard) {
    timers.arm(Sleeper{TaskId{task}, sim::SimTime{soft}, sim::SimTime{hard}, CompletionId::none});
  }

  KernelConfig kernel;
  CompletionPool completions;
  Softirq softirq;
  CpuTimers timers;
  std::vector<std::pair<SoftirqVector, sim::Nanos>> softirqs;  // which ran, and when
  Then on_expiry;
  sim::Nanos timer_override{0};  // what the governor hears of timers, if not 0

 private:
  static KernelConfig with_hz(KernelConfig config, int hz) {
    config.hz = hz;
    return config;
  }
  void start(CpuId) { softirq.start(); }
  bool pending(CpuId) { return softirq.pending(); }
  sim::Nanos next_timer(CpuId) { return timer_override != 0ns ? timer_override : timers.next_timer(); }
  void idle_changed(CpuId, bool stop_tick) {
    timeline.note(stop_tick ? "tick stops" : "tick restarts");
    timers.idle_changed(stop_tick);
  }
  void ran(SoftirqVector vector, sim::Nanos) {
    softirqs.emplace_back(vector, engine.now().time_since_epoch());
  }
  void expired(const Sleeper& sleeper, CpuId) {
    CHECK(cpu.in_hardirq());
    timeline.note("expired " + std::to_string(static_cast<int>(sleeper.task)));
    if (on_expiry) {
      on_expiry();
    }
  }
  void tick(CpuId) {
    CHECK(cpu.in_hardirq());
    timeline.note("tick");
  }
};

}  // namespace models
