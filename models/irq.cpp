#include "models/irq.h"

#include <utility>

namespace models {

DeviceIrq::DeviceIrq(sim::Engine& engine, Cpu& cpu, CostSampler& costs, const Tracepoints& tracepoints,
                     Meter& meter, VectorId vector, Cost handler_cost)
    : engine_{engine},
      cpu_{cpu},
      costs_{costs},
      tracepoints_{tracepoints},
      meter_{meter},
      vector_{vector},
      handler_cost_{handler_cost} {
  line_.kind = IrqKind::device;
  line_.handler.connect<&DeviceIrq::enter>(*this);
}

void DeviceIrq::message() {
  if (!std::exchange(message_pending_, true)) {
    message_at_ = engine_.now();
  }
  const sim::Nanos delivery = costs_.draw(Cost::msi_delivery);
  if (delivery.count() == 0) {
    arrive();
  } else {
    engine_.after<&DeviceIrq::arrive>(delivery, *this);
  }
}

void DeviceIrq::enter() {
  message_pending_ = false;
  served_message_at_ = message_at_;
  cpu_.run<&DeviceIrq::entry_passed>(Context::hardirq, costs_.draw(Cost::hardirq_entry), *this);
}

void DeviceIrq::entry_passed() {
  entered_ = engine_.now();
  cpu_.set_handler_entered(entered_);
  tracepoints_.fire(Tracepoint::irq_handler_entry, cpu_.id(), static_cast<std::int64_t>(vector_));
  cpu_.set_work(Context::hardirq,
                Work{[](void* irq, std::uint64_t) { static_cast<DeviceIrq*>(irq)->handled(); }, this, 0,
                     costs_.draw(handler_cost_), false, false, false});
}

// A wakeup at the handler's end, and its IPI, come before irq_handler_exit.
void DeviceIrq::leave(bool for_agent) {
  served_agent_ = for_agent;
  if (cpu_.charged()) {
    cpu_.run<&DeviceIrq::left>(Context::hardirq, sim::Nanos{0}, *this);
  } else {
    left();
  }
}

void DeviceIrq::left() {
  const sim::SimTime now = engine_.now();
  cpu_.set_handler_entered(unstamped);
  tracepoints_.fire(Tracepoint::irq_handler_exit, cpu_.id(), static_cast<std::int64_t>(vector_));
  meter_.record(Metric::irq_handler, now - entered_);
  if (served_agent_) {
    meter_.record(Metric::stage_irq, now - served_message_at_);
  }
  cpu_.charge(costs_.draw(Cost::hardirq_exit));
}

}  // namespace models
