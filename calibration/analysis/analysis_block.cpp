// Block requests and their CQEs: analysis.h.
#include "calibration/analysis/analysis.h"

namespace calibration {
namespace {

// Bounded against captures whose completions are missing.
constexpr std::size_t max_in_flight = std::size_t{1} << 16;
constexpr std::size_t max_completed = 1024;  // of one task, waiting for their CQE

}  // namespace

void Analysis::block_issue(const Event& event, CpuState& cpu) {
  if (requests_.size() >= max_in_flight) {
    losses_.unmatched_requests += requests_.size();
    requests_.clear();
  }
  Task* issuer = cpu.vec < 0 && cpu.irq_depth == 0 ? state_.find(cpu.current) : nullptr;
  const NodeId node = history_.add({.time = event.time,
                                    .before = issuer != nullptr ? issuer->last : cpu.vec_node,
                                    .spent = cpu.spent,
                                    .request = ++request_numbers_,
                                    .pid = cpu.current,
                                    .cpu = static_cast<std::int16_t>(event.cpu),
                                    .kind = NodeKind::issue});
  Request request{.issued = event.time, .node = node, .number = request_numbers_};
  if (issuer != nullptr) {
    stays(*issuer);
    issuer->last = node;
    request.pid = issuer->pid;
    request.for_ring = issuer->gate == Syscall::io_uring_enter ||
                       (!gates_seen_ && cqes_seen_ && issuer->task_class == TaskClass::agent);
    if (!gates_seen_ && issuer->task_class == TaskClass::agent) {
      steps_.read_begins(issuer->step_slot, event.time);
    }
  }
  requests_[request_key(event.block.dev, event.block.sector)] = request;
}

void Analysis::block_complete(const Event& event, CpuState& cpu) {
  using models::Stage;
  cpu.expired = NodeId::none;
  const std::uint64_t key = request_key(event.block.dev, event.block.sector);
  const auto found = requests_.find(key);
  const bool known = found != requests_.end();
  const Request request = known ? found->second : Request{};
  losses_.unmatched_requests += known ? 0 : 1;
  if (known) {
    requests_.erase(found);
  }
  const bool in_softirq = cpu.vec >= 0 && cpu.irq_depth == 0;
  CompletionChain chain;
  chain.kind = ChainKind::block;
  chain.rule = Rule::request;
  chain.pid = request.pid;
  chain.issued = known ? request.issued : never_seen;
  chain.sector = event.block.sector;
  chain.dev = event.block.dev;
  chain[Stage::completed] = event.time;
  if (in_softirq) {
    chain[Stage::softirq_raise] = cpu.vec_raise.time;
    chain[Stage::softirq_entry] = cpu.vec_at;
    chain[Stage::hardirq_entry] = cpu.vec_raise.hardirq_at;
  } else if (cpu.irq_depth > 0) {
    chain[Stage::hardirq_entry] = cpu.irq_at;
  }
  cpu.completed = history_.add({.time = event.time,
                                .before = in_softirq          ? cpu.vec_node
                                          : cpu.irq_depth > 0 ? cpu.irq_node
                                                              : NodeId::none,
                                .cause = request.node,
                                .spent = cpu.spent,
                                .batch_from = cpu.batch_from,
                                .request = request.number,
                                .pid = request.pid,
                                .cpu = static_cast<std::int16_t>(event.cpu),
                                .kind = NodeKind::completed});
  cpu.completed_key = key;
  cpu.completed_chain = chain;
  cpu.batch_from = event.time;
  if (!known) {
    return;
  }
  record_request(chain, cpu);
  Task* issuer = state_.find(request.pid);
  if (issuer == nullptr) {
    return;
  }
  steps_.request(issuer->step_slot, {request.issued, event.time, event.block.sector});
  if (request.for_ring && issuer->completed.size() < max_completed) {
    issuer->completed.push_back({cpu.completed, chain});
  }
}

void Analysis::record_request(const CompletionChain& chain, const CpuState& cpu) {
  using models::Stage;
  const std::int64_t completed = chain[Stage::completed];
  const std::int64_t irq = chain[Stage::hardirq_entry];
  record(devices_, StageId::block_total, chain.issued, completed, cpu);
  if (irq != never_seen && irq >= chain.issued) {
    record(devices_, StageId::block_device, chain.issued, irq, cpu);
  }
  record(devices_, StageId::block_completion, irq, completed, cpu);
}

// A request's completion wakes a task: the one whose CQE it is, or one that waits for the request itself.
void Analysis::wake_for_request(Task& woken, const WakeCause& cause, std::int64_t now) {
  using models::Stage;
  for (Task::Completed& each : woken.completed) {
    if (each.node == cause.node) {
      each.chain[Stage::waking] = now;
      woken.woken_by_request = cause.node;
      return;
    }
  }
  const CpuState* where = state_.known_cpu(history_.find(cause.node)->cpu);
  CompletionChain chain = where->completed_chain;
  chain.pid = woken.pid;
  chain[Stage::waking] = now;
  if (woken.gate == Syscall::io_uring_enter && woken.completed.size() < max_completed) {
    woken.completed.push_back({cause.node, chain});  // another task issued it for this one
    woken.woken_by_request = cause.node;
    return;
  }
  woken.chain = chain;
  woken.chain_open = true;
}

// Task work runs in the order in which the completions queued it.
void Analysis::cqe(const Event& event, CpuState& cpu) {
  using models::Stage;
  cqes_seen_ = true;
  Task* owner = state_.find(cpu.current);
  if (owner == nullptr) {
    return;
  }
  stays(*owner);
  if (owner->completed.empty()) {
    ++losses_.unmatched_cqes;
    return;
  }
  CompletionChain chain = owner->completed.front().chain;
  const NodeId completed = owner->completed.front().node;
  owner->completed.erase(owner->completed.begin());
  chain[Stage::cqe] = event.time;
  record(owner->group, StageId::completion_to_cqe, chain[Stage::completed], event.time, cpu);
  owner->last = history_.add({.time = event.time,
                              .before = owner->last,
                              .cause = completed,
                              .spent = cpu.spent,
                              .pid = owner->pid,
                              .cpu = static_cast<std::int16_t>(event.cpu),
                              .kind = NodeKind::cqe});
  if (owner->gate == Syscall::io_uring_enter && owner->posted.size() < max_completed) {
    owner->posted.push_back(chain);
  } else {
    emit(*owner, chain);
  }
}

}  // namespace calibration
