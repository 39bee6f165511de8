// Wait gates, the chains that end in them, and what becomes of a step when it ends: analysis.h.
#include <algorithm>

#include "calibration/analysis/analysis.h"

namespace calibration {
namespace {

bool is_gate(Syscall call) { return call == Syscall::epoll_wait || call == Syscall::io_uring_enter; }

}  // namespace

void Analysis::gate_enter(const Event& event, CpuState& cpu) {
  const Syscall call = event.sys_enter.call;
  if (call == Syscall::other || event.pid <= 0) {
    return;
  }
  Task& caller = task(event.pid, event.comm, event.time);
  stays(caller);
  caller.gate = call;
  caller.gate_at = event.time;
  if (!is_gate(call)) {
    return;
  }
  gates_seen_ = true;
  caller.last = history_.add({.time = event.time,
                              .before = caller.last,
                              .detail = static_cast<std::int64_t>(call),
                              .spent = cpu.spent,
                              .pid = caller.pid,
                              .cpu = static_cast<std::int16_t>(event.cpu),
                              .kind = NodeKind::gate_enter});
  if (call == Syscall::io_uring_enter) {
    steps_.read_begins(caller.step_slot, event.time);
    // Task work ran at the latest on the last return to userspace: a CQE that was due then was not seen.
    losses_.unmatched_cqes += caller.completed.size();
    caller.completed.clear();
  }
}

void Analysis::gate_exit(const Event& event, CpuState& cpu) {
  const Syscall call = event.sys_exit.call;
  if (call == Syscall::other || event.pid <= 0) {
    return;
  }
  Task& caller = task(event.pid, event.comm, event.time);
  stays(caller);
  const bool entered = caller.gate == call;
  caller.gate = Syscall::other;
  const bool epoll = call == Syscall::epoll_wait;
  const ChainKind expected = epoll ? ChainKind::network : ChainKind::timer;
  if (caller.chain_open && call != Syscall::io_uring_enter && caller.chain.kind == expected &&
      caller.chain[models::Stage::running] != never_seen) {
    caller.chain[models::Stage::user] = event.time;
    emit(caller, caller.chain);
    caller.chain_open = false;
  }
  if (!is_gate(call)) {
    return;
  }
  gates_seen_ = true;
  if (entered) {
    record(caller.group, epoll ? StageId::epoll_blocked : StageId::io_uring_blocked, caller.gate_at,
           event.time, cpu);
    if (caller.running_at > caller.gate_at) {  // it slept in there
      record(caller.group, epoll ? StageId::epoll_return : StageId::io_uring_return, caller.running_at,
             event.time, cpu);
    }
  }
  caller.last = history_.add({.time = event.time,
                              .before = caller.last,
                              .detail = static_cast<std::int64_t>(call),
                              .spent = cpu.spent,
                              .pid = caller.pid,
                              .cpu = static_cast<std::int16_t>(event.cpu),
                              .kind = NodeKind::gate_exit});
  if (!epoll) {
    steps_.read_ends(caller.step_slot, event.time);
    for (CompletionChain& chain : caller.posted) {
      chain[models::Stage::user] = event.time;
      emit(caller, chain);
    }
    caller.posted.clear();
    if (!cqes_seen_) {  // the capture does not record io_uring_complete
      for (Task::Completed& each : caller.completed) {
        each.chain[models::Stage::user] = event.time;
      }
      emit_completed(caller);
    }
  }
}

void Analysis::emit(Task& owner, CompletionChain& chain) {
  using models::Stage;
  const std::int64_t end = std::max(chain[Stage::user], std::max(chain[Stage::running], chain[Stage::cqe]));
  std::int64_t begin = chain[Stage::timer];
  StageId stage = StageId::chain_timer;
  if (chain.kind == ChainKind::network) {
    stage = StageId::chain_network;
    begin =
        chain[Stage::hardirq_entry] != never_seen ? chain[Stage::hardirq_entry] : chain[Stage::softirq_raise];
  } else if (chain.kind == ChainKind::block) {
    stage = StageId::chain_block;
    begin = chain.issued;
  }
  if (begin == never_seen || end == never_seen) {
    ++losses_.cut_chains;
    return;
  }
  if (chain.whole) {
    stages_.record(owner.group, stage, end - begin);
  }
  if (chain_done) {
    chain_done(chain);
  }
}

void Analysis::emit_completed(Task& owner) {
  for (Task::Completed& each : owner.completed) {
    emit(owner, each.chain);
  }
  owner.completed.clear();
}

void Analysis::step_ended() {
  const AgentStep& step = steps_.done();
  Task* agent = state_.find(step.pid);
  if (agent == nullptr || !step.whole) {
    ++losses_.cut_steps;
    return;
  }
  critical_path(history_, step.end_node, step.pid, step.intended, path_);
  losses_.cut_paths += path_.cut_off ? 1 : 0;
  const StageTable::Group group = agent->group;
  stages_.record(group, StageId::step, step.duration());
  stages_.record(group, StageId::step_timer_late, step.timer_late());
  stages_.record(group, StageId::step_tool, step.tool());
  if (step.read_begin != 0) {
    stages_.record(group, StageId::step_read, step.read());
    stages_.record(group, StageId::step_parse, step.parse());
  }
  blame_.add(step.duration(), path_, [this](std::int32_t pid) {
    const Task* known = state_.find(pid);
    return known == nullptr ? Name::none : known->comm;
  });
  fan_in(step);
  keep_slow(step);
  if (step_done) {
    step_done(step, path_);
  }
}

// Which of the reads the step really waited for, and for how long alone.
void Analysis::fan_in(const AgentStep& step) {
  if (step.reads.size() < 2) {
    return;
  }
  std::size_t last = 0;
  std::int64_t before = INT64_MIN;
  for (std::size_t i = 1; i < step.reads.size(); ++i) {
    if (step.reads[i].completed >= step.reads[last].completed) {
      before = std::max(before, step.reads[last].completed);
      last = i;
    } else {
      before = std::max(before, step.reads[i].completed);
    }
  }
  blame_.add_fan_in(step.duration(), last, step.reads[last].completed - before);
}

void Analysis::keep_slow(const AgentStep& step) {
  if (options_.slowest == 0 ||
      (slowest_.size() == options_.slowest && step.duration() <= slowest_.back().step.duration())) {
    return;
  }
  if (slowest_.size() == options_.slowest) {
    slowest_.pop_back();
  }
  const auto place = std::find_if(slowest_.begin(), slowest_.end(), [&](const SlowStep& each) {
    return each.step.duration() < step.duration();
  });
  slowest_.insert(place, {step, path_});
}

}  // namespace calibration
