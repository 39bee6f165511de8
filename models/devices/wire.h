// The other end of a cable: a remote tool server, and background traffic.
//
//   agent's request ──request()──► RemoteServer ──deliver──► Nic::receive
//                                  FlowSource ──burst──► Nic::receive_burst
//
// Models:   a request crosses the link, is served, and its reply comes back as frames of one mss, spaced
//           by the link's rate, as a TCP sender with an open window emits them. A frame the NIC drops is
//           sent again after the retransmission timeout, with what was to follow it.
// Left out: congestion control, acknowledgements, tail-loss probes and fast retransmit (so every loss
//           costs a full RTO); contention at the remote machine (a thread per connection, as many CPUs);
//           queueing in a switch between several senders.
#pragma once

#include <cstdint>
#include <vector>

#include "models/completion.h"
#include "models/ids.h"
#include "models/packet.h"
#include "sim/distribution.h"
#include "sim/engine.h"
#include "sim/port.h"
#include "sim/rng.h"
#include "sim/time.h"
#include "sim/units.h"

namespace models {

struct RemoteServerConfig {
  sim::BytesPerSecond link_rate{3'125'000'000};  // 25 Gbit/s, each way
  int mss = default_mss;
  int max_calls = 4096;         // calls under way at once, >= 1
  sim::Nanos rto{200'000'000};  // TCP_RTO_MIN, include/net/tcp.h
};

template <class Visitor>
void fields(RemoteServerConfig& config, Visitor&& field) {
  field("link_rate", config.link_rate);
  field("mss", config.mss);
  field("max_calls", config.max_calls);
  field("rto", config.rto);
}

// One request and the reply it asks for.
struct RemoteCall {
  FlowId flow = FlowId::none;
  sim::Bytes request_bytes{0};  // crosses the link first; 0: it has done so already, through Nic::transmit
  sim::Bytes reply_bytes{0};
  sim::Nanos one_way{0};  // propagation, each way
  sim::Nanos service{0};  // from the request's arrival at the remote to the reply's first byte
  CompletionId completion = CompletionId::none;  // rides on every frame of the reply
  LatencyClass latency_class = LatencyClass::normal;
};

class RemoteServer {
 public:
  RemoteServer(sim::Engine& engine, RemoteServerConfig config);
  RemoteServer(const RemoteServer&) = delete;  // ports and events point here
  RemoteServer& operator=(const RemoteServer&) = delete;

  sim::Port<bool(const Packet&)> deliver;  // out: a frame of a reply has arrived; false: it was dropped

  // in: the request leaves now. False: max_calls are under way, counted.
  bool request(const RemoteCall& call);

  std::int64_t retransmissions() const { return retransmissions_; }
  std::int64_t rejected() const { return rejected_; }

 private:
  struct Slot {
    RemoteCall call;
    std::int64_t bytes_left = 0;  // of the reply
  };
  void reply(std::uint64_t slot);
  void arrive(std::uint64_t slot);
  sim::Nanos next_frame_time(const Slot& slot) const;

  sim::Engine& engine_;
  RemoteServerConfig config_;
  std::vector<Slot> slots_;
  std::vector<std::uint32_t> free_;  // slots not in use, the last one first
  sim::SimTime link_free_at_;        // when the remote's sending side has emitted what it has
  std::int64_t retransmissions_ = 0;
  std::int64_t rejected_ = 0;
};

// Open-loop traffic of `flows` flows, which take turns: bursts of `burst_frames` frames at exponential
// gaps, `rate` of payload in the mean. Nothing slows it down: what the NIC drops is lost.
struct FlowSourceConfig {
  FlowId first_flow{0};
  int flows = 1;                // first_flow, first_flow + 1, ..., >= 1
  sim::BytesPerSecond rate{0};  // of all flows together, > 0; the link's is its limit
  int burst_frames = 8;         // frames per burst, >= 1: what a sender's TSO emits at once
  int mss = default_mss;
  sim::BytesPerSecond link_rate{3'125'000'000};  // 25 Gbit/s: no two bursts overlap on the cable
  LatencyClass latency_class = LatencyClass::background;
};

template <class Visitor>
void fields(FlowSourceConfig& config, Visitor&& field) {
  field("flows", config.flows);
  field("rate", config.rate);
  field("burst_frames", config.burst_frames);
  field("mss", config.mss);
  field("link_rate", config.link_rate);
}

class FlowSource {
 public:
  FlowSource(sim::Engine& engine, FlowSourceConfig config, sim::Stream gaps);
  FlowSource(const FlowSource&) = delete;  // ports and events point here
  FlowSource& operator=(const FlowSource&) = delete;

  sim::Port<int(const Packet&, int)> burst;  // out: so many such frames have arrived; how many were taken

  void start();  // in: the first burst comes one gap from now
  void stop();   // in: no burst comes any more

  std::int64_t frames() const { return frames_; }
  std::int64_t drops() const { return drops_; }

 private:
  void emit();
  void arm();

  FlowSourceConfig config_;
  sim::Nanos burst_time_;  // a burst on the cable
  // From a burst's end on the cable to the next one's start.
  sim::Distribution gap_ = sim::Distribution::constant(sim::Nanos{0});
  sim::Stream gaps_;
  sim::Timer timer_;
  int turn_ = 0;
  std::int64_t frames_ = 0;
  std::int64_t drops_ = 0;
};

}  // namespace models
