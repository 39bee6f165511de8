#include "models/napi.h"

#include <algorithm>
#include <utility>

namespace models {

namespace {

// GRO: in-order segments of one flow become one skb; the end of a message (PSH) flushes it.
bool merges(const Packet& first, const Packet& second) {
  return first.flow == second.flow && !first.ends_message && first.completion == second.completion;
}

}  // namespace

Softnet::Softnet(sim::Engine& engine, Cpu& cpu, const KernelConfig& kernel, CostSampler& costs,
                 const Tracepoints& tracepoints, CompletionPool& completions, Meter& meter)
    : engine_{engine},
      cpu_{cpu},
      kernel_{kernel},
      costs_{costs},
      tracepoints_{tracepoints},
      completions_{completions},
      meter_{meter},
      jiffy_{1'000'000'000 / kernel.hz},
      budget_jiffies_{kernel.netdev_budget_usecs.count() == 0
                          ? 2
                          : (kernel.netdev_budget_usecs.count() + jiffy_.count() - 1) / jiffy_.count()},
      input_queue_{kernel.netdev_max_backlog} {
  backlog_.poll.connect<&Softnet::poll_backlog>(*this);
  poll_list_.reserve(64);
  list_.reserve(64);
  repoll_.reserve(64);
  batch_.reserve(static_cast<std::size_t>(kernel.gro_normal_batch));
}

void Softnet::napi_schedule(Napi& napi) {
  if (napi.scheduled) {
    napi.missed = true;
    return;
  }
  napi.scheduled = true;
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
  defer_count_ = 0;  // skb_defer_free_flush
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
  polling_ = list_[list_next_++];
  bounds_ = poll_bounds(*polling_, kernel_.dev_weight);
  work_ = 0;
  fixed_charged_ = false;
  out_of_time_ = false;
  poll_start_ = engine_.now();
  fetch();
}

// Takes the next frames of the ring: at most a GRO batch, at most the weight.
void Softnet::fetch() {
  batch_.clear();
  batch_next_ = 0;
  const bool is_backlog = polling_ == &backlog_;
  const int most = is_backlog ? 1 : kernel_.gro_normal_batch;
  sim::Nanos cost{0};
  bool for_agent = false;
  out_of_time_ = bounds_.time.count() != 0 && engine_.now() - poll_start_ >= bounds_.time;
  Packet packet;
  while (!out_of_time_ && static_cast<int>(batch_.size()) < most &&
         work_ + static_cast<int>(batch_.size()) < bounds_.packets && polling_->poll(packet)) {
    batch_.push_back(packet);
    const bool agents = packet.completion != CompletionId::none;
    for_agent |= agents;
    cost += costs_.draw(is_backlog ? Cost::backlog_packet : Cost::napi_packet, agents);
    // Its message is complete: nothing more would merge into it.
    if (agents && bounds_.agents_at_once && packet.ends_message &&
        packet.latency_class == LatencyClass::agent_interactive) {
      break;
    }
  }
  work_ += static_cast<int>(batch_.size());
  if (!std::exchange(fixed_charged_, true)) {
    cost += costs_.draw(Cost::napi_poll_fixed, for_agent);
  } else if (batch_.empty()) {
    poll_end();
    return;
  }
  if (batch_.empty()) {
    cpu_.run<&Softnet::poll_end>(Context::softirq, cost, *this);
  } else if (is_backlog) {
    cpu_.run<&Softnet::delivered>(Context::softirq, cost, *this);
  } else {
    cpu_.run<&Softnet::deliver_next>(Context::softirq, cost, *this);
  }
}

// A message may come in several skbs: its stamps are of the one that wakes the reader, or of the last.
void Softnet::stamp_delivery(Completion& completion) {
  if (completion.has(Stage::waking) && completion.when(Stage::waking) != engine_.now()) {
    return;
  }
  const SoftirqRun run = softirq.running();
  completion.stamp(Stage::hardirq_entry, run.handler);
  completion.stamp(Stage::softirq_raise, run.raised);
  completion.stamp(Stage::softirq_entry, run.entered);
  completion.stamp(Stage::delivered, engine_.now());
}

// The batch goes up the stack, frame by frame; what GRO merged counts once.
void Softnet::deliver_next() {
  if (batch_next_ == batch_.size()) {
    fetch();
    return;
  }
  while (batch_next_ + 1 < batch_.size() && merges(batch_[batch_next_], batch_[batch_next_ + 1])) {
    batch_[batch_next_ + 1].bytes += batch_[batch_next_].bytes;
    ++batch_next_;
  }
  const Packet& packet = batch_[batch_next_];
  const bool for_agent = packet.completion != CompletionId::none;
  cpu_.run<&Softnet::delivered>(Context::softirq, costs_.draw(Cost::tcp_deliver, for_agent), *this);
}

void Softnet::delivered() {
  const Packet packet = batch_[batch_next_++];
  tracepoints_.fire(Tracepoint::netif_receive_skb, cpu_.id(), static_cast<std::int64_t>(packet.flow),
                    packet.bytes);
  if (packet.completion != CompletionId::none) {
    meter_.record(Metric::stage_softirq, engine_.now() - softirq.running().raised);
  }
  deliver(packet, cpu_.id());
  if (packet.completion != CompletionId::none) {
    stamp_delivery(completions_[packet.completion]);
  }
  deliver_next();
}

void Softnet::poll_end() {
  tracepoints_.fire(Tracepoint::napi_poll, cpu_.id(), polling_->id, work_, kernel_.dev_weight);
  budget_ -= work_;
  if (work_ >= bounds_.packets || out_of_time_) {
    repoll_.push_back(polling_);
  } else {
    napi_complete_done(*polling_);
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
