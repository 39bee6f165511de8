// What the device tests share: calls with their times, and costs with values of their own.
#pragma once

#include <cstdint>
#include <utility>
#include <vector>

#include "models/completion.h"
#include "models/costs.h"
#include "models/ids.h"
#include "sim/engine.h"
#include "sim/time.h"

namespace models {

using namespace std::chrono_literals;
using Times = std::vector<sim::Nanos>;

// Notes when it was called, and with which queue.
struct InterruptLog {
  explicit InterruptLog(sim::Engine& clock) : engine{clock} {}
  void hit() { at.push_back(engine.now().time_since_epoch()); }
  void hit_queue(QueueId queue) {
    hit();
    queues.push_back(queue);
  }

  sim::Engine& engine;
  Times at;
  std::vector<QueueId> queues;
};

struct StampLog {
  struct Entry {
    CompletionId completion;
    Stage stage;
    sim::Nanos at;
    bool operator==(const Entry&) const = default;
  };
  explicit StampLog(sim::Engine& clock) : engine{clock} {}
  void stamp(CompletionId completion, Stage stage) {
    entries.push_back({completion, stage, engine.now().time_since_epoch()});
  }

  sim::Engine& engine;
  std::vector<Entry> entries;
};

// Distinct values, so that a wrong sum shows which cost was charged. `next` overrides in order.
struct StubCosts {
  sim::Nanos draw(Cost cost) {
    ++draws;
    if (!next.empty()) {
      const sim::Nanos value = next.front();
      next.erase(next.begin());
      return value;
    }
    switch (cost) {
      case Cost::nic_dma:
        return 1us;
      case Cost::virtio_blk_notify:
        return 20us;
      case Cost::virtio_blk_notify_deep:
        return notify_deep;
      case Cost::virtio_blk_request:
        return 7us;
      case Cost::virtio_blk_128k:
        return 131us;
      case Cost::nvme_read_4k:
        return 80us;
      case Cost::nvme_write_4k:
        return 300us;
      default:
        return 1s;
    }
  }

  std::vector<sim::Nanos> next;
  sim::Nanos notify_deep{0};
  int draws = 0;
};

}  // namespace models
