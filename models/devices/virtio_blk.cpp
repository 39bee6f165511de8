#include "models/devices/virtio_blk.h"

#include <utility>

#include "models/deepened.h"
#include "sim/check.h"

namespace models {

VirtioBlk::VirtioBlk(sim::Engine& engine, VirtioBlkConfig config)
    : engine_{engine},
      config_{std::move(config)},
      queues_(static_cast<std::size_t>(config_.num_queues), Queue{config_.queue_size}) {
  sim::check(config_.num_queues >= 1, "a virtio-blk device has a queue");
  wake_timer_.bind<&VirtioBlk::serve_waiting>(engine, *this);
  service_timer_.bind<&VirtioBlk::served>(engine, *this);
}

bool VirtioBlk::submit(QueueId id, const Request& request) {
  Queue& queue = queues_[index(id)];
  if (outstanding(queue) == config_.queue_size) {
    ++queue.counters.rejected;
    return false;
  }
  ++queue.counters.submitted;
  queue.avail.push(request);
  return true;
}

void VirtioBlk::kick(QueueId id) {
  if (!kick_needed()) {
    return;
  }
  ++queues_[index(id)].counters.notifications;
  host_ = Host::waking;
  const sim::Nanos slept = engine_.now() - asleep_since_;
  wake_timer_.arm(cost(Cost::virtio_blk_notify) + deepened(cost(Cost::virtio_blk_notify_deep), slept));
}

// The host thread goes on with the queue it is at, then looks at the others in turn.
void VirtioBlk::serve_waiting() {
  for (std::size_t step = 0; step < queues_.size(); ++step) {
    const std::size_t queue = (serving_ + step) % queues_.size();
    if (!queues_[queue].avail.empty()) {
      serve(queue);
      return;
    }
  }
  host_ = Host::asleep;
  asleep_since_ = engine_.now();
}

void VirtioBlk::serve(std::size_t queue) {
  host_ = Host::serving;
  serving_ = queue;
  service_timer_.arm(service_time(queues_[queue].avail.front()));
}

// Up to 4 KiB costs virtio_blk_request; from 128 KiB on virtio_blk_128k, in proportion to the size;
// between the two, the straight line between both.
sim::Nanos VirtioBlk::service_time(const Request& request) {
  constexpr std::int64_t small = 4 << 10;
  constexpr std::int64_t large = 128 << 10;
  const std::int64_t bytes = request.bytes;
  if (bytes <= small) {
    return cost(Cost::virtio_blk_request);
  }
  if (bytes >= large) {
    return cost(Cost::virtio_blk_128k) * bytes / large;
  }
  const sim::Nanos from = cost(Cost::virtio_blk_request);
  const sim::Nanos to = cost(Cost::virtio_blk_128k);
  return from + (to - from) * (bytes - small) / (large - small);
}

// The thread turns to its next work first: the interrupt may bring in a new request.
void VirtioBlk::served() {
  const QueueId id{static_cast<std::int16_t>(serving_)};
  Queue& queue = queues_[serving_];
  queue.used.push(queue.avail.pop());
  stamp_entries(stamp, Stage::device_done, queue.used, queue.used.end() - 1, queue.used.end());
  const bool drained = queue.avail.empty();
  serve_waiting();
  if (drained || config_.interrupt_when == InterruptWhen::every_request) {
    interrupt(queue, id);
  }
}

void VirtioBlk::interrupt(Queue& queue, QueueId id) {
  stamp_entries(stamp, Stage::irq, queue.used, queue.announced, queue.used.end());
  queue.announced = queue.used.end();
  ++queue.counters.interrupts;
  irq(id);
}

bool VirtioBlk::reap(QueueId id, Request& request) {
  Queue& queue = queues_[index(id)];
  if (queue.used.empty()) {
    return false;
  }
  request = queue.used.pop();
  return true;
}

}  // namespace models
