// One device interrupt: from the MSI-X message to the end of the driver's handler.
//
//   device ──message()──► [delivery] ─► Cpu ─► irq_handler_entry ─► handled ─► irq_handler_exit ─► leave()
//
// The affinity may change at any time. An edge belongs to the CPU that its message was sent to. If it meets
// the handler on another CPU: 6.12 marks the interrupt pending there, and that CPU handles once more; in 6.18
// the new CPU spins with interrupts off until the old one is done, and handles it itself.
//
// Models:   kernel/irq/chip.c:handle_edge_irq, kernel/irq/handle.c:__handle_irq_event_percpu,
// handle_irq_event
//           (IRQD_IRQ_INPROGRESS, IRQS_PENDING).
// Left out: threaded handlers, shared lines, the delay of an affinity change to the next interrupt where the
//           hardware cannot remap.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "models/cost_sampler.h"
#include "models/cpu.h"
#include "models/kernel_config.h"
#include "models/meter.h"
#include "models/tracepoints.h"
#include "sim/engine.h"

namespace models {

class DeviceIrq {
 public:
  DeviceIrq(sim::Engine& engine, Cpu& cpu, CostSampler& costs, const Tracepoints& tracepoints, Meter& meter,
            VectorId vector, Cost handler_cost, KernelRelease release = KernelRelease::v6_12);
  DeviceIrq(const DeviceIrq&) = delete;
  DeviceIrq& operator=(const DeviceIrq&) = delete;

  // out: the driver's handler has run for Cost `handler_cost`; its effects. It ends with leave(), at once
  // or after more hardirq work on cpu().
  sim::Port<void()> handled;

  void message();                      // in: the device's MSI-X message
  void leave(bool for_agent = false);  // in: the handler returns; it served an agent's completion
  void set_affinity(Cpu& target);      // in: messages from now on go there; allocates at a first use

  Cpu& cpu() { return handling_ != nullptr ? handling_->cpu : target_->cpu; }  // where it runs, or will
  sim::SimTime entered() const { return entered_; }  // irq_handler_entry of the running or last handler

 private:
  // The vector on one CPU.
  struct Target {
    Target(DeviceIrq& owner, Cpu& on);
    DeviceIrq& irq;
    Cpu& cpu;
    IrqLine line;
    bool spins = false;
    void arrive() { cpu.raise(line); }
    void enter() { irq.enter(*this); }
    void spun() { irq.spun(*this); }
    void ignore() {}
  };

  void enter(Target& target);
  void meet_handler(Target& target);
  void spun(Target& target);
  void begin(sim::Nanos entry);
  void entry_passed();
  void run_handler();
  void left();

  sim::Engine& engine_;
  CostSampler& costs_;
  const Tracepoints& tracepoints_;
  Meter& meter_;
  VectorId vector_;
  Cost handler_cost_;
  KernelRelease release_;
  std::vector<std::unique_ptr<Target>> targets_;  // every CPU it was ever routed to
  Target* target_ = nullptr;
  Target* handling_ = nullptr;  // IRQD_IRQ_INPROGRESS, and where
  bool pending_ = false;        // IRQS_PENDING
  sim::SimTime message_at_{};   // of the first message that the next handler serves
  bool message_pending_ = false;
  bool served_agent_ = false;
  sim::SimTime served_message_at_{};
  sim::SimTime entered_{};
};

}  // namespace models
