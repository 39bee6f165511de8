#include "models/irq.h"

#include <utility>

namespace models {

DeviceIrq::Target::Target(DeviceIrq& owner, Cpu& on) : irq{owner}, cpu{on} {
  line.kind = IrqKind::device;
  line.handler.connect<&Target::enter>(*this);
}

DeviceIrq::DeviceIrq(sim::Engine& engine, Cpu& cpu, CostSampler& costs, const Tracepoints& tracepoints,
                     Meter& meter, VectorId vector, Cost handler_cost, KernelRelease release)
    : engine_{engine},
      costs_{costs},
      tracepoints_{tracepoints},
      meter_{meter},
      vector_{vector},
      handler_cost_{handler_cost},
      release_{release} {
  set_affinity(cpu);
}

void DeviceIrq::set_affinity(Cpu& target) {
  for (const auto& known : targets_) {
    if (&known->cpu == &target) {
      target_ = known.get();
      return;
    }
  }
  targets_.push_back(std::make_unique<Target>(*this, target));
  target_ = targets_.back().get();
}

void DeviceIrq::message() {
  if (!std::exchange(message_pending_, true)) {
    message_at_ = engine_.now();
  }
  const sim::Nanos delivery = costs_.draw(Cost::msi_delivery);
  if (delivery.count() == 0) {
    target_->arrive();
  } else {
    engine_.after<&Target::arrive>(delivery, *target_);
  }
}

void DeviceIrq::enter(Target& target) {
  if (handling_ != nullptr) {
    meet_handler(target);
    return;
  }
  handling_ = &target;
  begin(costs_.draw(Cost::hardirq_entry));
}

// The handler runs on another CPU, where this interrupt was routed before.
void DeviceIrq::meet_handler(Target& target) {
  if (release_ == KernelRelease::v6_12) {
    pending_ = true;
    target.cpu.run<&Target::ignore>(
        Context::hardirq, costs_.draw(Cost::hardirq_entry) + costs_.draw(Cost::hardirq_exit), target);
    return;
  }
  constexpr sim::Nanos until_told{1'000'000'000'000};
  target.spins = true;
  target.cpu.run<&Target::spun>(Context::hardirq, until_told, target);
}

void DeviceIrq::spun(Target& target) {
  target.spins = false;
  if (handling_ != nullptr) {  // a second CPU that waited was first
    meet_handler(target);
    return;
  }
  handling_ = &target;
  begin(costs_.draw(Cost::hardirq_entry));
}

void DeviceIrq::begin(sim::Nanos entry) {
  message_pending_ = false;
  served_message_at_ = message_at_;
  cpu().run<&DeviceIrq::entry_passed>(Context::hardirq, entry, *this);
}

void DeviceIrq::entry_passed() {
  entered_ = engine_.now();
  cpu().set_handler_entered(entered_);
  tracepoints_.fire(Tracepoint::irq_handler_entry, cpu().id(), static_cast<std::int64_t>(vector_));
  cpu().run<&DeviceIrq::run_handler>(Context::hardirq, costs_.draw(handler_cost_), *this);
}

void DeviceIrq::run_handler() { handled(); }

// A wakeup at the handler's end, and its IPI, come before irq_handler_exit.
void DeviceIrq::leave(bool for_agent) {
  served_agent_ = for_agent;
  if (cpu().charged()) {
    cpu().run<&DeviceIrq::left>(Context::hardirq, sim::Nanos{0}, *this);
  } else {
    left();
  }
}

void DeviceIrq::left() {
  const sim::SimTime now = engine_.now();
  Cpu& here = cpu();
  here.set_handler_entered(unstamped);
  tracepoints_.fire(Tracepoint::irq_handler_exit, here.id(), static_cast<std::int64_t>(vector_));
  meter_.record(Metric::irq_handler, now - entered_);
  if (served_agent_) {
    meter_.record(Metric::stage_irq, now - served_message_at_);
  }
  if (std::exchange(pending_, false)) {
    begin(sim::Nanos{0});  // handle_edge_irq loops while the interrupt is pending
    return;
  }
  here.charge(costs_.draw(Cost::hardirq_exit));
  handling_ = nullptr;
  for (const auto& target : targets_) {
    if (target->spins) {
      target->cpu.finish_now(Context::hardirq);
    }
  }
}

}  // namespace models
