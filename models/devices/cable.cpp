#include "models/devices/cable.h"

#include <algorithm>

namespace models {

Packet Cable::Waiting::pop() {
  const Packet frame = frames[next++];
  if (next == frames.size()) {
    frames.clear();
    next = 0;
  }
  return frame;
}

Cable::Cable(sim::Engine& engine, Nic& from, Nic& to)
    : engine_{engine}, from_{from}, to_{to}, latency_{from.config().cable}, way_{from.config().tx_ring} {
  arrival_.bind<&Cable::arrive>(engine, *this);
  qdisc_.frames.reserve(1024);
  dropped_.frames.reserve(1024);
}

void Cable::transmit(const Packet& skb) {
  Packet frame = skb;
  std::int32_t left = skb.bytes;
  do {
    frame.bytes = std::min(left, from_.config().mss);
    left -= frame.bytes;
    frame.ends_message = skb.ends_message && left == 0;
    qdisc_.push(frame);
  } while (left > 0);
  feed();
}

// No more frames between the two rings than the sender's has descriptors, so that neither queue overflows.
void Cable::feed() {
  while (!qdisc_.empty() && under_way_ < way_.capacity()) {
    ++under_way_;
    from_.transmit(qdisc_.pop());
  }
}

void Cable::sent(const Packet& frame) {
  way_.push({engine_.now() + latency_, frame});
  arm_arrival();
}

void Cable::arm_arrival() {
  if (!arrival_.armed() && !way_.empty()) {
    arrival_.arm_at(way_.front().at);
  }
}

// A flow's frames stay in order: nothing overtakes what waits to be sent again.
void Cable::arrive() {
  const Packet frame = way_.pop().frame;
  --under_way_;
  arm_arrival();
  if (dropped_.empty() && to_.receive(frame)) {
    ++frames_;
  } else {
    dropped_.push(frame);
  }
  feed();
}

void Cable::poll_made_room() {
  while (!dropped_.empty() && to_.rx_room(dropped_.frames[dropped_.next].flow) > 0) {
    to_.receive(dropped_.pop());
    ++frames_;
    ++resent_;
  }
}

}  // namespace models
