#include "calibration/traces/event.h"

#include <algorithm>

namespace calibration {
namespace {

constexpr std::string_view overflow_text = "(too many names)";
constexpr std::size_t longest_name = 255;
constexpr Name overflow{1};

}  // namespace

Names::Names() : texts_{"", overflow_text} {}

Name Names::intern(std::string_view text) {
  text = text.substr(0, std::min(text.size(), longest_name));
  if (text.empty()) {
    return Name::none;
  }
  if (const auto known = index_.find(text); known != index_.end()) {
    return known->second;
  }
  if (texts_.size() >= max_names) {
    ++overflowed_;
    return overflow;
  }
  const Name name{static_cast<std::uint32_t>(texts_.size())};
  texts_.push_back(index_.emplace(std::string{text}, name).first->first);
  return name;
}

std::string_view Names::text(Name name) const { return texts_[static_cast<std::size_t>(name)]; }

Name Names::find(std::string_view text) const {
  const auto known = index_.find(text);
  return known == index_.end() ? Name::none : known->second;
}

std::string_view to_string(EventKind kind) {
  constexpr std::array<std::string_view, event_kinds> names{"irq_handler_entry",
                                                            "irq_handler_exit",
                                                            "softirq_raise",
                                                            "softirq_entry",
                                                            "softirq_exit",
                                                            "napi_poll",
                                                            "netif_receive_skb",
                                                            "net_dev_xmit",
                                                            "sched_waking",
                                                            "sched_wakeup",
                                                            "sched_wakeup_new",
                                                            "sched_migrate_task",
                                                            "sched_switch",
                                                            "block_rq_insert",
                                                            "block_rq_issue",
                                                            "block_rq_complete",
                                                            "io_uring_complete",
                                                            "sys_enter",
                                                            "sys_exit",
                                                            "hrtimer_expire_entry",
                                                            "cpu_idle",
                                                            "ipi_send_cpu",
                                                            "agent_wakeup",
                                                            "lost",
                                                            "other"};
  return names[static_cast<std::size_t>(kind)];
}

}  // namespace calibration
