// One direction of a cable between two NICs of this host.
//
//   TCP ─► transmit() ─► [qdisc] ─► Nic ──wire──► sent() ─► latency ─► the other Nic's receive()
//
// Models:   skbs leave as frames of one MSS, whoever cuts them (TSO, or GSO in the stack: the sender's cost); a
//           transmit ring without room leaves frames in the qdisc, in order (net/sched/sch_generic.c:
//           dev_requeue_skb). What finds no receive descriptor is dropped, counted by the NIC, and sent again
//           when a poll has made room and its ACKs come back.
// Left out: the limit of the qdisc (1000 packets), which TCP small queues keep far away; the retransmission
//           timeout of a flow that had nothing else under way; frames that overtake each other.
#pragma once

#include <vector>

#include "models/devices/nic.h"
#include "models/packet.h"
#include "sim/engine.h"
#include "sim/ring.h"
#include "sim/time.h"

namespace models {

class Cable {
 public:
  Cable(sim::Engine& engine, Nic& from, Nic& to);
  Cable(const Cable&) = delete;  // ports and events point here
  Cable& operator=(const Cable&) = delete;

  void transmit(const Packet& skb);  // in: dev_queue_xmit; `skb.flow` is the receiver's
  void sent(const Packet& frame);    // in: its last bit has left
  void poll_made_room();             // in: the receiver's poll is over

  std::int64_t frames() const { return frames_; }    // that arrived and found a descriptor
  std::int64_t resent() const { return resent_; }    // of these, those that had been dropped before

 private:
  struct Arrival {
    sim::SimTime at;
    Packet frame;
  };
  // First in, first out; grows, and starts over whenever it is empty.
  struct Waiting {
    std::vector<Packet> frames;
    std::size_t next = 0;
    bool empty() const { return next == frames.size(); }
    void push(const Packet& frame) { frames.push_back(frame); }
    Packet pop();
  };
  void feed();
  void arrive();
  void arm_arrival();

  sim::Engine& engine_;
  Nic& from_;
  Nic& to_;
  sim::Nanos latency_;
  sim::Ring<Arrival> way_;  // frames between the NICs
  sim::Timer arrival_;
  int under_way_ = 0;  // in the transmit ring and on the cable
  Waiting qdisc_;
  Waiting dropped_;
  std::int64_t frames_ = 0;
  std::int64_t resent_ = 0;
};

}  // namespace models
