// A virtio-blk disk: a guest's ring served by one thread of the hypervisor.
//
//   BlkMq ──submit(), kick()──► avail ring ─► host thread ─► used ring ──irq──► Irq
//   BlkMq ──reap()────────────────────────────────────────────┘
//
// Models:   the device side of drivers/block/virtio_blk.c (virtblk_done) with VIRTIO_F_EVENT_IDX. A kick
//           wakes the sleeping host thread; it serves one request after the other, takes along what
//           arrives meanwhile without another kick, and once the avail rings are drained sends one
//           interrupt for all it has used and sleeps.
// Evidence: inferred from captures of a virtual machine, which trace neither kicks nor the host. Of two
//           reads submitted together to an idle disk the first holds its submitter up for about 17 us,
//           the second for about 2; one interrupt ends both in 96-99 % of cases. Up to 3 % of interrupts
//           leave an issued request behind, nine in ten of these younger than some 30 us. An interrupt
//           sent at the first used entry, delivered more slowly than one service, would look alike.
// Left out: the host's scheduling of that thread and its disk (both inside the costs); requests served
//           in parallel; packed rings; interrupt delivery latency, which the receiver adds.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "models/completion.h"
#include "models/costs.h"
#include "models/devices/announce.h"
#include "models/ids.h"
#include "models/request.h"
#include "sim/engine.h"
#include "sim/port.h"
#include "sim/ring.h"
#include "sim/time.h"

namespace models {

enum class InterruptWhen : std::uint8_t {
  drained,        // the host thread has nothing left to serve in the queue
  every_request,  // each entry of the used ring
};

template <class Visitor>
void enumerators(InterruptWhen*, Visitor&& named) {
  named("drained", InterruptWhen::drained);
  named("every_request", InterruptWhen::every_request);
}

struct VirtioBlkConfig {
  static constexpr std::string_view model = "virtio_blk";
  std::string name = "vda";
  int num_queues = 1;    // each with its vector, >= 1; the one host thread serves them in turn
  int queue_size = 128;  // requests per queue until reaped, >= 1
  InterruptWhen interrupt_when = InterruptWhen::drained;
  IoScheduler scheduler = IoScheduler::kernel_choice;
};

template <class Visitor>
void fields(VirtioBlkConfig& config, Visitor&& field) {
  field("name", config.name);
  field("num_queues", config.num_queues);
  field("queue_size", config.queue_size);
  field("interrupt_when", config.interrupt_when);
  field("scheduler", config.scheduler);
}

struct VirtioBlkCounters {
  std::int64_t submitted = 0;
  std::int64_t rejected = 0;       // found the ring full
  std::int64_t notifications = 0;  // kicks that woke the host thread
  std::int64_t interrupts = 0;
};

class VirtioBlk {
 public:
  VirtioBlk(sim::Engine& engine, VirtioBlkConfig config);
  VirtioBlk(const VirtioBlk&) = delete;  // ports and events point here
  VirtioBlk& operator=(const VirtioBlk&) = delete;

  sim::Port<sim::Nanos(Cost)> cost;  // out: virtio_blk_notify, _notify_deep, virtio_blk_request, virtio_blk_128k
  sim::Port<void(QueueId)> irq;      // out: the queue's MSI-X message
  StampPort stamp;                   // out: device_done, irq, now; may stay unconnected

  // in, blk-mq: puts a request into the avail ring. False: the ring is full, counted.
  bool submit(QueueId queue, const Request& request);
  // in, blk-mq: rings the queue's doorbell (virtqueue_notify). No effect while the host thread is awake.
  void kick(QueueId queue);
  // Whether the guest would ring now (virtqueue_kick_prepare): the host thread sleeps. Only then
  // does the submitter pay for the exit to the hypervisor (Cost::virtio_blk_kick).
  bool kick_needed() const { return host_ == Host::asleep; }
  // in, blk-mq: takes the oldest entry of the used ring, if there is one.
  bool reap(QueueId queue, Request& request);

  int outstanding(QueueId queue) const { return outstanding(queues_[index(queue)]); }  // until reaped
  int queues() const { return static_cast<int>(queues_.size()); }
  const VirtioBlkCounters& counters(QueueId queue) const { return queues_[index(queue)].counters; }
  const VirtioBlkConfig& config() const { return config_; }

 private:
  enum class Host : std::uint8_t { asleep, waking, serving };
  struct Queue {
    explicit Queue(int size) : avail{size}, used{size} {}
    sim::Ring<Request> avail;
    sim::Ring<Request> used;
    std::uint64_t announced = 0;  // used position up to which a message has told of entries
    VirtioBlkCounters counters;
  };

  void wake();
  void serve(std::size_t queue);
  void serve_waiting();
  void served();
  void interrupt(Queue& queue, QueueId id);
  sim::Nanos service_time(const Request& request);
  static int outstanding(const Queue& queue) { return queue.avail.size() + queue.used.size(); }

  sim::Engine& engine_;
  VirtioBlkConfig config_;
  std::vector<Queue> queues_;
  sim::Timer wake_timer_;     // the host thread's way out of sleep
  sim::Timer service_timer_;  // the end of the request it serves
  Host host_ = Host::asleep;
  sim::SimTime asleep_since_{};
  std::size_t serving_ = 0;  // the queue being served, or the last that was
};

}  // namespace models
