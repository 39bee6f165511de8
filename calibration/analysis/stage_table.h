// Durations of the chain's stages, by stage and group (a task, a class of tasks, an interrupt, a softirq).
//
// Units: ns; napi_work: packets. A duration below zero can only come from events whose order was lost; it is
// counted and not recorded. Memory: one histogram per stage and group that occurs; groups beyond max_groups
// share the last one.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "sim/histogram.h"

namespace calibration {

enum class StageId : std::uint8_t {
  irq_handler,        // irq_handler_entry to its exit
  timer_handler,      // hrtimer_expire_entry to sched_waking
  softirq_wait,       // first softirq_raise to softirq_entry
  softirq_run,        // softirq_entry to softirq_exit, nested hardirqs included
  napi_work,          // packets a napi_poll
  block_device,       // block_rq_issue to the interrupt whose handling completed it
  block_completion,   // that interrupt to block_rq_complete
  block_total,        // block_rq_issue to block_rq_complete
  completion_to_cqe,  // block_rq_complete to io_uring_complete
  waking_to_wakeup,   // sched_waking to sched_wakeup: placement, wake list, IPI
  wakeup_to_run,      // sched_wakeup to sched_switch
  wake_to_run,        // sched_waking to sched_switch
  preempted,          // switched out runnable to switched in again
  idle_exit,          // sched_wakeup on an idle CPU to its cpu_idle exit
  epoll_blocked,      // sys_enter to sys_exit
  io_uring_blocked,
  epoll_return,  // sched_switch to sys_exit, where it slept
  io_uring_return,
  chain_timer,    // hrtimer_expire_entry to running
  chain_network,  // first tracepoint of the completion (hardirq or raise) to userspace
  chain_block,
  step,  // see steps.h
  step_timer_late,
  step_tool,
  step_read,
  step_parse,
  count,
};
inline constexpr std::size_t stage_ids = static_cast<std::size_t>(StageId::count);

struct StageInfo {
  std::string_view name;
  std::string_view row;  // the proposal's stage it belongs to; "" for none
  std::string_view from, to;
};
const StageInfo& info(StageId stage);

class StageTable {
 public:
  static constexpr std::size_t max_groups = 4096;
  using Group = std::uint32_t;

  Group group(std::string_view name);  // the same name, the same group
  std::string_view group_name(Group group) const { return groups_[group].name; }
  std::size_t groups() const { return groups_.size(); }

  void record(Group group, StageId stage, std::int64_t value) {
    if (value < 0) [[unlikely]] {
      ++negative_;
      return;
    }
    Group_& each = groups_[group];
    auto& histogram = each.stages[static_cast<std::size_t>(stage)];
    if (histogram == nullptr) [[unlikely]] {
      histogram = std::make_unique<sim::Histogram>();
    }
    histogram->record(value);
  }

  const sim::Histogram* find(Group group, StageId stage) const {
    return groups_[group].stages[static_cast<std::size_t>(stage)].get();
  }
  const sim::Histogram* find(std::string_view group, StageId stage) const;
  sim::Histogram all(StageId stage) const;  // of all groups together
  std::uint64_t negative() const { return negative_; }

 private:
  struct Group_ {
    std::string name;
    std::array<std::unique_ptr<sim::Histogram>, stage_ids> stages;
  };
  std::vector<Group_> groups_;
  std::map<std::string, Group, std::less<>> index_;
  std::uint64_t negative_ = 0;
};

}  // namespace calibration
