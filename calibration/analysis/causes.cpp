#include "calibration/analysis/causes.h"

namespace calibration {
namespace {

WakeCause in_net_rx(const CpuState& cpu, std::int32_t woken) {
  const Raise& raise = cpu.vec_raise;
  if (raise.time == never_seen || raise.where == Where::softirq) {
    return {Rule::softirq_only, NodeId::none, net_rx_vec};
  }
  // net_rx_action polls every NAPI that is on its list by then, whoever raised it: only the packet's own
  // device can tell a device's packet from one of the backlog once both may be there.
  const bool mixed = raise.several || (raise.where == Where::task && cpu.net_device_spoke);
  if (mixed && cpu.delivered_from == Origin::device) {
    return {Rule::device_packet, cpu.vec_node, net_rx_vec};
  }
  if (raise.several || (mixed && cpu.delivered_from == Origin::unknown)) {
    return {Rule::ambiguous_send, NodeId::none, net_rx_vec};
  }
  if (raise.where == Where::hardirq) {
    return {raise.from_device ? Rule::device_packet : Rule::softirq_only, cpu.vec_node, net_rx_vec};
  }
  const Rule rule = raise.raiser == woken ? Rule::own_send_acked : Rule::peer_send;
  return {rule, cpu.vec_node, static_cast<std::uint64_t>(raise.raiser)};
}

WakeCause in_softirq(const CpuState& cpu, std::int32_t woken) {
  switch (cpu.vec) {
    case net_rx_vec:
      return in_net_rx(cpu, woken);
    case timer_vec:
      return {Rule::timer_wheel, cpu.vec_node, timer_vec};
    case -1:
      return {Rule::softirq_only};
    default:
      return {Rule::softirq_work, cpu.vec_node, static_cast<std::uint64_t>(cpu.vec)};
  }
}

}  // namespace

WakeCause find_cause(CpuState& cpu, const EventFlags& flags, std::int32_t woken, KernelState& state,
                     const History& history) {
  const Where where = KernelState::where(cpu, flags);
  if (cpu.expired != NodeId::none && cpu.expired_wakes) {
    const Node* expiry = history.find(cpu.expired);
    WakeCause cause{Rule::hrtimer_wakeup, cpu.expired, expiry == nullptr ? 0 : expiry->request};
    cause.nested = cpu.vec >= 0;
    cpu.expired = NodeId::none;
    return cause;
  }
  if (cpu.completed != NodeId::none &&
      (where == Where::softirq || (where == Where::hardirq && cpu.irq_depth > 0))) {
    return {Rule::request, cpu.completed, cpu.completed_key, where == Where::hardirq && cpu.vec >= 0};
  }
  if (where == Where::hardirq) {
    const bool handler = cpu.irq_depth > 0;
    return {handler ? Rule::irq_handler : Rule::hardirq_only, handler ? cpu.irq_node : NodeId::none,
            static_cast<std::uint64_t>(handler ? cpu.irq : 0), cpu.vec >= 0};
  }
  if (where == Where::softirq) {
    return in_softirq(cpu, woken);
  }
  const Task* current = state.find(cpu.current);
  if (current == nullptr) {
    return {};  // the idle task, or one that was never seen
  }
  return {Rule::task, current->last, static_cast<std::uint64_t>(cpu.current)};
}

std::string_view to_string(Rule rule) {
  constexpr std::array<std::string_view, rule_count> names{
      "none",        "ambiguous_send", "softirq_only",   "hardirq_only",  "hrtimer_wakeup",
      "request",     "peer_send",      "own_send_acked", "device_packet", "irq_handler",
      "timer_wheel", "softirq_work",   "task",           "agent_wakeup"};
  return names[static_cast<std::size_t>(rule)];
}

}  // namespace calibration
