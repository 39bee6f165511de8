#include "models/softnet.h"

#include <algorithm>
#include <utility>

namespace models {

Softnet::Softnet(sim::Engine& engine, Cpu& cpu, const KernelConfig& kernel, CostSampler& costs,
                 const Tracepoints& tracepoints, CompletionPool& completions, Meter& meter)
    : engine_{engine},
      cpu_{cpu},
      kernel_{kernel},
      meter_{meter},
      jiffy_{1'000'000'000 / kernel.hz},
      budget_jiffies_{kernel.netdev_budget_usecs.count() == 0
                          ? 2
                          : (kernel.netdev_budget_usecs.count() + jiffy_.count() - 1) / jiffy_.count()},
      poll_{kernel, costs, tracepoints, completions, meter},
      input_queue_{kernel.netdev_max_backlog} {
  poll_.polled.connect<&Softnet::polled>(*this);
  backlog_.poll.connect<&Softnet::poll_backlog>(*this);
  poll_list_.reserve(64);
  list_.reserve(64);
  repoll_.reserve(64);
}

void Softnet::napi_schedule(Napi& napi) {
  if (napi.scheduled) {
    napi.missed = true;
    return;
  }
  napi.scheduled = true;
  if (napi.wake_up.connected()) {
    napi.wake_up(cpu_.id());
    return;
  }
  poll_list_.push_back(&napi);
  if (!in_net_rx_action_) {
    softirq.raise();
  }
}

bool Softnet::enqueue_to_backlog(const Packet& packet) {
  if (input_queue_.full()) {
    meter_.count(Counter::rx_drops);
    return false;
  }
  input_queue_.push(packet);
  if (!backlog_.scheduled) {
    napi_schedule(backlog_);
  }
  return true;
}

bool Softnet::poll_backlog(Packet& packet) {
  if (input_queue_.empty()) {
    return false;
  }
  packet = input_queue_.pop();
  return true;
}

// One at a time: beyond skb_defer_max an skb is freed where it is.
bool Softnet::skb_attempt_defer_free(int skbs) {
  const bool kick = defer_count_ <= skb_defer_max / 2 && defer_count_ + skbs > skb_defer_max / 2;
  defer_count_ = std::min(defer_count_ + skbs, skb_defer_max);
  return kick && !std::exchange(defer_ipi_scheduled_, true);
}

void Softnet::trigger_rx_softirq() {
  softirq.raise();
  defer_ipi_scheduled_ = false;
}

void Softnet::net_rx_action() {
  budget_ = kernel_.netdev_budget;
  time_limit_ = jiffies() + budget_jiffies_;
  start_action();
}

void Softnet::start_action() {
  in_net_rx_action_ = true;
  list_.clear();
  repoll_.clear();
  std::swap(list_, poll_list_);
  list_next_ = 0;
  poll_next();
}

void Softnet::poll_next() {
  skb_defer_free_flush();
  if (list_next_ == list_.size()) {
    if (!repoll_.empty()) {
      end_action();
      return;
    }
    in_net_rx_action_ = false;
    if (!poll_list_.empty()) {
      start_action();
      return;
    }
    softirq.done();
    return;
  }
  Napi& napi = *list_[list_next_++];
  poll_.start(cpu_, Context::softirq, napi, &napi == &backlog_, poll_bounds(napi, kernel_.dev_weight),
              softirq.running());
}

void Softnet::polled() {
  budget_ -= poll_.work();
  if (poll_.repoll()) {
    repoll_.push_back(&poll_.napi());
  } else {
    napi_complete_done(poll_.napi());
  }
  if (budget_ <= 0 || jiffies() >= time_limit_) {
    meter_.count(Counter::time_squeeze);
    end_action();
    return;
  }
  poll_next();
}

void Softnet::napi_complete_done(Napi& napi) {
  napi.scheduled = false;
  if (std::exchange(napi.missed, false)) {
    napi_schedule(napi);
    return;
  }
  if (napi.irq_enable.connected()) {
    napi.irq_enable();
  }
}

// Put back in the kernel's order: what was not polled, what was scheduled meanwhile, what is polled again.
void Softnet::end_action() {
  std::vector<Napi*>& next = poll_list_;
  next.insert(next.begin(), list_.begin() + static_cast<std::ptrdiff_t>(list_next_), list_.end());
  next.insert(next.end(), repoll_.begin(), repoll_.end());
  if (!next.empty()) {
    softirq.raise();  // in_net_rx_action stays set until the list is empty
  } else {
    in_net_rx_action_ = false;
  }
  softirq.done();
}

}  // namespace models
