#include "calibration/analysis/stage_table.h"

namespace calibration {

const StageInfo& info(StageId stage) {
  static constexpr std::array<StageInfo, stage_ids> all{{
      {"irq_handler", "IRQ entry / handler", "irq_handler_entry", "irq_handler_exit"},
      {"timer_handler", "IRQ entry / handler", "hrtimer_expire_entry", "sched_waking"},
      {"softirq_wait", "NAPI / softirq", "softirq_raise", "softirq_entry"},
      {"softirq_run", "NAPI / softirq", "softirq_entry", "softirq_exit"},
      {"napi_work", "NAPI / softirq", "napi_poll", ""},
      {"block_device", "blk-mq completion", "block_rq_issue", "irq_handler_entry"},
      {"block_completion", "blk-mq completion", "irq_handler_entry", "block_rq_complete"},
      {"block_total", "blk-mq completion", "block_rq_issue", "block_rq_complete"},
      {"completion_to_cqe", "blk-mq completion", "block_rq_complete", "io_uring_complete"},
      {"waking_to_wakeup", "wakeup-to-run", "sched_waking", "sched_wakeup"},
      {"wakeup_to_run", "wakeup-to-run", "sched_wakeup", "sched_switch"},
      {"wake_to_run", "wakeup-to-run", "sched_waking", "sched_switch"},
      {"preempted", "wakeup-to-run", "sched_switch (R)", "sched_switch"},
      {"idle_exit", "wakeup-to-run", "sched_wakeup", "cpu_idle exit"},
      {"epoll_blocked", "epoll / io_uring return", "sys_enter_epoll_wait", "sys_exit_epoll_wait"},
      {"io_uring_blocked", "epoll / io_uring return", "sys_enter_io_uring_enter", "sys_exit_io_uring_enter"},
      {"epoll_return", "epoll / io_uring return", "sched_switch", "sys_exit_epoll_wait"},
      {"io_uring_return", "epoll / io_uring return", "sched_switch", "sys_exit_io_uring_enter"},
      {"chain_timer", "", "hrtimer_expire_entry", "sched_switch"},
      {"chain_network", "", "hardirq or softirq_raise", "sys_exit_epoll_wait"},
      {"chain_block", "", "block_rq_issue", "sys_exit_io_uring_enter"},
      {"step", "", "the timer's expiry", "the next sleep outside a gate"},
      {"step_timer_late", "", "the timer's expiry", "sched_switch"},
      {"step_tool", "", "start", "sys_enter_io_uring_enter"},
      {"step_read", "", "sys_enter_io_uring_enter", "sys_exit_io_uring_enter"},
      {"step_parse", "", "sys_exit_io_uring_enter", "the next sleep"},
  }};
  return all[static_cast<std::size_t>(stage)];
}

StageTable::Group StageTable::group(std::string_view name) {
  if (const auto known = index_.find(name); known != index_.end()) {
    return known->second;
  }
  if (groups_.size() + 1 == max_groups) {
    name = "(too many groups)";
  }
  if (groups_.size() == max_groups) {
    return max_groups - 1;
  }
  const auto group = static_cast<Group>(groups_.size());
  groups_.push_back({std::string{name}, {}});
  index_.emplace(name, group);
  return group;
}

const sim::Histogram* StageTable::find(std::string_view group, StageId stage) const {
  const auto known = index_.find(group);
  return known == index_.end() ? nullptr : find(known->second, stage);
}

sim::Histogram StageTable::all(StageId stage) const {
  sim::Histogram sum;
  for (Group group = 0; group < groups_.size(); ++group) {
    if (const sim::Histogram* one = find(group, stage)) {
      sum.merge(*one);
    }
  }
  return sum;
}

}  // namespace calibration
