// A multi-queue NIC: frames arrive, land in a receive ring by DMA, and interrupt under moderation.
//
//   wire ──receive()──► RSS ─► ring ─► DMA ─► MsixVector ──irq──► Irq
//   Napi ──poll(), irq_disable(), irq_enable()──┘
//   TCP  ──transmit()──► tx ring ──wire──► the other end of the cable
//
// Models:   one MSI-X vector and one descriptor ring per receive queue; one-shot arming as in mlx5's CQ, or none
//           under `throttle`: e1000e leaves a vector unmasked while its NAPI polls, so that what arrives
//           then interrupts again, and the NAPI is polled once more (MISSED); a full ring drops (rx_missed);
//           transmit at link rate; a vector for transmit completions, under the same moderation.
// Left out: Toeplitz and the indirection table: a flow's queue comes from a stable integer hash of its
//           id, so flows spread as evenly as under RSS, but not to the queues a real 4-tuple would get;
//           the refill of descriptors (they are free as soon as poll() takes the frame); LRO; pause
//           frames; the choice among transmit queues (one FIFO feeds the cable); vector affinity, which is
//           the host's: `irq_cpus` is only carried, as `peer`, which is the host's cable.
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
#include "models/packet.h"
#include "sim/engine.h"
#include "sim/port.h"
#include "sim/ring.h"
#include "sim/time.h"
#include "sim/units.h"

namespace models {

// ethtool -C. Both 0 or rx_frames 1: an interrupt per frame while the queue is armed.
struct NicModeration {
  sim::Nanos rx_usecs{0};  // longest wait of a frame; 0: none waits
  int rx_frames = 0;       // frames per interrupt; 0: only rx_usecs counts
  ModerationMode mode = ModerationMode::eqe;
};

template <class Visitor>
void fields(NicModeration& config, Visitor&& field) {
  field("rx_usecs", config.rx_usecs);
  field("rx_frames", config.rx_frames);
  field("mode", config.mode);
}

// What tells the driver that frames have left.
enum class NicTxInterrupt : std::uint8_t {
  none,     // nothing: free_old_xmit at the next send
  hardirq,  // its handler cleans the ring, and NET_TX frees: e1000_intr_msix_tx, dev_kfree_skb_any
  napi,     // a NAPI of its own cleans: virtio-net's virtnet_poll_tx
};

template <class Visitor>
void enumerators(NicTxInterrupt*, Visitor&& named) {
  named("none", NicTxInterrupt::none);
  named("hardirq", NicTxInterrupt::hardirq);
  named("napi", NicTxInterrupt::napi);
}

struct NicConfig {
  static constexpr std::string_view model = "nic";
  std::string name = "eth0";
  int queues = 1;   // receive queues, each with its vector, >= 1
  int ring = 1024;  // descriptors per receive queue, >= 1 (ethtool -G rx)
  NicModeration moderation{};
  sim::BytesPerSecond link_rate{3'125'000'000};  // 25 Gbit/s
  int mss = default_mss;                         // payload per frame on the cable
  int tx_ring = 1024;                            // packets waiting for the cable, >= 1 (ethtool -G tx)
  std::vector<int> irq_cpus{};                   // CPU of each queue's vector; the host routes by it
  bool threaded = false;                         // its NAPIs poll in kernel threads; the host makes them
  std::string peer{};    // the NIC of this host at the other end of the cable; empty: another machine
  sim::Nanos cable{0};   // to there, from the last bit's leaving
  bool tso = true;       // else the stack cuts what is larger than a frame; with a peer only
  NicTxInterrupt tx_interrupt = NicTxInterrupt::none;
  int tx_irq_cpu = -1;  // CPU of the transmit vector; -1: where the kernel puts it
};

template <class Visitor>
void fields(NicConfig& config, Visitor&& field) {
  field("name", config.name);
  field("queues", config.queues);
  field("ring", config.ring);
  field("moderation", config.moderation);
  field("link_rate", config.link_rate);
  field("mss", config.mss);
  field("tx_ring", config.tx_ring);
  field("irq_cpus", config.irq_cpus);
  field("threaded", config.threaded);
  field("peer", config.peer);
  field("cable", config.cable);
  field("tso", config.tso);
  field("tx_interrupt", config.tx_interrupt);
  field("tx_irq_cpu", config.tx_irq_cpu);
}

struct NicQueueCounters {
  std::int64_t frames = 0;  // took a descriptor
  std::int64_t drops = 0;   // found none
  std::int64_t interrupts = 0;
};

class Nic {
 public:
  Nic(sim::Engine& engine, NicConfig config);
  Nic(const Nic&) = delete;  // ports and events point here
  Nic& operator=(const Nic&) = delete;

