// One device interrupt: from the MSI-X message to the end of the driver's handler.
//
//   device ──message()──► [delivery] ─► Cpu ─► irq_handler_entry ─► handled ─► irq_handler_exit ─► leave()
//
// Models:   kernel/irq/chip.c:handle_edge_irq, kernel/irq/handle.c:__handle_irq_event_percpu.
// Left out: affinity changes while running, threaded handlers, shared lines.
#pragma once

#include <cstdint>

#include "models/cost_sampler.h"
#include "models/cpu.h"
#include "models/meter.h"
#include "models/tracepoints.h"
#include "sim/engine.h"

namespace models {

class DeviceIrq {
 public:
  DeviceIrq(sim::Engine& engine, Cpu& cpu, CostSampler& costs, const Tracepoints& tracepoints, Meter& meter,
            VectorId vector, Cost handler_cost);
  DeviceIrq(const DeviceIrq&) = delete;
  DeviceIrq& operator=(const DeviceIrq&) = delete;

  // out: the driver's handler has run for Cost `handler_cost`; its effects. It ends with leave(), at once
  // or after more hardirq work on cpu().
  sim::Port<void()> handled;

  void message();                      // in: the device's MSI-X message
  void leave(bool for_agent = false);  // in: the handler returns; it served an agent's completion

  Cpu& cpu() { return cpu_; }
  sim::SimTime entered() const { return entered_; }  // irq_handler_entry of the running or last handler

 private:
  void arrive() { cpu_.raise(line_); }
  void enter();
  void entry_passed();
  void left();

  sim::Engine& engine_;
  Cpu& cpu_;
  CostSampler& costs_;
  const Tracepoints& tracepoints_;
  Meter& meter_;
  VectorId vector_;
  Cost handler_cost_;
  IrqLine line_;
  sim::SimTime message_at_{};  // of the first message that the next handler serves
  bool message_pending_ = false;
  bool served_agent_ = false;
  sim::SimTime served_message_at_{};
  sim::SimTime entered_{};
};

}  // namespace models
