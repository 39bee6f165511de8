// One CPU on its own: the bench stands for the scheduler, the softirq core, the timers and the devices.
//
// Every piece of work has a name, which the timeline notes when the work ends.
#pragma once

#include <deque>
#include <functional>
#include <string>
#include <utility>

#include "models/cost_sampler.h"
#include "models/cpu.h"
#include "tests/support/cpu_timeline.h"

namespace models {

struct CpuBenchConfig {
  TopologyConfig topology{.cpus = 1, .smt = 1, .llc_cpus = 0, .idle = {{IdleState::c1, 0ns}}};
  Preemption preemption = Preemption::none;
  std::vector<CostValue> costs{};
  KernelConfig kernel{};  // but for its preemption
  CpuId id = CpuId{0};
};

class CpuBench {
 public:
  using Then = std::function<void()>;
  enum class Kind { user, kernel, boundary, irqs_off, preempt_off, cond_resched, might_sleep };

  // A piece of work and what follows it.
  struct Piece {
    CpuBench& bench;
    std::string name;
    Then then;
    void end() {
      bench.timeline.note(name);
      if (then) {
        then();
      }
    }
  };

  // An interrupt line whose handler is one piece of hardirq work.
  struct Line {
    CpuBench& bench;
    std::string name;
    sim::Nanos cost;
    Then then;
    IrqLine line;
    void enter() {
      bench.timeline.note(name + " entry");
      bench.work(Context::hardirq, name + " exit", cost, then);
    }
    void raise() { bench.cpu.raise(line); }
  };

  explicit CpuBench(const CpuBenchConfig& config = {})
      : topology{config.topology}, sampler{constant_costs(config.costs), sim::Rng{1}}, cpu{engine,
                                                                                           config.id,
                                                                                           topology,
                                                                                           kernel_of(config),
                                                                                           sampler,
                                                                                           tracepoints} {
    cpu.schedule.connect<&CpuBench::schedule>(*this);
    cpu.start_softirqs.connect<&CpuBench::start_softirqs>(*this);
    cpu.softirqs_pending.connect<&CpuBench::softirqs_pending>(*this);
    cpu.drain_wake_list.connect<&CpuBench::drain>(*this);
    cpu.next_timer.connect<&CpuBench::next_timer>(*this);
    cpu.idle_changed.connect<&CpuBench::idle_changed>(*this);
    tracepoints.attached.connect<&CpuBench::tracepoint>(*this);
    tracepoints.arm(Tracepoint::cpu_idle);
  }

  // Work of any context, from inside a callback of the CPU.
  void work(Context context, std::string name, sim::Nanos cost, Then then = {}) {
    cpu.run<&Piece::end>(context, cost, piece(std::move(name), std::move(then)));
  }
  // Work of the task, likewise.
  void task(std::string name, sim::Nanos cost, Kind kind = Kind::user, Then then = {}) {
    Work work = make_work<&Piece::end>(cost, piece(std::move(name), std::move(then)));
    work.user = kind == Kind::user;
    work.boundary = kind == Kind::boundary;
    work.irqs_off = kind == Kind::irqs_off;
    work.preempt_off = kind == Kind::preempt_off;
    work.cond_resched = kind == Kind::cond_resched;
    work.might_sleep = kind == Kind::might_sleep;
    cpu.set_work(Context::task, work);
  }
  // The CPU runs a task from now on, whose first work `first` sets; afterwards a long piece of user work.
  void run_task(const Then& first) {
    cpu.set_idle_task(false);
    first();
    cpu.settle();
  }
  void rest() { task("rest", 1s); }

  Line& irq(std::string name, sim::Nanos cost, Then then = {}) {
    Line& line = lines.emplace_back(Line{*this, std::move(name), cost, std::move(then), {}});
    line.line.handler.connect<&Line::enter>(line);
    return line;
  }
  void raise_at(Line& line, sim::Nanos when) { engine.at<&Line::raise>(sim::SimTime{when}, line); }
  void at(sim::Nanos when, Then then) {
    engine.at<&Piece::end>(sim::SimTime{when}, piece("", std::move(then)));
  }
  // The next softirq run takes that long.
  void raise_softirq(sim::Nanos cost) { softirq_cost = cost; }

  std::int64_t accounted(CpuTime time) const { return cpu.accounted()[static_cast<std::size_t>(time)]; }

  sim::Engine engine;
  TopologyConfig topology;
  CostSampler sampler;
  Tracepoints tracepoints;
  Cpu cpu;
  Timeline timeline{engine};
  std::deque<Piece> pieces;  // deques: work and lines are referred to by address
  std::deque<Line> lines;
  sim::Nanos softirq_cost{0};  // 0: none pending
  sim::Nanos timer{1s};        // what the governor hears
  Then on_schedule;            // what schedule() does; nothing: the same task goes on
  Then on_drain;

 private:
  static KernelConfig kernel_of(const CpuBenchConfig& config) {
    KernelConfig kernel = config.kernel;
    kernel.preemption = config.preemption;
    return kernel;
  }
  Piece& piece(std::string name, Then then) {
    return pieces.emplace_back(Piece{*this, std::move(name), std::move(then)});
  }

  void schedule(CpuId) {
    timeline.note("schedule");
    cpu.clear_need_resched();
    if (on_schedule) {
      on_schedule();
    } else {
      cpu.set_work(Context::task, cpu.take_task_work());
    }
  }
  bool softirqs_pending(CpuId) { return softirq_cost != 0ns; }
  void start_softirqs(CpuId) {
    timeline.note("softirq entry");
    cpu.set_serving_softirq(true);
    work(Context::softirq, "softirq exit", std::exchange(softirq_cost, 0ns),
         [this] { cpu.set_serving_softirq(false); });
  }
  void drain(CpuId) {
    timeline.note("drain");
    if (on_drain) {
      on_drain();
    }
  }
  sim::Nanos next_timer(CpuId) { return timer; }
  void idle_changed(CpuId, bool idle) { timeline.note(idle ? "idle begins" : "idle ends"); }
  void tracepoint(Tracepoint, CpuId, std::int64_t state, std::int64_t, std::int64_t, std::int64_t) {
    timeline.note("cpu_idle " + std::to_string(state));
  }
};

}  // namespace models
