// A veth pair between two network namespaces of this host.
//
//   veth_xmit ─► GRO off: the sending CPU's backlog; NET_RX runs at the sender's local_bh_enable
//             └► GRO on:  the receiving end's ring ─► its NAPI, in NET_RX of the sending CPU or in a thread
//
// Models:   drivers/net/veth.c:veth_xmit, veth_forward_skb -> __netif_rx without a NAPI; with GRO on at
//           the receiver and TSO off at the sender (veth_skb_is_eligible_for_gro) veth_xdp_rx into a ring
//           of VETH_RING_SIZE, __veth_xdp_flush (rx_notify_masked), veth_poll, veth_xdp_rcv. One queue
//           per end. Software GSO cuts what TCP sends into frames of one MSS just before veth_xmit
//           (net/core/dev.c:validate_xmit_skb). A frame that finds the ring full is dropped, and sent
//           again when the poll under way has made room and its ACKs come back.
// Left out: XDP; the retransmission timeout of a flow that had nothing else under way; the queue that
//           6.17 and later stop where a qdisc is attached (none is: noqueue). No interrupt exists in this
//           chain.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "models/ids.h"
#include "models/napi.h"
#include "models/packet.h"
#include "sim/ring.h"

namespace models {

struct VethConfig {
  static constexpr std::string_view model = "veth";
  std::string name;
  bool gro = false;       // ethtool -K gro on, tso off, at both ends: each end has a NAPI of its own
  bool threaded = false;  // /sys/class/net/NAME/threaded: it polls in a kernel thread; needs gro
};

template <class Visitor>
void fields(VethConfig& config, Visitor&& field) {
  field("name", config.name);
  field("gro", config.gro);
  field("threaded", config.threaded);
}

inline constexpr int veth_ring_size = 256;  // VETH_RING_SIZE

// The receiving side of one end that has a NAPI: struct veth_rq.
class VethRq {
 public:
  VethRq();
  VethRq(const VethRq&) = delete;
  VethRq& operator=(const VethRq&) = delete;

  sim::Port<void(CpuId, Napi&)> napi_schedule;  // out: on this CPU
  Napi napi;

  void veth_xmit(CpuId cpu, const Packet& packet);  // in: the peer sends, bottom halves off
  std::int64_t drops() const { return drops_; }

 private:
  bool veth_xdp_rcv(Packet& frame);
  bool veth_poll_done();
  void forward(const Packet& frame);
  void xdp_flush(CpuId cpu);

  sim::Ring<Packet> xdp_ring_{veth_ring_size};
  bool rx_notify_masked_ = false;
  CpuId scheduled_on_{0};
  std::vector<Packet> dropped_;  // to be sent again, in this order
  std::size_t dropped_next_ = 0;
  std::int64_t drops_ = 0;
};

}  // namespace models
