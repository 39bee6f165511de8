#include "models/devices/wire.h"

#include <algorithm>

#include "sim/check.h"

namespace models {

RemoteServer::RemoteServer(sim::Engine& engine, RemoteServerConfig config)
    : engine_{engine}, config_{config}, slots_(static_cast<std::size_t>(config.max_calls)) {
  for (std::uint32_t slot = static_cast<std::uint32_t>(slots_.size()); slot-- > 0;) {
    free_.push_back(slot);
  }
}

bool RemoteServer::request(const RemoteCall& call) {
  if (free_.empty()) {
    ++rejected_;
    return false;
  }
  const std::uint32_t slot = free_.back();
  free_.pop_back();
  slots_[slot] = {call, sim::raw(call.reply_bytes)};
  const std::int64_t bytes = sim::raw(call.request_bytes);
  const sim::Nanos out = bytes > 0 ? wire_time(bytes, config_.mss, config_.link_rate) : sim::Nanos{0};
  engine_.after<&RemoteServer::reply>(out + call.one_way + call.service, *this, slot);
  return true;
}

sim::Nanos RemoteServer::next_frame_time(const Slot& slot) const {
  return wire_time(std::min<std::int64_t>(slot.bytes_left, config_.mss), config_.mss, config_.link_rate);
}

// The whole reply takes its place on the link at once; its frames then arrive one event after the other.
void RemoteServer::reply(std::uint64_t number) {
  const Slot& slot = slots_[number];
  const sim::SimTime start = std::max(link_free_at_, engine_.now());
  link_free_at_ = start + wire_time(slot.bytes_left, config_.mss, config_.link_rate);
  engine_.at<&RemoteServer::arrive>(start + next_frame_time(slot) + slot.call.one_way, *this, number);
}

// A dropped frame holds back the ones behind it, so that what was delivered last is really the end.
void RemoteServer::arrive(std::uint64_t number) {
  Slot& slot = slots_[number];
  const std::int64_t bytes = std::min<std::int64_t>(slot.bytes_left, config_.mss);
  const bool last = bytes == slot.bytes_left;
  if (!deliver({.flow = slot.call.flow,
                .bytes = static_cast<std::int32_t>(bytes),
                .completion = slot.call.completion,
                .latency_class = slot.call.latency_class,
                .ends_message = last})) {
    ++retransmissions_;
    engine_.after<&RemoteServer::arrive>(config_.rto, *this, number);
  } else if (last) {
    free_.push_back(static_cast<std::uint32_t>(number));
  } else {
    slot.bytes_left -= bytes;
    engine_.after<&RemoteServer::arrive>(next_frame_time(slot), *this, number);
  }
}

FlowSource::FlowSource(sim::Engine& engine, FlowSourceConfig config, sim::Stream gaps)
    : config_{config},
      burst_time_{wire_time(std::int64_t{config.burst_frames} * config.mss, config.mss, config.link_rate)},
      gaps_{gaps} {
  sim::check(sim::raw(config_.rate) > 0, "a traffic source has a rate");
  sim::check(config_.flows >= 1 && config_.burst_frames >= 1, "a traffic source has a flow and a burst");
  const sim::Nanos period =
      sim::to_nanos(sim::Bytes{std::int64_t{config_.burst_frames} * config_.mss}, config_.rate);
  gap_ = sim::Distribution::exponential(std::max(sim::Nanos{0}, period - burst_time_));
  timer_.bind<&FlowSource::emit>(engine, *this);
}

void FlowSource::start() { arm(); }

void FlowSource::stop() { timer_.disarm(); }

void FlowSource::arm() { timer_.arm(burst_time_ + gap_.sample(gaps_)); }

void FlowSource::emit() {
  const FlowId flow{static_cast<std::int32_t>(config_.first_flow) + turn_};
  turn_ = (turn_ + 1) % config_.flows;
  arm();
  const int taken = burst(
      {.flow = flow, .bytes = config_.mss, .latency_class = config_.latency_class, .ends_message = true},
      config_.burst_frames);
  frames_ += config_.burst_frames;
  drops_ += config_.burst_frames - taken;
}

}  // namespace models
