#include "models/devices/nvme.h"

#include <algorithm>
#include <utility>

#include "sim/check.h"

namespace models {

namespace {

constexpr std::int32_t block_bytes = 4096;

// SplitMix64's finaliser (Steele, Lea, Flood 2014): neighbouring keys spread over the channels.
std::uint64_t mix(std::uint64_t x) {
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9U;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebU;
  return x ^ (x >> 31);
}

}  // namespace

Nvme::Queue::Queue(Nvme& owner, QueueId queue_id, sim::Engine& engine, const NvmeConfig& config)
    : nvme{owner}, id{queue_id}, vector{engine, config.coalescing}, cq{config.queue_depth} {
  vector.irq.connect<&Queue::interrupt>(*this);
}

Nvme::Nvme(sim::Engine& engine, NvmeConfig config)
    : config_{std::move(config)}, channels_(static_cast<std::size_t>(config_.channels)) {
  sim::check(config_.queues >= 1 && config_.channels >= 1, "an NVMe has a queue and a channel");
  config_.coalescing.one_shot = false;
  for (int id = 0; id < config_.queues; ++id) {
    queues_.push_back(
        std::make_unique<Queue>(*this, QueueId{static_cast<std::int16_t>(id)}, engine, config_));
  }
  for (std::size_t channel = 0; channel < channels_.size(); ++channel) {
    channels_[channel].timer.bind<&Nvme::channel_done>(engine, *this, channel);
  }
  const std::size_t commands = queues_.size() * static_cast<std::size_t>(config_.queue_depth);
  commands_.resize(commands);
  next_.resize(commands * channels_.size(), none);
  for (std::size_t command = commands; command-- > 0;) {
    free_.push_back(static_cast<std::int32_t>(command));
  }
}

int Nvme::channel_of(std::uint64_t draw_key) const {
  return static_cast<int>(mix(draw_key) % channels_.size());
}

bool Nvme::submit(QueueId id, const Request& request) {
  Queue& queue = *queues_[index(id)];
  if (queue.outstanding == config_.queue_depth) {
    ++queue.counters.rejected;
    return false;
  }
  ++queue.outstanding;
  ++queue.counters.submitted;
  const int channels = config_.channels;
  const int blocks = std::max(1, (request.bytes + block_bytes - 1) / block_bytes);
  const int parts = std::min(blocks, channels);
  const std::int32_t command = free_.back();
  free_.pop_back();
  const int first = channel_of(request.draw_key);
  commands_[static_cast<std::size_t>(command)] = {request, id, first, blocks, parts};
  for (int part = 0; part < parts; ++part) {
    enqueue(command, (first + part) % channels);
  }
  return true;
}

void Nvme::enqueue(std::int32_t command, int channel_number) {
  Channel& channel = channels_[static_cast<std::size_t>(channel_number)];
  next(command, channel_number) = none;
  if (channel.first == none) {
    channel.first = command;
  } else {
    next(channel.last, channel_number) = command;
  }
  channel.last = command;
  if (!channel.timer.armed()) {
    serve_next(channel_number);
  }
}

// Blocks of 4 KiB that fall on a channel: block i of a request lives on channel first_channel + i.
int Nvme::blocks_on(const Command& command, int channel) const {
  const int part = (channel - command.first_channel + config_.channels) % config_.channels;
  return command.blocks / config_.channels + (part < command.blocks % config_.channels ? 1 : 0);
}

void Nvme::serve_next(int channel_number) {
  Channel& channel = channels_[static_cast<std::size_t>(channel_number)];
  channel.serving = channel.first;
  if (channel.first == none) {
    return;
  }
  channel.first = next(channel.first, channel_number);
  const Command& command = commands_[static_cast<std::size_t>(channel.serving)];
  const std::int64_t more = blocks_on(command, channel_number) - 1;
  const sim::Nanos base = cost(command.request.write ? Cost::nvme_write_4k : Cost::nvme_read_4k);
  channel.timer.arm(base + sim::to_nanos(sim::Bytes{more * block_bytes}, config_.channel_rate));
}

// The channel turns to its next work first: the interrupt of this part may bring in a new request.
void Nvme::channel_done(std::uint64_t number) {
  const int channel_number = static_cast<int>(number);
  Channel& channel = channels_[number];
  const std::int32_t done = std::exchange(channel.serving, none);
  if (done == none) {  // what was programmed is in the flash
    serve_next(channel_number);
    return;
  }
  const Command& command = commands_[static_cast<std::size_t>(done)];
  if (command.request.write && config_.program_time > sim::Nanos{0}) {
    channel.timer.arm(config_.program_time * blocks_on(command, channel_number));
  } else {
    serve_next(channel_number);
  }
  part_done(done);
}

void Nvme::part_done(std::int32_t number) {
  Command& command = commands_[static_cast<std::size_t>(number)];
  if (--command.parts_left > 0) {
    return;
  }
  Queue& queue = *queues_[index(command.queue)];
  queue.cq.push(command.request);
  stamp_entries(stamp, Stage::device_done, queue.cq, queue.cq.end() - 1, queue.cq.end());
  free_.push_back(number);
  queue.vector.post();
}

void Nvme::interrupt(Queue& queue) {
  stamp_entries(stamp, Stage::irq, queue.cq, queue.announced, queue.cq.end());
  queue.announced = queue.cq.end();
  irq(queue.id);
}

bool Nvme::reap(QueueId id, Request& request) {
  Queue& queue = *queues_[index(id)];
  if (queue.cq.empty()) {
    return false;
  }
  --queue.outstanding;
  request = queue.cq.pop();
  return true;
}

NvmeQueueCounters Nvme::counters(QueueId id) const {
  const Queue& queue = *queues_[index(id)];
  NvmeQueueCounters counters = queue.counters;
  counters.interrupts = queue.vector.interrupts();
  return counters;
}

}  // namespace models
