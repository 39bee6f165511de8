#include "models/napi.h"

#include <algorithm>
#include <utility>

namespace models {

namespace {

constexpr std::int32_t gro_max_size = 65'536;  // GRO_LEGACY_MAX_SIZE, include/linux/netdevice.h
constexpr std::size_t gro_most_held = 64;      // GRO_HASH_BUCKETS * MAX_GRO_SKBS

}  // namespace

NapiPoll::NapiPoll(const KernelConfig& kernel, CostSampler& costs, const Tracepoints& tracepoints,
                   CompletionPool& completions, Meter& meter)
    : kernel_{kernel}, costs_{costs}, tracepoints_{tracepoints}, completions_{completions}, meter_{meter} {
  gro_list_.reserve(gro_most_held);
  rx_list_.reserve(gro_most_held + 2 + static_cast<std::size_t>(kernel.gro_normal_batch));
}

void NapiPoll::start(Cpu& cpu, Context context, Napi& napi, bool is_backlog, const PollBounds& bounds,
                     const SoftirqRun& run) {
  cpu_ = &cpu;
  context_ = context;
  napi_ = &napi;
  is_backlog_ = is_backlog;
  bounds_ = bounds;
  run_ = run;
  started_ = cpu.now();
  work_ = 0;
  fixed_charged_ = out_of_time_ = ends_ = passes_on_ = false;
  fetch();
}

// Takes the next frames of the ring: a piece of at most gro_normal_batch, at most the weight in all.
void NapiPoll::fetch() {
  const int most = is_backlog_ ? 1 : kernel_.gro_normal_batch;
  int taken = 0;
  sim::Nanos cost{0};
  bool for_agent = false;
  out_of_time_ = bounds_.time.count() != 0 && cpu_->now() - started_ >= bounds_.time;
  Packet packet;
  while (!out_of_time_ && !passes_on_ && taken < most && work_ < bounds_.packets && napi_->poll(packet)) {
    ++taken;
    ++work_;
    const bool agents = packet.completion != CompletionId::none;
    for_agent |= agents;
    cost += costs_.draw(is_backlog_ ? Cost::backlog_packet : Cost::napi_packet, agents);
    passes_on_ = dev_gro_receive(packet);
  }
  if (taken == 0) {
    ends_ = true;
    flush();
  }
  if (!std::exchange(fixed_charged_, true)) {
    cost += costs_.draw(Cost::napi_poll_fixed, for_agent);
  } else if (taken == 0) {
    deliver_next();
    return;
  }
  if (is_backlog_ && taken > 0) {
    then<&NapiPoll::delivered>(cost);
  } else {
    then<&NapiPoll::fetched>(cost);
  }
}

void NapiPoll::fetched() {
  if (passes_on_ || ends_) {
    deliver_next();
  } else {
    fetch();
  }
}

// True: the rx_list is to be delivered now.
bool NapiPoll::dev_gro_receive(const Packet& frame) {
  if (is_backlog_) {
    rx_list_.push_back(frame);
    return true;
  }
  const auto same_flow = [&](const Held& held) { return held.packet.flow == frame.flow; };
  const auto found = std::find_if(gro_list_.begin(), gro_list_.end(), same_flow);
  const auto held = static_cast<std::size_t>(found - gro_list_.begin());
  const bool data = frame.bytes > 0;
  if (found != gro_list_.end() && data && found->packet.completion == frame.completion &&
      found->packet.bytes + frame.bytes < gro_max_size) {
    found->packet.bytes += frame.bytes;
    found->packet.ends_message = frame.ends_message;
    ++found->segments;
    if (frame.ends_message) {
      gro_complete(held);
    }
  } else {
    if (found != gro_list_.end()) {
      gro_complete(held);
    }
    if (frame.ends_message || !data) {
      gro_normal_one(frame, 1);
    } else {
      if (gro_list_.size() == gro_most_held) {
        gro_complete(0);
      }
      gro_list_.push_back(Held{frame, 1});
    }
  }
  const bool at_once = bounds_.agents_at_once && frame.completion != CompletionId::none &&
                       frame.ends_message && frame.latency_class == LatencyClass::agent_interactive;
  return at_once || rx_count_ >= kernel_.gro_normal_batch;
}

void NapiPoll::gro_complete(std::size_t held) {
  gro_normal_one(gro_list_[held].packet, gro_list_[held].segments);
  gro_list_.erase(gro_list_.begin() + static_cast<std::ptrdiff_t>(held));
}

void NapiPoll::gro_normal_one(const Packet& packet, int segments) {
  rx_list_.push_back(packet);
  rx_count_ += segments;
}

// napi_gro_flush at the end of a poll, whether it completes or is repeated.
void NapiPoll::flush() {
  for (const Held& held : gro_list_) {
    gro_normal_one(held.packet, held.segments);
  }
  gro_list_.clear();
}

// The list goes up the stack, skb by skb; what GRO merged counts once.
void NapiPoll::deliver_next() {
  if (rx_next_ < rx_list_.size()) {
    const bool for_agent = rx_list_[rx_next_].completion != CompletionId::none;
    then<&NapiPoll::delivered>(costs_.draw(Cost::tcp_deliver, for_agent));
    return;
  }
  rx_list_.clear();
  rx_next_ = 0;
  rx_count_ = 0;
  passes_on_ = false;
  if (!ends_) {
    fetch();
    return;
  }
  tracepoints_.fire(Tracepoint::napi_poll, cpu_->id(), napi_->id, work_, kernel_.dev_weight);
  polled();
}

void NapiPoll::delivered() {
  const Packet packet = rx_list_[rx_next_++];
  tracepoints_.fire(Tracepoint::netif_receive_skb, cpu_->id(), static_cast<std::int64_t>(packet.flow),
                    packet.bytes);
  if (packet.completion != CompletionId::none) {
    meter_.record(Metric::stage_softirq, cpu_->now() - run_.raised);
  }
  deliver(packet, cpu_->id());
  if (packet.completion != CompletionId::none) {
    stamp_delivery(completions_[packet.completion]);
  }
  deliver_next();
}

// A message may come in several skbs: its stamps are of the one that wakes the reader, or of the last.
void NapiPoll::stamp_delivery(Completion& completion) {
  if (completion.has(Stage::waking) && completion.when(Stage::waking) != cpu_->now()) {
    return;
  }
  completion.stamp(Stage::hardirq_entry, run_.handler);
  completion.stamp(Stage::softirq_raise, run_.raised);
  completion.stamp(Stage::softirq_entry, run_.entered);
  completion.stamp(Stage::delivered, cpu_->now());
}

}  // namespace models
