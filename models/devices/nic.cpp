#include "models/devices/nic.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "sim/check.h"

namespace models {

namespace {

MsixConfig vector_config(const NicModeration& moderation) {
  constexpr int unlimited = std::numeric_limits<int>::max();
  return {.aggregation_threshold = moderation.rx_frames > 0 ? moderation.rx_frames : unlimited,
          .aggregation_time = moderation.rx_usecs,
          .mode = moderation.mode,
          .one_shot = moderation.mode != ModerationMode::throttle};
}

// A handler that cleans leaves its vector armed.
MsixConfig tx_vector_config(const NicConfig& config) {
  MsixConfig vector = vector_config(config.moderation);
  vector.one_shot = vector.one_shot && config.tx_interrupt == NicTxInterrupt::napi;
  return vector;
}

// MurmurHash3's 64-bit finaliser (public domain): every input bit reaches every output bit.
std::uint64_t mix(std::uint64_t x) {
  x = (x ^ (x >> 33)) * 0xff51afd7ed558ccdU;
  x = (x ^ (x >> 33)) * 0xc4ceb9fe1a85ec53U;
  return x ^ (x >> 33);
}

}  // namespace

Nic::Queue::Queue(Nic& owner, QueueId queue_id, sim::Engine& engine, const NicConfig& config)
    : nic{owner},
      id{queue_id},
      vector{engine, vector_config(config.moderation)},
      ring{config.ring},
      landings{config.ring} {
  vector.irq.connect<&Queue::interrupt>(*this);
  dma.bind<&Queue::land>(engine, *this);
}

Nic::Nic(sim::Engine& engine, NicConfig config)
    : engine_{engine},
      config_{std::move(config)},
      tx_{config_.tx_ring},
      tx_vector_{engine, tx_vector_config(config_)} {
  sim::check(config_.queues >= 1, "a NIC has a receive queue");
  for (int id = 0; id < config_.queues; ++id) {
    queues_.push_back(
        std::make_unique<Queue>(*this, QueueId{static_cast<std::int16_t>(id)}, engine, config_));
  }
  tx_timer_.bind<&Nic::depart>(engine, *this);
  tx_vector_.irq.connect<&Nic::tx_interrupt>(*this);
}

QueueId Nic::queue_of(FlowId flow) const {
  const std::uint64_t hash = mix(static_cast<std::uint64_t>(flow) + 1) >> 32;
  return QueueId{static_cast<std::int16_t>((hash * queues_.size()) >> 32)};
}

bool Nic::receive(const Packet& frame) { return receive_burst(frame, 1) == 1; }

int Nic::receive_burst(const Packet& frame, int frames) {
  Queue& queue = *queues_[index(queue_of(frame.flow))];
  const int taken = std::min(frames, queue.ring.room());
  queue.counters.frames += taken;
  queue.counters.drops += frames - taken;
  if (taken == 0) {
    return 0;
  }
  Packet copy = frame;
  for (int i = 1; i <= taken; ++i) {
    copy.ends_message = frame.ends_message && i == frames;
    queue.ring.push(copy);
  }
  // DMA is pipelined, so frames do not wait for each other's transfer, but none overtakes another.
  queue.last_landing = std::max(queue.last_landing, engine_.now() + cost(Cost::nic_dma));
  queue.landings.push({queue.last_landing, taken});
  arm_landing(queue);
  return taken;
}

void Nic::arm_landing(Queue& queue) {
  if (!queue.dma.armed() && !queue.landings.empty()) {
    queue.dma.arm_at(queue.landings.front().at);
  }
}

// Everything that lands at one instant is posted together, so that one message may tell of all.
void Nic::land(Queue& queue) {
  int frames = 0;
  while (!queue.landings.empty() && queue.landings.front().at == engine_.now()) {
    frames += queue.landings.pop().frames;
  }
  const std::uint64_t from = queue.landed_end();
  queue.landed += frames;
  stamp_entries(stamp, Stage::device_done, queue.ring, from, queue.landed_end());
  arm_landing(queue);
  queue.vector.post(frames);
}

// The message tells of every frame that has landed; one that polling finds by itself has no `irq` stage.
void Nic::interrupt(Queue& queue) {
  stamp_entries(stamp, Stage::irq, queue.ring, queue.announced, queue.landed_end());
  queue.announced = queue.landed_end();
  irq(queue.id);
}

bool Nic::poll(QueueId id, Packet& frame) {
  Queue& queue = *queues_[index(id)];
  if (queue.landed == 0) {
    return false;
  }
  --queue.landed;
  frame = queue.ring.pop();
  return true;
}

void Nic::irq_disable(QueueId id) {
  if (config_.moderation.mode != ModerationMode::throttle) {
    queues_[index(id)]->vector.disarm();
  }
}

bool Nic::irq_enable(QueueId id) {
  Queue& queue = *queues_[index(id)];
  const bool empty = queue.landed == 0;
  if (config_.moderation.mode != ModerationMode::throttle) {
    queue.vector.rearm(queue.landed);
  }
  return empty;
}

void Nic::tx_irq_enable() {
  if (config_.moderation.mode != ModerationMode::throttle) {
    tx_vector_.rearm(std::exchange(tx_completions_, 0));
  }
}

NicQueueCounters Nic::counters(QueueId id) const {
  const Queue& queue = *queues_[index(id)];
  NicQueueCounters counters = queue.counters;
  counters.interrupts = queue.vector.interrupts();
  return counters;
}

bool Nic::transmit(const Packet& packet) {
  if (tx_.full()) {
    ++transmit_drops_;
    return false;
  }
  cable_free_at_ =
      std::max(cable_free_at_, engine_.now()) + wire_time(packet.bytes, config_.mss, config_.link_rate);
  tx_.push({cable_free_at_, packet});
  arm_departure();
  return true;
}

void Nic::arm_departure() {
  if (!tx_timer_.armed() && !tx_.empty()) {
    tx_timer_.arm_at(tx_.front().at);
  }
}

void Nic::depart() {
  const Departure departure = tx_.pop();
  ++transmitted_;
  arm_departure();
  wire(departure.packet);
  if (config_.tx_interrupt != NicTxInterrupt::none) {
    tx_completions_ += tx_vector_.armed() ? 0 : 1;
    tx_vector_.post();
  }
}

}  // namespace models
