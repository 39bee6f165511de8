#include "calibration/analysis/attribution_quality.h"

namespace calibration {

using models::WakeSource;

std::string_view to_string(WakeSource source) {
  constexpr std::array<std::string_view, wake_sources> names{"none", "timer", "block", "net", "task"};
  return names[static_cast<std::size_t>(source)];
}

void AttributionQuality::linked(const WakeLink& link) {
  links_.push_back(link);
  pair();
}

void AttributionQuality::truth(const WakeTruth& truth) {
  truths_.push_back(truth);
  pair();
}

void AttributionQuality::pair() {
  while (!links_.empty() && !truths_.empty()) {
    const WakeLink& link = links_.front();
    const WakeTruth& truth = truths_.front();
    if (link.time != truth.time || link.pid != truth.pid) {
      // One of the two is of a wakeup that the other side never saw: the earlier one.
      ++unpaired_;
      if (link.time <= truth.time) {
        links_.pop_front();
      } else {
        truths_.pop_front();
      }
      continue;
    }
    const bool is_right = right(link, truth);
    RuleScore& rule = rules_[static_cast<std::size_t>(link.rule)];
    ++rule.links;
    rule.right += is_right ? 1 : 0;
    SourceScore& source = sources_[static_cast<std::size_t>(truth.source)];
    ++source.wakeups;
    source.found += is_right && proves(link.rule) ? 1 : 0;
    links_.pop_front();
    truths_.pop_front();
  }
}

bool AttributionQuality::right(const WakeLink& link, const WakeTruth& truth) {
  switch (link.rule) {
    case Rule::hrtimer_wakeup:
      return truth.source == WakeSource::timer && link.cookie == truth.cookie;
    case Rule::request:
      return truth.source == WakeSource::block && link.cookie == request_key(truth.dev, truth.cookie);
    case Rule::peer_send:
      return truth.source == WakeSource::net && link.cookie == truth.cookie;
    case Rule::own_send_acked:
      return truth.source == WakeSource::net && truth.cookie != static_cast<std::uint64_t>(truth.pid);
    case Rule::device_packet:  // what a trace of this machine shows of another one's send
      return truth.source == WakeSource::net;
    case Rule::task:
      return truth.source == WakeSource::task && link.cookie == truth.cookie;
    case Rule::irq_handler:
    case Rule::timer_wheel:
    case Rule::softirq_work:  // an interrupt's own business, on top of whatever task
      return truth.source == WakeSource::task;
    case Rule::agent_wakeup:
      return link.cookie == truth.cookie;
    default:
      return false;
  }
}

}  // namespace calibration
