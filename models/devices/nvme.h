// A multi-queue NVMe SSD: requests wait for one of the device's internal channels, are served, and post a
// completion queue entry, which interrupts through the queue's MSI-X vector.
//
//   BlkMq ──submit()──► SQ ─► channel FIFOs ─► CQ ─► MsixVector ──irq──► Irq
//   BlkMq ──reap()──────────────────────────────┘
//
// Models:   internal parallelism: a request's first 4 KiB live on the channel its address hashes to, the
//           following ones on the next channels in turn. Each channel serves its part of the request in
//           one go, first come first served: the base cost for 4 KiB, then `channel_rate` for the rest.
//           The request is done when its last part is. So a small read waits behind whatever
//           occupies its channel: interference by writes emerges, and is not fitted.
// Left out: garbage collection, the mapping table, the write cache's size, priorities (weighted round
//           robin), errors; the shared PCIe link; CQ head doorbells: each posted entry may raise an edge,
//           also while an earlier one is being handled.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "models/completion.h"
#include "models/costs.h"
#include "models/devices/announce.h"
#include "models/ids.h"
#include "models/msix.h"
#include "models/request.h"
#include "sim/engine.h"
#include "sim/port.h"
#include "sim/ring.h"
#include "sim/time.h"
#include "sim/units.h"

namespace models {

struct NvmeConfig {
  static constexpr std::string_view model = "nvme";
  std::string name = "nvme0";
  int queues = 1;          // I/O queue pairs, each with its vector, >= 1
  int queue_depth = 1023;  // requests per queue until reaped, >= 1: io_queue_depth - 1, nvme/host/pci.c
  int channels = 8;        // units that work in parallel, 1..64
  sim::BytesPerSecond channel_rate{800'000'000};  // of a part's bytes beyond 4 KiB: an ONFI bus at 800 MT/s
  sim::Nanos program_time{0};  // a write's 4 KiB keep the channel so long after they were acknowledged
  MsixConfig coalescing{};     // Set Features 08h; Linux leaves it off
  IoScheduler scheduler = IoScheduler::kernel_choice;
};

template <class Visitor>
void fields(NvmeConfig& config, Visitor&& field) {
  field("name", config.name);
  field("queues", config.queues);
  field("queue_depth", config.queue_depth);
  field("channels", config.channels);
  field("channel_rate", config.channel_rate);
  field("program_time", config.program_time);
  field("coalescing", config.coalescing);
  field("scheduler", config.scheduler);
}

struct NvmeQueueCounters {
  std::int64_t submitted = 0;
  std::int64_t rejected = 0;  // found the queue full
  std::int64_t interrupts = 0;
};

class Nvme {
 public:
  Nvme(sim::Engine& engine, NvmeConfig config);
  Nvme(const Nvme&) = delete;  // ports and events point here
  Nvme& operator=(const Nvme&) = delete;

  sim::Port<sim::Nanos(Cost)> cost;  // out: draws Cost::nvme_read_4k and nvme_write_4k
  sim::Port<void(QueueId)> irq;      // out: the queue's MSI-X message
  StampPort stamp;                   // out: device_done, irq, now; may stay unconnected

  // in, blk-mq: the doorbell has been rung. False: queue_depth requests are outstanding, counted.
  bool submit(QueueId queue, const Request& request);
  // in, blk-mq: takes the oldest completion queue entry, if there is one.
  bool reap(QueueId queue, Request& request);

  int outstanding(QueueId queue) const { return queues_[index(queue)]->outstanding; }  // until reaped
  int queues() const { return static_cast<int>(queues_.size()); }
  int channel_of(std::uint64_t draw_key) const;  // of the first 4 KiB at that address
  NvmeQueueCounters counters(QueueId queue) const;
  const NvmeConfig& config() const { return config_; }

 private:
  struct Queue {
    Queue(Nvme& nvme, QueueId id, sim::Engine& engine, const NvmeConfig& config);
    void interrupt() { nvme.interrupt(*this); }

    Nvme& nvme;
    QueueId id;
    MsixVector vector;
    sim::Ring<Request> cq;
    int outstanding = 0;
    std::uint64_t announced = 0;  // CQ position up to which a message has told of entries
    NvmeQueueCounters counters;
  };
  // A request inside the device. It stands in the FIFO of each channel that holds a part of it.
  struct Command {
    Request request;
    QueueId queue = QueueId::none;
    int first_channel = 0;
    int blocks = 0;      // of 4 KiB
    int parts_left = 0;  // channels that are not done
  };
  // Waiting commands are linked through next_. The timer runs exactly while the channel is occupied:
  // by `serving`, or, once that part has been acknowledged, by programming it.
  struct Channel {
    std::int32_t first = none;
    std::int32_t last = none;
    std::int32_t serving = none;
    sim::Timer timer;
  };
  static constexpr std::int32_t none = -1;

  void enqueue(std::int32_t command, int channel);
  void serve_next(int channel);
  void channel_done(std::uint64_t channel);
  void part_done(std::int32_t command);
  void interrupt(Queue& queue);
  int blocks_on(const Command& command, int channel) const;
  std::int32_t& next(std::int32_t command, int channel) {
    return next_[static_cast<std::size_t>(command) * channels_.size() + static_cast<std::size_t>(channel)];
  }

  NvmeConfig config_;
  std::vector<std::unique_ptr<Queue>> queues_;
  std::vector<Channel> channels_;
  std::vector<Command> commands_;
  std::vector<std::int32_t> next_;  // per command and channel: who follows in that channel's FIFO
  std::vector<std::int32_t> free_;  // commands not in use, the last one first
};

}  // namespace models
