// Wakeups and switches: analysis.h.
#include "calibration/analysis/analysis.h"

namespace calibration {

void Analysis::waking(const Event& event, CpuState& cpu) {
  Task& woken = task(event.wakeup.pid, event.wakeup.comm, event.time);
  WakeCause cause = find_cause(cpu, event.flags, woken.pid, state_, history_);
  if (cause.rule == Rule::softirq_only && cpu.vec < 0 && names_.text(woken.comm).starts_with("ksoftirqd/")) {
    cause.rule = Rule::softirq_work;  // wakeup_softirqd(): softirqs are left over at the end of a run
  }
  const bool asleep = woken.phase != TaskPhase::running;
  Node node{.time = event.time,
            .before = woken.slept,
            .cause = cause.node,
            .spent = cpu.spent,
            .batch_from = cpu.vec >= 0 || cpu.irq_depth > 0 ? cpu.batch_from : 0,
            .pid = woken.pid,
            .cpu = static_cast<std::int16_t>(event.cpu),
            .kind = NodeKind::waking,
            .rule = cause.rule};
  const NodeId id = history_.add(node);
  cpu.batch_from = event.time;
  note_link(event, woken, cause, id);
  if (!asleep) {
    woken_early(event, cpu, woken, cause, id);
    return;
  }
  woken.last = id;
  woken.phase = TaskPhase::waking;
  woken.waking_at = event.time;
  open_chain(woken, cpu, cause, event.time);
}

// It has set its state but not left its CPU. Either it stays, and whatever it does next shows that nobody
// waits; or it leaves all the same: queued afterwards (by the wake list, or because try_to_wake_up waits for
// p->on_cpu), or queued at once (ttwu_runnable of a delayed dequeue) and switched out with the state it had
// set.
void Analysis::woken_early(const Event& event, CpuState& cpu, Task& woken, const WakeCause& cause,
                           NodeId waking) {
  const bool timer = cause.rule == Rule::hrtimer_wakeup && woken.task_class == TaskClass::agent;
  if (timer && (woken.gate == Syscall::other || woken.gate == Syscall::nanosleep)) {
    slept_without_leaving(event, cpu, woken, cause);
  }
  woken.woken_early = true;
  woken.early_wakeup_at = never_seen;
  woken.waking_at = event.time;
  woken.waking_node = waking;
  open_chain(woken, cpu, cause, event.time);
}

void Analysis::leaves_early_woken(const Event& event, const CpuState& cpu, Task& prev) {
  const bool queued = prev.early_wakeup_at != never_seen;
  prev.woken_early = false;
  prev.phase = queued ? TaskPhase::runnable : TaskPhase::waking;
  prev.last = prev.waking_node;
  if (Node* waking = history_.find(prev.waking_node)) {
    waking->before = prev.slept;
  }
  if (queued) {  // unless a new sched_waking tells that it slept after all
    prev.wakeup_at = prev.early_wakeup_at;
    prev.last = history_.add({.time = event.time,
                              .before = prev.waking_node,
                              .spent = cpu.spent,
                              .pid = prev.pid,
                              .behind = event.sched_switch.next_pid,
                              .cpu = static_cast<std::int16_t>(event.cpu),
                              .kind = NodeKind::wakeup});
  }
}

// The task does something: a wakeup that came while it was running found it running.
void Analysis::stays(Task& task) {
  if (task.woken_early) {
    task.woken_early = false;
    task.waking_at = task.early_wakeup_at = never_seen;
    task.chain_open = false;
    task.woken_by_request = NodeId::none;
  }
}

// A sleep so short that its timer expired before the agent had left its CPU: the step ends all the same, at
// the latest with that expiry.
void Analysis::slept_without_leaving(const Event& event, const CpuState& cpu, Task& agent,
                                     const WakeCause& cause) {
  const std::int64_t expiry = history_.find(cause.node)->time;
  const NodeId end = history_.add({.time = expiry,
                                   .before = agent.last,
                                   .spent = cpu.spent,
                                   .pid = agent.pid,
                                   .cpu = static_cast<std::int16_t>(event.cpu),
                                   .kind = NodeKind::switch_out});
  agent.last = end;
  bool ended = steps_.sleeps(agent.step_slot, expiry, end, false, false);
  ended = steps_.timer(agent.step_slot, agent.pid, expiry) || ended;
  steps_.running(agent.step_slot, event.time);
  if (ended) {
    step_ended();
  }
}

void Analysis::wakeup(const Event& event, CpuState& cpu) {
  Task& woken = task(event.wakeup.pid, event.wakeup.comm, event.time);
  if (woken.phase == TaskPhase::running || woken.phase == TaskPhase::runnable) {
    losses_.woken_while_running += woken.woken_early ? 1 : 0;
    woken.early_wakeup_at = event.time;
    if (woken.woken_early) {
      stamp_runnable(woken, event.time);
    }
    return;
  }
  if (woken.phase != TaskPhase::waking) {  // the capture has no sched_waking, or began after it
    woken.waking_at = never_seen;
    if (events_[static_cast<std::size_t>(EventKind::sched_waking)] == 0) {
      waking(event, cpu);
      woken.waking_at = never_seen;
    } else {
      woken.last = NodeId::none;
      woken.chain_open = false;
    }
  }
  const std::int32_t target =
      event.wakeup.target_cpu >= 0 && event.wakeup.target_cpu < 4096 ? event.wakeup.target_cpu : event.cpu;
  CpuState& there = state_.cpu(target, event.time);
  woken.phase = TaskPhase::runnable;
  woken.wakeup_at = event.time;
  woken.cpu = target;
  woken.woken_on_idle = there.current == 0;
  if (woken.woken_on_idle && there.woken_idle == 0) {
    there.woken_idle = woken.pid;
  }
  record(woken.group, StageId::waking_to_wakeup, woken.waking_at, event.time, cpu);
  stamp_runnable(woken, event.time);
  woken.last = history_.add({.time = event.time,
                             .before = woken.last,
                             .spent = there.spent,
                             .pid = woken.pid,
                             .behind = there.current,
                             .cpu = static_cast<std::int16_t>(target),
                             .kind = NodeKind::wakeup});
}

void Analysis::stamp_runnable(Task& woken, std::int64_t now) {
  if (woken.chain_open) {
    woken.chain[models::Stage::runnable] = now;
    return;
  }
  for (Task::Completed& each : woken.completed) {
    if (each.node == woken.woken_by_request && each.node != NodeId::none) {
      each.chain[models::Stage::runnable] = now;
    }
  }
}

void Analysis::switched(const Event& event, CpuState& cpu) {
  ++losses_.switches;
  const bool broken = cpu.current != -1 && cpu.current != event.sched_switch.prev_pid;
  if (broken) {
    ++losses_.broken_switches;
    forget_cpu(cpu, event.time);
    for (const std::int32_t pid : {cpu.current, event.sched_switch.prev_pid, event.sched_switch.next_pid}) {
      if (Task* each = state_.find(pid)) {
        steps_.broken(each->step_slot);
        each->chain.whole = false;
      }
    }
  }
  if (event.sched_switch.prev_pid > 0) {
    leaves(event, cpu);
  }
  // A send that is not served before its CPU runs somebody else may be mixed with theirs.
  const bool ksoftirqd = names_.text(event.sched_switch.next_comm).starts_with("ksoftirqd/");
  cpu.raises.each_waiting(net_rx_vec, [&](Raise& raise) {
    raise.several |= raise.where == Where::task && event.sched_switch.next_pid != raise.raiser && !ksoftirqd;
  });
  cpu.expired = cpu.completed = NodeId::none;
  cpu.current = event.sched_switch.next_pid;
  cpu.current_comm = event.sched_switch.next_comm;
  cpu.woken_idle = 0;
  if (cpu.current > 0) {
    enters(event, cpu);
  }
}

void Analysis::leaves(const Event& event, CpuState& cpu) {
  const SchedSwitch& change = event.sched_switch;
  Task& prev = task(change.prev_pid, change.prev_comm, event.time);
  const bool asleep = change.prev_state != TaskState::running;
  // Woken between setting its state and leaving: it is asleep only in name.
  prev.phase = asleep ? TaskPhase::asleep : TaskPhase::runnable;
  prev.left_at = event.time;
  prev.last = history_.add({.time = event.time,
                            .before = prev.last,
                            .detail = asleep ? 1 : 0,
                            .spent = cpu.spent,
                            .pid = prev.pid,
                            .behind = change.next_pid,
                            .cpu = static_cast<std::int16_t>(event.cpu),
                            .kind = NodeKind::switch_out});
  if (!asleep) {
    stays(prev);
    return;
  }
  prev.slept = prev.last;
  if (!prev.woken_early) {
    prev.waking_at = prev.wakeup_at = never_seen;
  }
  const bool in_gate = prev.gate != Syscall::other && prev.gate != Syscall::nanosleep;
  if (prev.task_class == TaskClass::agent &&
      steps_.sleeps(prev.step_slot, event.time, prev.last, in_gate, prev.gate == Syscall::epoll_wait)) {
    step_ended();
  }
  if (prev.woken_early) {
    leaves_early_woken(event, cpu, prev);
    steps_.woken_otherwise(prev.step_slot);
  }
}

void Analysis::enters(const Event& event, CpuState& cpu) {
  Task& next = task(cpu.current, cpu.current_comm, event.time);
  if (next.phase == TaskPhase::runnable && next.wakeup_at != never_seen) {
    record(next.group, StageId::wakeup_to_run, next.wakeup_at, event.time, cpu);
    record(next.group, StageId::wake_to_run, next.waking_at, event.time, cpu);
    if (next.waking_at != never_seen && next.waking_at <= cpu.since_break) {
      next.chain.whole = false;
    }
  } else if (next.phase == TaskPhase::runnable) {
    record(next.group, StageId::preempted, next.left_at, event.time, cpu);
  }
  const bool woken = next.wakeup_at != never_seen;
  next.phase = TaskPhase::running;
  next.running_at = event.time;
  next.cpu = event.cpu;
  next.last = history_.add({.time = event.time,
                            .before = next.last,
                            .spent = cpu.spent,
                            .pid = next.pid,
                            .behind = event.sched_switch.prev_pid,
                            .cpu = static_cast<std::int16_t>(event.cpu),
                            .kind = NodeKind::switch_in});
  steps_.running(next.step_slot, event.time);
  if (woken) {
    chain_runs(next, event.time);
  }
  next.waking_at = next.wakeup_at = never_seen;
}

// What the wakeup delivers is on its way to userspace.
void Analysis::chain_runs(Task& next, std::int64_t now) {
  if (next.chain_open) {
    next.chain[models::Stage::running] = now;
    const bool gate_follows = (next.chain.kind == ChainKind::network && next.gate == Syscall::epoll_wait) ||
                              (next.chain.kind == ChainKind::timer && next.gate == Syscall::nanosleep);
    if (!gate_follows) {
      emit(next, next.chain);
      next.chain_open = false;
    }
    return;
  }
  for (Task::Completed& each : next.completed) {
    if (each.node == next.woken_by_request && next.woken_by_request != NodeId::none) {
      each.chain[models::Stage::running] = now;
    }
  }
  next.woken_by_request = NodeId::none;
  if (!cqes_seen_ && next.gate != Syscall::io_uring_enter) {
    emit_completed(next);
  }
}

void Analysis::open_chain(Task& woken, const CpuState& cpu, const WakeCause& cause, std::int64_t now) {
  using models::Stage;
  const bool gate = woken.gate != Syscall::other && woken.gate != Syscall::nanosleep;
  const bool agent = woken.task_class == TaskClass::agent;
  if (woken.chain_open) {
    ++losses_.cut_chains;
  }
  woken.chain_open = false;
  woken.woken_by_request = NodeId::none;
  if (agent && (cause.rule != Rule::hrtimer_wakeup || gate)) {
    steps_.woken_otherwise(woken.step_slot);
  }
  CompletionChain chain;
  chain.rule = cause.rule;
  chain.pid = woken.pid;
  chain[Stage::waking] = now;
  if (cause.rule == Rule::hrtimer_wakeup) {
    const Node* expiry = history_.find(cause.node);
    chain.kind = ChainKind::timer;
    chain[Stage::timer] = expiry->detail;
    record(woken.group, StageId::timer_handler, expiry->detail, now, cpu);
    if (agent && !gate && !woken.woken_early && steps_.timer(woken.step_slot, woken.pid, expiry->time)) {
      step_ended();
    }
  } else if (cause.rule == Rule::request) {
    wake_for_request(woken, cause, now);
    return;
  } else if (cpu.vec == net_rx_vec && cause.rule != Rule::hardirq_only && cause.rule != Rule::irq_handler) {
    chain.kind = ChainKind::network;
    chain[Stage::hardirq_entry] = cpu.vec_raise.hardirq_at;
    chain[Stage::softirq_raise] = cpu.vec_raise.time;
    chain[Stage::softirq_entry] = cpu.vec_at;
    chain[Stage::delivered] = cpu.delivered_at;
    if (agent && woken.gate == Syscall::epoll_wait) {
      const std::int64_t begun = chain[Stage::hardirq_entry] != never_seen ? chain[Stage::hardirq_entry]
                                                                           : chain[Stage::softirq_raise];
      steps_.arrived(woken.step_slot, woken.pid, begun != never_seen ? begun : now);
    }
  } else {
    return;  // no completion: another task's doing, or not known
  }
  woken.chain = chain;
  woken.chain_open = true;
}

void Analysis::note_link(const Event& event, const Task& woken, const WakeCause& cause, NodeId node) {
  waking_ = {.pending = true,
             .link = {event.time, event.cpu, woken.pid, cause.rule, cause.cookie, cause.nested},
             .task_class = woken.task_class,
             .node = node};
  const Node* from = history_.find(cause.node);
  if (from != nullptr && from->kind == NodeKind::softirq_entry && history_.find(from->before) != nullptr) {
    from = history_.find(from->before);  // the raise
  }
  if (from != nullptr) {
    waking_.link.from_time = from->kind == NodeKind::expire ? from->detail : from->time;
    waking_.link.from_cpu = from->cpu;
    waking_.link.from_pid = from->pid;
  }
}

// The attribution tracepoint comes right after the waking that it explains: what it says replaces what the
// rules found.
void Analysis::agent_wakeup(const Event& event) {
  if (!waking_.pending || waking_.link.pid != event.agent_wakeup.pid) {
    return;
  }
  waking_.link.rule = Rule::agent_wakeup;
  waking_.link.cookie = event.agent_wakeup.cookie;
  if (Node* node = history_.find(waking_.node); node != nullptr && !proves(node->rule)) {
    node->rule = Rule::agent_wakeup;
  }
}

void Analysis::settle_link() {
  if (!waking_.pending) {
    return;
  }
  waking_.pending = false;
  RuleCounts& counts = rules_[static_cast<std::size_t>(waking_.task_class)];
  ++counts.by_rule[static_cast<std::size_t>(waking_.link.rule)];
  counts.nested += waking_.link.nested ? 1 : 0;
  if (wakeup_linked) {
    wakeup_linked(waking_.link);
  }
}

}  // namespace calibration
