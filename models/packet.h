// One frame (or one segmentation-offload packet) between a NIC and the network stack: what the
// simulator needs of an sk_buff.
//
// Left out: headers, checksums, sequence numbers, and what the payload says.
#pragma once

#include <algorithm>
#include <cstdint>
#include <type_traits>

#include "models/completion.h"
#include "models/ids.h"
#include "sim/time.h"
#include "sim/units.h"

namespace models {

struct Packet {
  FlowId flow = FlowId::none;
  std::int32_t bytes = 0;                        // TCP payload; 0 is a bare ACK
  CompletionId completion = CompletionId::none;  // none: background traffic
  LatencyClass latency_class = LatencyClass::normal;
  bool ends_message = false;  // the last frame of a message: its receiver has all of it
};
static_assert(sizeof(Packet) <= 24 && std::is_trivially_copyable_v<Packet>);

// TCP payload of a frame on a 1500-byte MTU with timestamps: 1500 - 20 (IPv4) - 32 (TCP).
inline constexpr std::int32_t default_mss = 1448;

// The largest skb that TCP sends: whole segments below sk_gso_max_size, GSO_LEGACY_MAX_SIZE less
// MAX_TCP_HEADER.
inline constexpr std::int32_t gso_max_bytes = 45 * default_mss;

// What a frame occupies on the cable beyond its payload: preamble 8, Ethernet 14, IPv4 20, TCP with
// timestamps 32, FCS 4, inter-frame gap 12 (IEEE 802.3, RFC 7323).
inline constexpr std::int64_t frame_overhead = 8 + 14 + 20 + 32 + 4 + 12;

// Frames that `bytes` of payload become; nothing at all still takes one frame.
constexpr std::int64_t frames_of(std::int64_t bytes, std::int32_t mss) {
  return std::max<std::int64_t>(1, (bytes + mss - 1) / mss);
}

// Time that `bytes` of payload occupy a cable of `link_rate`, framing included, rounded up.
constexpr sim::Nanos wire_time(std::int64_t bytes, std::int32_t mss, sim::BytesPerSecond link_rate) {
  return sim::to_nanos(sim::Bytes{bytes + frames_of(bytes, mss) * frame_overhead}, link_rate);
}

}  // namespace models
