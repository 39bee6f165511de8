#include "models/bandwidth.h"

#include <algorithm>
#include <utility>

#include "models/eevdf.h"
#include "sim/check.h"

namespace models {
namespace {

constexpr std::size_t reserved_queues = 64;
constexpr std::int64_t min_bandwidth_expiration = 2'000'000;  // a refill that is nearer makes slack pointless
constexpr std::int64_t cfs_bandwidth_slack_period = 5'000'000;

}  // namespace

CfsBandwidth::CfsBandwidth(sim::Nanos quota, sim::Nanos period, sim::Nanos slice, const BandwidthPorts& ports,
                           GroupId id)
    : quota_{quota.count()},
      period_{period.count()},
      slice_{slice.count()},
      ports_{ports},
      id_{id},
      runtime_{quota_} {
  sim::check(quota_ >= 0 && period_ > 0 && slice_ > 0, "a period and a slice are positive");
  throttled_.reserve(reserved_queues);
  ready_.reserve(reserved_queues);
}

std::int64_t CfsBandwidth::assign(std::int64_t wanted) {
  if (!std::exchange(period_active_, true)) {
    period_end_ = (ports_.now() / period_ + 1) * period_;
    ports_.start_timer(id_, BandwidthTimer::period, period_end_);
  }
  const std::int64_t amount = std::clamp<std::int64_t>(runtime_, 0, wanted);
  runtime_ -= amount;
  idle_ &= amount == 0;
  return amount;
}

bool CfsBandwidth::refresh_within(std::int64_t span) const { return period_end_ - ports_.now() < span; }

void CfsBandwidth::give_back(std::int64_t amount) {
  runtime_ += amount;
  if (runtime_ > slice_ && !throttled_.empty() && !slack_started_ &&
      !refresh_within(cfs_bandwidth_slack_period + min_bandwidth_expiration)) {
    slack_started_ = true;
    ports_.start_timer(id_, BandwidthTimer::slack, ports_.now() + cfs_bandwidth_slack_period);
  }
}

void CfsBandwidth::remove_throttled(CfsRq& queue) {
  const auto at = std::find(throttled_.begin(), throttled_.end(), &queue);
  sim::check(at != throttled_.end(), "a queue that goes on was throttled");
  throttled_.erase(at);
}

void CfsBandwidth::expire(BandwidthTimer timer) {
  if (timer == BandwidthTimer::period) {
    expire_period();
  } else {
    expire_slack();
  }
}

void CfsBandwidth::expire_period() {
  ++nr_periods_;
  runtime_ = std::min(runtime_ + quota_, quota_);
  if (idle_ && throttled_.empty()) {
    period_active_ = false;
    return;
  }
  period_end_ += period_;
  ports_.start_timer(id_, BandwidthTimer::period, period_end_);
  idle_ = throttled_.empty();
  if (!throttled_.empty()) {
    ++nr_throttled_;
    distribute();
  }
}

void CfsBandwidth::expire_slack() {
  slack_started_ = false;
  if (!refresh_within(min_bandwidth_expiration) && runtime_ > slice_) {
    distribute();
  }
}

// Whoever waits gets out of its debt by one ns, oldest first; what it runs on it draws itself.
void CfsBandwidth::distribute() {
  ready_.clear();
  for (CfsRq* queue : throttled_) {
    if (runtime_ == 0) {
      break;
    }
    if (queue->unthrottle_pending()) {
      continue;
    }
    const std::int64_t amount = std::min(1 - queue->runtime_remaining(), runtime_);
    runtime_ -= amount;
    if (queue->receive_runtime(amount)) {
      ready_.push_back(queue);
    }
  }
  for (const CfsRq* queue : ready_) {
    ports_.unthrottle(queue->cpu());
  }
}

}  // namespace models
