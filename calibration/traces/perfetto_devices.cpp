#include "calibration/traces/perfetto_devices.h"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <utility>

namespace calibration {

Track PerfettoDevices::group() {
  if (group_ == Track::none) {
    group_ = stream_.track({.name = "Devices"});
  }
  return group_;
}

PerfettoDevices::Device* PerfettoDevices::find(std::uint32_t dev) {
  const auto known =
      std::find_if(devices_.begin(), devices_.end(), [&](const Device& device) { return device.dev == dev; });
  if (known != devices_.end()) {
    return &*known;
  }
  if (devices_.size() >= max_devices) {
    return nullptr;
  }
  Device device{.dev = dev};
  device.group = stream_.track({.name = fmt::format("{},{}", dev >> 20, dev & 0xfffff), .parent = group()});
  device.in_flight = stream_.track({.name = "in flight", .parent = device.group, .counts = "requests"});
  devices_.push_back(std::move(device));
  return &devices_.back();
}

PerfettoDevices::Lane* PerfettoDevices::lane_of(Device& device, std::uint64_t sector) {
  if (const auto known = device.requests.find(sector); known != device.requests.end()) {
    return &device.lanes[known->second];
  }
  if (device.free.empty()) {
    if (device.lanes.size() >= max_lanes) {
      return nullptr;
    }
    device.free.push_back(device.lanes.size());
    device.lanes.push_back({.track = stream_.track({.name = "requests", .parent = device.group})});
  }
  std::pop_heap(device.free.begin(), device.free.end(), std::greater<>{});
  const std::size_t lane = device.free.back();
  device.free.pop_back();
  device.requests.emplace(sector, lane);
  return &device.lanes[lane];
}

void PerfettoDevices::begin(Lane& lane, const Event& event, std::string_view name, FlowId flow) {
  ++lane.open;
  TraceMark mark{
      .time = event.time, .track = lane.track, .category = TraceCategory::block, .name = name, .flow = flow};
  stream_.begin(mark.arg(TraceArg::sector, static_cast<std::int64_t>(event.block.sector))
                    .arg(TraceArg::bytes, std::int64_t{event.block.sectors} * 512));
}

void PerfettoDevices::insert(const Event& event) {
  Device* const device = find(event.block.dev);
  Lane* const lane = device == nullptr ? nullptr : lane_of(*device, event.block.sector);
  if (lane != nullptr && lane->open == 0) {
    begin(*lane, event, names_.text(event.block.rwbs), FlowId::none);
  }
}

void PerfettoDevices::issue(const Event& event, FlowId flow) {
  Device* const device = find(event.block.dev);
  Lane* const lane = device == nullptr ? nullptr : lane_of(*device, event.block.sector);
  if (lane == nullptr || lane->issued) {  // issued again: requeued, or its completion was lost
    return;
  }
  begin(*lane, event, lane->open > 0 ? std::string_view{"on the device"} : names_.text(event.block.rwbs),
        flow);
  lane->issued = true;
  lane->flow = flow;
  stream_.counter(event.time, device->in_flight, ++device->count);
}

FlowId PerfettoDevices::complete(const Event& event) {
  Device* const device = find(event.block.dev);
  if (device == nullptr) {
    return FlowId::none;
  }
  const auto known = device->requests.find(event.block.sector);
  if (known == device->requests.end()) {
    return FlowId::none;
  }
  Lane& lane = device->lanes[known->second];
  for (; lane.open > 0; --lane.open) {
    stream_.end(event.time, lane.track);
  }
  if (std::exchange(lane.issued, false)) {
    stream_.counter(event.time, device->in_flight, --device->count);
  }
  device->free.push_back(known->second);
  std::push_heap(device->free.begin(), device->free.end(), std::greater<>{});
  device->requests.erase(known);
  return std::exchange(lane.flow, FlowId::none);
}

void PerfettoDevices::napi_poll(const Event& event) {
  const auto name = static_cast<std::uint32_t>(event.napi_poll.dev);
  auto known = napi_.find(name);
  if (known == napi_.end()) {
    const std::string text = fmt::format("{} NAPI work", names_.text(event.napi_poll.dev));
    known = napi_.emplace(name, stream_.track({.name = text, .parent = group(), .counts = "packets"})).first;
  }
  stream_.counter(event.time, known->second, event.napi_poll.work);
}

void PerfettoDevices::finish(std::int64_t time) {
  for (Device& device : devices_) {
    for (Lane& lane : device.lanes) {
      for (; lane.open > 0; --lane.open) {
        stream_.end(time, lane.track);
      }
    }
  }
}

}  // namespace calibration
