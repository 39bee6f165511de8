#include "calibration/replay/free_run.h"

#include "calibration/replay/free_interrupts.h"
#include "calibration/replay/free_machine.h"
#include "calibration/replay/free_switches.h"

namespace calibration {
namespace {

// The models' time zero: on the tick's grid, so that their jiffies are the capture's.
std::int64_t origin_of(const ReplayInput& input, const FreeProgram& program) {
  const std::int64_t period = program.tick_period;
  return (input.begin - program.tick_phase) / period * period + program.tick_phase - period;
}

class Replay {
 public:
  Replay(const ReplayInput& input, const FreeProgram& program, const FreeRunOptions& options)
      : origin_{origin_of(input, program)},
        machine_{input, options.policy, options.seed},
        costs_{program, options.costs, options.seed},
        switches_{machine_, costs_},
        tasks_{machine_, switches_, program, origin_, options.impose_cpus, options.follow},
        interrupts_{machine_, tasks_, switches_, program, origin_, sim::Nanos{costs_.tick_length()}} {
    machine_.tracepoints.attached.connect<&Replay::tracepoint>(*this);
    machine_.tracepoints.arm(models::Tracepoint::sched_wakeup);
    machine_.tracepoints.arm(models::Tracepoint::sched_switch);
    for (int i = 0; i < machine_.cpu_count(); ++i) {
      machine_.cpu(static_cast<models::CpuId>(i)).settle();
    }
  }

  FreeRun run(std::int64_t end) {
    machine_.engine.run_until(sim::SimTime{sim::Nanos{end - origin_}});
    result_.wakes = tasks_.wakes();
    for (const ReplayedWake& wake : result_.wakes) {
      result_.early_wakes += wake.early ? 1 : 0;
    }
    result_.added_ticks = interrupts_.added_ticks();
    result_.imposed_costs = costs_.imposed();
    result_.drawn_costs = costs_.drawn();
    result_.events = machine_.engine.executed();
    return std::move(result_);
  }

 private:
  void tracepoint(models::Tracepoint point, models::CpuId cpu, std::int64_t a, std::int64_t b, std::int64_t c,
                  std::int64_t) {
    if (point == models::Tracepoint::sched_wakeup) {
      tasks_.woken(a, static_cast<models::CpuId>(b));
      return;
    }
    switches_.switched(cpu);
    tasks_.switched(cpu, a, b != 0, c);
    result_.switches.push_back({sim::count(machine_.engine.now()) + origin_, static_cast<std::int16_t>(cpu),
                                b != 0, machine_.replay_id(a), machine_.replay_id(c)});
  }

  std::int64_t origin_;
  FreeMachine machine_;
  ImposedCosts costs_;
  FreeSwitches switches_;
  FreeTasks tasks_;
  FreeInterrupts interrupts_;
  FreeRun result_;
};

}  // namespace

FreeRun run_free(const ReplayInput& input, const FreeProgram& program, const FreeRunOptions& options) {
  return Replay{input, program, options}.run(input.end);
}

}  // namespace calibration
