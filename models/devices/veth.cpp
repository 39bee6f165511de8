#include "models/devices/veth.h"

#include <algorithm>

namespace models {

VethRq::VethRq() {
  dropped_.reserve(4 * veth_ring_size);
  napi.poll.connect<&VethRq::veth_xdp_rcv>(*this);
  napi.irq_enable.connect<&VethRq::veth_poll_done>(*this);
}

// Each frame flushes; only the first finds the NAPI idle.
void VethRq::veth_xmit(CpuId cpu, const Packet& packet) {
  Packet frame = packet;
  std::int32_t left = packet.bytes;
  do {
    frame.bytes = std::min(left, default_mss);
    left -= frame.bytes;
    frame.ends_message = packet.ends_message && left == 0;
    forward(frame);
  } while (left > 0);
  xdp_flush(cpu);
}

// A flow's frames stay in order: nothing overtakes what waits to be sent again.
void VethRq::forward(const Packet& frame) {
  if (dropped_.empty() && !xdp_ring_.full()) {
    xdp_ring_.push(frame);
    return;
  }
  drops_ += xdp_ring_.full() ? 1 : 0;
  dropped_.push_back(frame);
}

void VethRq::xdp_flush(CpuId cpu) {
  if (!rx_notify_masked_) {
    rx_notify_masked_ = true;
    scheduled_on_ = cpu;
    napi_schedule(cpu, napi);
  }
}

bool VethRq::veth_xdp_rcv(Packet& frame) {
  if (xdp_ring_.empty()) {
    return false;
  }
  frame = xdp_ring_.pop();
  return true;
}

// The end of veth_poll: what came after the last look at the ring found the notification masked.
bool VethRq::veth_poll_done() {
  rx_notify_masked_ = false;
  while (dropped_next_ < dropped_.size() && !xdp_ring_.full()) {
    xdp_ring_.push(dropped_[dropped_next_++]);
  }
  if (dropped_next_ == dropped_.size()) {
    dropped_.clear();
    dropped_next_ = 0;
  }
  if (!xdp_ring_.empty()) {
    xdp_flush(scheduled_on_);
    return false;
  }
  return true;
}

}  // namespace models
