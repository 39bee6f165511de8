// The completions on their way, in slots that are reused. Grows at need, so only set-up allocates.
#pragma once

#include <vector>

#include "models/completion.h"
#include "sim/check.h"

namespace models {

class CompletionPool {
 public:
  CompletionPool() { slots_.reserve(1024); }

  CompletionId acquire(const AgentLatencyCtx& ctx, TaskId waiter, const WakeCause& cause = {}) {
    if (free_.empty()) {
      slots_.emplace_back();
      free_.push_back(static_cast<CompletionId>(slots_.size() - 1));
    }
    const CompletionId id = free_.back();
    free_.pop_back();
    Completion& completion = slots_[index(id)];
    completion.reset();
    completion.ctx = ctx;
    completion.waiter = waiter;
    completion.cause = cause;
    return id;
  }

  void release(CompletionId id) { free_.push_back(id); }

  Completion& operator[](CompletionId id) {
    sim::check(id != CompletionId::none, "a completion exists");
    return slots_[index(id)];
  }

  // Background work carries no completion: stamping it is nothing.
  void stamp(CompletionId id, Stage stage, sim::SimTime now) {
    if (id != CompletionId::none) {
      slots_[index(id)].stamp(stage, now);
    }
  }

  std::size_t in_flight() const { return slots_.size() - free_.size(); }

 private:
  std::vector<Completion> slots_;
  std::vector<CompletionId> free_;
};

}  // namespace models
