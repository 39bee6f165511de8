// Device handlers, softirqs, timers, idle: analysis.h.
#include <algorithm>

#include "calibration/analysis/analysis.h"

namespace calibration {

void Analysis::irq_entry(const Event& event, CpuState& cpu) {
  if (cpu.irq_depth == 0) {
    cpu.irq = event.irq.irq;
    cpu.irq_at = event.time;
    cpu.interrupted_completed = cpu.completed;
    cpu.interrupted_batch = cpu.batch_from;
    auto [known, fresh] = irqs_.try_emplace(event.irq.irq);
    if (fresh) {
      known->second.group = stages_.group("irq " + std::to_string(event.irq.irq) + " " +
                                          std::string{names_.text(event.irq.name)});
    }
    cpu.irq_group = known->second.group;
    cpu.net_device_spoke |= known->second.raises_net_rx;
    cpu.irq_node = history_.add({.time = event.time,
                                 .spent = cpu.spent,
                                 .pid = cpu.current,
                                 .cpu = static_cast<std::int16_t>(event.cpu),
                                 .kind = NodeKind::irq_entry});
  }
  ++cpu.irq_depth;
  cpu.completed = NodeId::none;
  cpu.expired = NodeId::none;
  cpu.batch_from = 0;
}

void Analysis::irq_exit(const Event& event, CpuState& cpu) {
  if (cpu.irq_depth == 0) {
    return;  // entered before the capture began
  }
  if (--cpu.irq_depth == 0) {
    if (cpu.irq == event.irq.irq) {
      record(cpu.irq_group, StageId::irq_handler, cpu.irq_at, event.time, cpu);
    }
    cpu.completed = cpu.vec >= 0 ? cpu.interrupted_completed : NodeId::none;
    cpu.batch_from = cpu.interrupted_batch;
  }
  cpu.expired = NodeId::none;
}

void Analysis::softirq_raise(const Event& event, CpuState& cpu) {
  const auto vec = static_cast<std::size_t>(event.softirq.vec);
  if (vec >= softirq_vecs) {
    return;
  }
  const Where where = KernelState::where(cpu, event.flags);
  Raise raise{.time = event.time, .where = where};
  raise.from_device = where == Where::hardirq && cpu.irq_depth > 0;
  raise.hardirq_at = raise.from_device ? cpu.irq_at : never_seen;
  raise.raiser = where == Where::task ? cpu.current : -1;
  if (raise.from_device && vec == net_rx_vec) {
    irqs_[cpu.irq].raises_net_rx = true;
    cpu.net_device_spoke = true;
  }
  if (where == Where::softirq &&
      cpu.vec == event.softirq.vec) {  // the rest of this run: its origin is the run's
    raise = cpu.vec_raise;
    raise.time = event.time;
    raise.hardirq_at = never_seen;
  }
  const auto [counted, first] = cpu.raises.raised(vec, raise, event.flags.softirq);
  if (!first) {
    counted->several |= counted->where != where || counted->raiser != raise.raiser;
    return;
  }
  Node node{.time = event.time,
            .spent = cpu.spent,
            .pid = cpu.current,
            .cpu = static_cast<std::int16_t>(event.cpu),
            .kind = NodeKind::raise};
  Task* current = where == Where::task ? state_.find(cpu.current) : nullptr;
  if (where == Where::hardirq) {
    node.before = cpu.irq_depth > 0 ? cpu.irq_node : NodeId::none;
  } else {
    node.before = where == Where::softirq ? cpu.vec_node : current != nullptr ? current->last : NodeId::none;
  }
  counted->node = history_.add(node);
  if (current != nullptr) {
    current->last = counted->node;
  }
}

void Analysis::softirq_entry(const Event& event, CpuState& cpu) {
  const bool known = event.softirq.vec >= 0 && event.softirq.vec < static_cast<int>(softirq_vecs);
  const auto vec = static_cast<std::size_t>(known ? event.softirq.vec : softirq_vecs);
  cpu.vec = event.softirq.vec;
  cpu.vec_at = event.time;
  cpu.vec_raise = known ? cpu.raises.entered(vec) : Raise{};
  cpu.batch_from = 0;
  cpu.completed = cpu.expired = NodeId::none;
  cpu.delivered_at = never_seen;
  cpu.delivered_from = Origin::unknown;
  record(vec_groups_[vec], StageId::softirq_wait, cpu.vec_raise.time, event.time, cpu);
  cpu.vec_node = history_.add({.time = event.time,
                               .before = cpu.vec_raise.node,
                               .spent = cpu.spent,
                               .pid = cpu.current,
                               .behind = event.softirq.vec,
                               .cpu = static_cast<std::int16_t>(event.cpu),
                               .kind = NodeKind::softirq_entry});
}

void Analysis::softirq_exit(const Event& event, CpuState& cpu) {
  const bool known = event.softirq.vec >= 0 && event.softirq.vec < static_cast<int>(softirq_vecs);
  if (cpu.vec == event.softirq.vec) {
    record(vec_groups_[static_cast<std::size_t>(known ? cpu.vec : softirq_vecs)], StageId::softirq_run,
           cpu.vec_at, event.time, cpu);
  }
  cpu.net_device_spoke &= cpu.vec != net_rx_vec;
  cpu.vec = -1;
  cpu.raises.exited();
  cpu.completed = cpu.expired = NodeId::none;
}

void Analysis::napi_poll(const Event& event, CpuState& cpu) {
  stages_.record(vec_groups_[net_rx_vec], StageId::napi_work, event.napi_poll.work);
  const Name dev = event.napi_poll.dev;
  if (cpu.vec_raise.from_device && !cpu.vec_raise.several && names_.text(dev) != "(no_device)" &&
      device_napis_.size() < StageTable::max_groups &&
      std::find(device_napis_.begin(), device_napis_.end(), dev) == device_napis_.end()) {
    device_napis_.push_back(dev);
  }
}

void Analysis::delivered(const Event& event, CpuState& cpu) {
  cpu.batch_from = cpu.delivered_at != never_seen ? event.time : cpu.batch_from;
  cpu.delivered_at = event.time;
  const bool device =
      std::find(device_napis_.begin(), device_napis_.end(), event.skb.dev) != device_napis_.end();
  cpu.delivered_from = device ? Origin::device : Origin::backlog;
}

void Analysis::hrtimer_expire(const Event& event, CpuState& cpu) {
  const std::string_view function = names_.text(event.hrtimer.function);
  cpu.expired_wakes = function.starts_with("hrtimer_wakeup");
  // `now` is read once an interrupt, before its first timer: the expiry that a handler finds due. Another
  // clock's reading, or one from far away, is not comparable with the stamps.
  const std::int64_t late = event.time - event.hrtimer.now;
  const bool comparable = event.hrtimer.now > 0 && late >= -1'000 && late < 1'000'000;
  cpu.expired = history_.add({.time = comparable && late > 0 ? event.hrtimer.now : event.time,
                              .detail = event.time,
                              .spent = cpu.spent,
                              .request = event.hrtimer.hrtimer,
                              .pid = cpu.current,
                              .cpu = static_cast<std::int16_t>(event.cpu),
                              .kind = NodeKind::expire});
}

void Analysis::cpu_idle(const Event& event, CpuState& cpu) {
  idle_seen_ = true;
  if (event.idle.state >= 0) {
    return;
  }
  // The exit that a wakeup caused: measured for the first task woken onto the sleeping CPU.
  if (cpu.woken_idle != 0) {
    const Task* woken = state_.find(cpu.woken_idle);
    if (woken != nullptr && woken->phase == TaskPhase::runnable && woken->woken_on_idle) {
      record(woken->group, StageId::idle_exit, woken->wakeup_at, event.time, cpu);
    }
    cpu.woken_idle = 0;
  }
}

}  // namespace calibration
