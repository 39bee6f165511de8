// How devices meet the kernel: a NIC's queues with their NAPIs and vectors, a disk with its blk-mq.
// Part of the host's wiring; nothing else includes it.
#pragma once

#include <memory>
#include <variant>
#include <vector>

#include "models/blk_mq.h"
#include "models/devices/cable.h"
#include "models/devices/nic.h"
#include "models/devices/nvme.h"
#include "models/devices/virtio_blk.h"
#include "models/devices/wire.h"
#include "models/irq.h"
#include "models/softnet.h"

namespace models {

// The CPUs' vectors so far: where the kernel puts the next unmanaged one (matrix_find_best_cpu: the CPU with
// the most free vectors, ties to the lowest number).
inline std::size_t place_unmanaged_vector(std::vector<int>& vectors) {
  std::size_t best = 0;
  for (std::size_t i = 1; i < vectors.size(); ++i) {
    if (vectors[i] < vectors[best]) {
      best = i;
    }
  }
  ++vectors[best];
  return best;
}

// A NIC, and what is at the other end of its cable: a machine, or another NIC of this host.
struct NicPort {
  struct Queue {
    Queue(NicPort& owner, QueueId queue_id) : port{owner}, id{queue_id} {}
    NicPort& port;
    QueueId id;
    Napi napi;
    std::unique_ptr<DeviceIrq> irq;
    Softnet* softnet = nullptr;  // of the CPU that the vector interrupts

    bool poll(Packet& packet) { return port.nic.poll(id, packet); }
    bool irq_enable() {
      if (port.cable_in != nullptr) {
        port.cable_in->poll_made_room();
      }
      return port.nic.irq_enable(id);
    }
    void handled() {  // the driver's handler: napi_schedule, the vector stays silent until the poll is over
      softnet->napi_schedule(napi);
      irq->leave(napi.agent_waiters > 0);
    }
  };
  // The vector of transmit completions: a NAPI that finds nothing to receive, or NET_TX.
  struct TxQueue {
    explicit TxQueue(NicPort& owner) : port{owner} {}
    NicPort& port;
    Napi napi;
    std::unique_ptr<DeviceIrq> irq;
    Softnet* softnet = nullptr;
    Softirq* softirq = nullptr;

    bool poll(Packet&) {
      port.nic.tx_clean();
      return false;
    }
    bool irq_enable() {
      port.nic.tx_irq_enable();
      return true;
    }
    void message() { irq->message(); }
    void handled() {
      if (port.nic.config().tx_interrupt == NicTxInterrupt::napi) {
        softnet->napi_schedule(napi);
      } else {
        softirq->raise(SoftirqVector::net_tx);
      }
      irq->leave();
    }
  };
  struct Reply {
    RemoteCall call;
    bool expected = false;
  };

  NicPort(sim::Engine& engine, const NicConfig& config)
      : nic{engine, config}, remote{engine, remote_config(config)} {
    nic.irq.connect<&NicPort::irq>(*this);
    nic.wire.connect<&NicPort::sent>(*this);
    remote.deliver.connect<&NicPort::deliver>(*this);
  }
  NicPort(const NicPort&) = delete;
  NicPort& operator=(const NicPort&) = delete;

  static RemoteServerConfig remote_config(const NicConfig& config) {
    RemoteServerConfig remote;
    remote.link_rate = config.link_rate;
    remote.mss = config.mss;
    return remote;
  }

  // The next request on this flow asks for that reply.
  void expect(const RemoteCall& call) {
    if (replies.size() <= index(call.flow)) {
      replies.resize(index(call.flow) + 1);
    }
    replies[index(call.flow)] = Reply{call, true};
  }
  void transmit(const Packet& packet) {
    if (cable_out) {
      cable_out->transmit(packet);
    } else {
      nic.transmit(packet);
    }
  }
  void irq(QueueId queue) { queues[index(queue)]->irq->message(); }
  void sent(const Packet& packet) {
    if (cable_out) {
      cable_out->sent(packet);
      return;
    }
    Reply& reply = replies[index(packet.flow)];
    if (std::exchange(reply.expected, false)) {
      remote.request(reply.call);
    }
  }
  bool deliver(const Packet& packet) { return nic.receive(packet); }
  std::int64_t drops() const {
    std::int64_t sum = 0;
    for (int q = 0; q < nic.queues(); ++q) {
      sum += nic.counters(static_cast<QueueId>(q)).drops;
    }
    return sum;
  }

  Nic nic;
  RemoteServer remote;
  std::vector<std::unique_ptr<Queue>> queues;
  std::vector<Reply> replies;  // by flow
  std::unique_ptr<TxQueue> tx;
  std::unique_ptr<Cable> cable_out;
  Cable* cable_in = nullptr;
  int first_napi = 0;
};

// A disk behind blk-mq.
struct BlockPort {
  std::variant<std::unique_ptr<Nvme>, std::unique_ptr<VirtioBlk>> device;
  std::unique_ptr<BlkMq> blk;
};

}  // namespace models
