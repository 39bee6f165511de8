// The rows of each device in a Perfetto trace: requests in flight, and what its NAPI did.
//
//   Devices ── 259,0 ── requests    one slice per request, insert to complete, the part on the device within
//   it;
//           │       └── in flight   requests issued and not complete
//           └─ eth0 NAPI work       packets of the last poll
//
// Slices of one row must nest, so requests that overlap get lanes of their own, which Perfetto draws as one
// row: they have one name and one parent.
#pragma once

#include <cstdint>
#include <unordered_map>
#include <vector>

#include "calibration/traces/event.h"
#include "calibration/traces/perfetto_stream.h"

namespace calibration {

class PerfettoDevices {
 public:
  static constexpr std::size_t max_lanes = 4096;  // of one device; requests beyond them have no slice
  static constexpr std::size_t max_devices = 4096;

  PerfettoDevices(PerfettoStream& stream, const Names& names) : stream_{stream}, names_{names} {}

  void insert(const Event& event);
  void issue(const Event& event, FlowId flow);  // the arrow from who issued it, on to who completes it
  FlowId complete(const Event& event);          // that arrow; none of a request that was not seen
  void napi_poll(const Event& event);
  void finish(std::int64_t time);

 private:
  struct Lane {
    Track track = Track::none;
    int open = 0;  // slices
    bool issued = false;
    FlowId flow = FlowId::none;
  };
  struct Device {
    std::uint32_t dev = 0;
    Track group = Track::none;
    Track in_flight = Track::none;
    int count = 0;
    std::vector<Lane> lanes;
    std::vector<std::size_t> free;                            // lanes, as a heap with the lowest on top
    std::unordered_map<std::uint64_t, std::size_t> requests;  // sector to lane
  };

  Track group();
  Device* find(std::uint32_t dev);
  Lane* lane_of(Device& device, std::uint64_t sector);  // of a request already seen, or a free one
  void begin(Lane& lane, const Event& event, std::string_view name, FlowId flow);

  PerfettoStream& stream_;
  const Names& names_;
  Track group_ = Track::none;
  std::vector<Device> devices_;
  std::unordered_map<std::uint32_t, Track> napi_;  // by the name of the device
};

}  // namespace calibration
