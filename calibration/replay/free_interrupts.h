// The capture's interrupts on the models' CPUs: hardirqs at their times, the softirqs they and others raise,
// ticks.
//
// A hardirq comes at its captured time on its captured CPU and lasts as long as captured. A softirq's run is
// queued by its raise and executed when the models' Softirq runs the vector. A tick of the capture is part of
// its captured interrupt. Where the capture's CPU was idle and did not tick but the model's is busy, a tick
// of the median length is added on the capture's grid.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <vector>

#include "calibration/replay/free_machine.h"
#include "calibration/replay/free_tasks.h"

namespace calibration {

class FreeInterrupts {
 public:
  FreeInterrupts(FreeMachine& machine, FreeTasks& tasks, FreeSwitches& switches, const FreeProgram& program,
                 std::int64_t origin, sim::Nanos tick_length);
  FreeInterrupts(const FreeInterrupts&) = delete;
  FreeInterrupts& operator=(const FreeInterrupts&) = delete;

  // in: a task raises a softirq in its own context; it runs at once.
  void raise_in_task(models::CpuId cpu, std::int32_t raise);
  // in: the models' load balancing asks for its softirq.
  void raise_sched(models::CpuId cpu) { machine_.softirq(cpu).raise(models::SoftirqVector::sched); }

  std::uint64_t added_ticks() const { return added_ticks_; }

 private:
  static constexpr std::size_t vectors = models::softirq_vectors;
  // A section as it runs.
  struct Run {
    const FreeSection* section = nullptr;
    std::size_t step = 0;
    std::int64_t at = 0;
  };
  struct Cpu;
  struct Action {  // one vector's handler on one CPU
    FreeInterrupts* owner = nullptr;
    Cpu* cpu = nullptr;
    std::size_t vec = 0;
    void run() { owner->begin_vector(*cpu, vec); }
  };
  struct Cpu {
    models::CpuId id{};
    FreeInterrupts* owner = nullptr;
    std::vector<std::int32_t> hardirqs;  // of FreeProgram::hardirqs, by time
    std::size_t next = 0;                // to arrive
    std::size_t served = 0;              // begun
    sim::Timer arrival;
    models::IrqLine line, moved_line, tick_line;
    std::vector<std::int32_t> moved;  // wakes whose interrupts came here after their tasks
    Run hard, soft;
    std::array<std::vector<std::int32_t>, vectors> queued;  // runs of raised vectors
    std::vector<std::int32_t> running;                      // runs that the vector's handler has taken
    std::size_t running_next = 0;
    bool balances = false;  // it is SCHED's
    std::array<Action, vectors> actions;
    std::vector<bool> ticked;  // captured ticks, by number in the grid

    void arrive() { owner->arrive(*this); }
    void enter() { owner->enter(*this); }
    void enter_moved() { owner->enter_moved(*this); }
    void moved_piece() { owner->moved_piece(*this); }
    void enter_tick() { owner->enter_tick(*this); }
    void hard_piece() { owner->hard_piece(*this); }
    void soft_piece() { owner->soft_piece(*this); }
    void tick() { owner->tick(*this); }
  };

  void arrive(Cpu& cpu);
  void enter(Cpu& cpu);
  void hard_piece(Cpu& cpu);
  void enter_moved(Cpu& cpu);
  void moved_piece(Cpu& cpu);
  void begin_vector(Cpu& cpu, std::size_t vec);
  void soft_piece(Cpu& cpu);
  void next_run(Cpu& cpu);
  void perform(Cpu& cpu, Run& run);
  sim::Nanos piece(const Run& run) const;
  void raise(Cpu& cpu, std::int32_t raise);
  void grid();
  void enter_tick(Cpu& cpu);
  void tick(Cpu& cpu);
  sim::SimTime sim_time(std::int64_t captured) const { return sim::SimTime{sim::Nanos{captured - origin_}}; }

  FreeMachine& machine_;
  FreeTasks& tasks_;
  FreeSwitches& switches_;
  const FreeProgram& program_;
  std::int64_t origin_;
  sim::Nanos tick_length_;
  std::vector<std::unique_ptr<Cpu>> cpus_;
  sim::Timer grid_;
  std::size_t grid_number_ = 0;
  std::uint64_t added_ticks_ = 0;
};

}  // namespace calibration