  sim::Port<sim::Nanos(Cost)> cost;     // out: draws Cost::nic_dma
  sim::Port<void(QueueId)> irq;         // out: the queue's MSI-X message
  sim::Port<void(const Packet&)> wire;  // out: the packet's last bit has left
  sim::Port<void()> tx_irq;             // out: the transmit vector's message; under tx_interrupt only
  StampPort stamp;                      // out: device_done, irq, now; may stay unconnected

  // in: the last bit of a frame has arrived. False: dropped for want of a descriptor, counted.
  bool receive(const Packet& frame);
  // in: `frames` copies of `frame` back to back, the last of which has just arrived; only that one
  // carries `frame.ends_message`. They land together. Returns how many found a descriptor.
  int receive_burst(const Packet& frame, int frames);
  // in, Napi: takes the oldest landed frame, if there is one.
  bool poll(QueueId queue, Packet& frame);
  // in, Napi: no interrupt until irq_enable(). An interrupt has this effect by itself.
  void irq_disable(QueueId queue);
  // in, Napi: arms the vector. False: frames have landed since the last poll, and an interrupt follows
  // under the moderation rules (from inside this call if nothing waits).
  bool irq_enable(QueueId queue);
  // in: hands a packet to the cable. False: the transmit ring is full, counted.
  bool transmit(const Packet& packet);
  // in, the transmit NAPI: arms its vector. What left meanwhile interrupts under the moderation rules.
  void tx_irq_enable();
  void tx_clean() { tx_completions_ = 0; }  // in, the transmit NAPI: takes what has left

  int rx_room(FlowId flow) const { return queues_[index(queue_of(flow))]->ring.room(); }  // descriptors
  int tx_room() const { return tx_.room(); }
  int pending(QueueId queue) const { return queues_[index(queue)]->landed; }  // frames poll() could take
  int queues() const { return static_cast<int>(queues_.size()); }
  QueueId queue_of(FlowId flow) const;
  NicQueueCounters counters(QueueId queue) const;
  std::int64_t transmitted() const { return transmitted_; }
  std::int64_t transmit_drops() const { return transmit_drops_; }
  std::int64_t tx_interrupts() const { return tx_vector_.interrupts(); }
  const NicConfig& config() const { return config_; }

 private:
  struct Landing {  // frames whose DMA ends at one instant
    sim::SimTime at;
    int frames = 0;
  };
  struct Departure {
    sim::SimTime at;
    Packet packet;
  };
  // The ring holds landed frames, then those still in DMA. `landings` describes the latter, in order.
  struct Queue {
    Queue(Nic& nic, QueueId id, sim::Engine& engine, const NicConfig& config);
    void land() { nic.land(*this); }
    void interrupt() { nic.interrupt(*this); }
    std::uint64_t landed_end() const { return ring.first() + static_cast<std::uint64_t>(landed); }

    Nic& nic;
    QueueId id;
    MsixVector vector;
    sim::Ring<Packet> ring;
    sim::Ring<Landing> landings;
    sim::Timer dma;  // the next landing
    sim::SimTime last_landing;
    int landed = 0;
    std::uint64_t announced = 0;  // ring position up to which a message has told of frames
    NicQueueCounters counters;
  };

  void land(Queue& queue);
  void interrupt(Queue& queue);
  void arm_landing(Queue& queue);
  void depart();
  void arm_departure();
  void tx_interrupt() { tx_irq(); }

  sim::Engine& engine_;
  NicConfig config_;
  std::vector<std::unique_ptr<Queue>> queues_;
  sim::Ring<Departure> tx_;
  sim::Timer tx_timer_;
  MsixVector tx_vector_;
  int tx_completions_ = 0;  // since the transmit vector was last heard
  sim::SimTime cable_free_at_;
  std::int64_t transmitted_ = 0;
  std::int64_t transmit_drops_ = 0;
};

}  // namespace models
