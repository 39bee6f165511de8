// Interprocessor interrupts.
//
// Models:   arch/x86/kernel/smp.c: the reschedule vector runs no softirqs ("simple" sysvec), the
//           call-function vector drains a list and does. A guest pays a VM exit to send one (Cost::ipi_send).
//           kernel/smp.c:__smp_call_single_queue: all users of a CPU share one list, and no IPI is sent if
//           the list is not empty or the CPU polls in idle.
// Left out: IPI broadcasts, csd locks.
#pragma once

#include "models/cost_sampler.h"
#include "models/cpu.h"
#include "sim/engine.h"

namespace models {

// The IPI lines of one CPU, and their handlers.
class IpiReceiver {
 public:
  IpiReceiver(sim::Engine& engine, Cpu& cpu, CostSampler& costs) : engine_{engine}, cpu_{cpu}, costs_{costs} {
    reschedule_.kind = IrqKind::ipi;
    reschedule_.runs_softirqs = false;
    reschedule_.handler.connect<&IpiReceiver::enter_reschedule>(*this);
    call_function_.kind = IrqKind::ipi;
    call_function_.handler.connect<&IpiReceiver::enter_call_function>(*this);
    queue_.object = this;
    queue_.run = [](void* self, CpuId cpu_id) { static_cast<IpiReceiver*>(self)->drain(cpu_id); };
    cpu_.add_call_function(queue_);
  }
  IpiReceiver(const IpiReceiver&) = delete;
  IpiReceiver& operator=(const IpiReceiver&) = delete;

  sim::Port<void(CpuId)> drain;  // out: the call-function list, in hardirq context

  // in: `sender` sends; the message arrives after its delivery latency. Also to itself.
  void send_reschedule(Cpu& sender) { send<&IpiReceiver::arrive_reschedule>(sender); }
  // in: `sender` has queued something that drain() will find; it sends, if nothing else makes the CPU look.
  void send_call_function(Cpu& sender) {
    if (cpu_.queue_call_function(queue_)) {
      send<&IpiReceiver::arrive_call_function>(sender);
    }
  }

 private:
  template <auto Arrive>
  void send(Cpu& sender) {
    sender.charge(costs_.draw(Cost::ipi_send));
    engine_.after<Arrive>(costs_.draw(Cost::ipi_delivery), *this);
  }
  void arrive_reschedule() { cpu_.raise(reschedule_); }
  void arrive_call_function() { cpu_.raise(call_function_); }
  sim::Nanos handler_cost() { return costs_.draw(Cost::hardirq_entry) + costs_.draw(Cost::ipi_handler); }
  void enter_reschedule() { cpu_.run<&IpiReceiver::leave>(Context::hardirq, handler_cost(), *this); }
  void enter_call_function() { cpu_.run<&IpiReceiver::drain_list>(Context::hardirq, handler_cost(), *this); }
  void drain_list() {
    cpu_.flush_call_functions();
    leave();
  }
  void leave() { cpu_.charge(costs_.draw(Cost::hardirq_exit)); }

  sim::Engine& engine_;
  Cpu& cpu_;
  CostSampler& costs_;
  IrqLine reschedule_;
  IrqLine call_function_;
  CallFunction queue_;
};

}  // namespace models
