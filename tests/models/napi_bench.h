// A driver's receive queue without a device: frames lie in a list, the test interrupts by hand.
#pragma once

#include <deque>

#include "tests/support/kernel_bench.h"

namespace models {

class DriverQueue {
 public:
  DriverQueue(KernelBench& bench, int id, int cpu = 0)
      : bench_{bench},
        softnet_{*bench.softnets[static_cast<std::size_t>(cpu)]},
        irq_{*bench.cpus[static_cast<std::size_t>(cpu)], [this] { softnet_.napi_schedule(napi); }} {
    napi.id = id;
    napi.poll.connect<&DriverQueue::poll>(*this);
    napi.irq_enable.connect<&DriverQueue::irq_enable>(*this);
  }
  DriverQueue(const DriverQueue&) = delete;
  DriverQueue& operator=(const DriverQueue&) = delete;

  void add(int count, const Packet& frame) {
    frames.insert(frames.end(), static_cast<std::size_t>(count), frame);
  }
  void interrupt() { irq_.raise(); }

  Napi napi;
  std::deque<Packet> frames;
  Times enabled_at;         // when the poll re-armed the interrupt
  bool interrupts = false;  // whether a frame that lies there then interrupts at once

 private:
  bool poll(Packet& packet) {
    if (frames.empty()) {
      return false;
    }
    packet = frames.front();
    frames.pop_front();
    return true;
  }
  bool irq_enable() {
    enabled_at.push_back(bench_.now());
    if (interrupts && !frames.empty()) {
      irq_.raise();
      return false;
    }
    return true;
  }

  KernelBench& bench_;
  Softnet& softnet_;
  Interrupt irq_;
};

// A message of one frame: GRO passes it on by itself.
inline Packet message(int flow, std::int32_t bytes = 100) {
  return {.flow = FlowId{flow}, .bytes = bytes, .ends_message = true};
}
// A frame with more of its message behind it.
inline Packet segment(int flow, std::int32_t bytes = 1448) {
  return {.flow = FlowId{flow}, .bytes = bytes, .ends_message = false};
}

}  // namespace models
