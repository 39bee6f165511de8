// A host with something of everything, for tests of what a whole run gives: every device, agents over NIC and
// veth, every background, interrupts that nest and softirqs that wait for each other.
#pragma once

#include "tests/support/host_bench.h"

namespace models {

inline HostConfig busy_host() {
  HostConfig config;
  config.topology.cpus = 4;
  config.topology.llc_cpus = 2;
  config.topology.idle = {{IdleState::c1, 1us}, {IdleState::hlt, 600us}};
  for (std::size_t i = 0; i < cost_count; ++i) {
    const sim::Nanos median = cost_of(static_cast<Cost>(i)) / 40;
    config.costs.models[i].value = sim::Distribution::lognormal_p99(median, 3 * median);
  }
  config.costs[Cost::nvme_read_4k].value = sim::Distribution::lognormal_p99(80us, 200us);
  config.costs[Cost::nvme_write_4k].value = sim::Distribution::lognormal_p99(20us, 60us);
  config.costs[Cost::virtio_blk_128k].value = sim::Distribution::lognormal_p99(200us, 400us);
  config.devices = {NicConfig{.queues = 2, .moderation = {.rx_usecs = 16us, .rx_frames = 32}},
                    NvmeConfig{.queues = 2}, VirtioBlkConfig{}, VethConfig{.name = "veth0"},
                    VirtioBlkConfig{.name = "vdb"}};

  AgentConfig remote;
  remote.name = "remote";
  remote.count = 4;
  remote.latency_class = LatencyClass::agent_interactive;
  remote.think = sim::Distribution::exponential(1ms);
  remote.tool = {.device = "eth0",
                 .service = sim::Distribution::exponential(300us),
                 .one_way = 30us,
                 .request = sim::Bytes{256},
                 .reply = sim::Bytes{40'000}};
  remote.read = {.device = "nvme0", .count = 3, .size = sim::Bytes{4096}, .ring = RingMode::plain};
  remote.compute = sim::Distribution::lognormal_p99(50us, 200us);
  AgentConfig local = remote;
  local.name = "local";
  local.count = 3;
  local.latency_class = LatencyClass::normal;
  local.tool.device = "veth0";
  local.tool.reply = sim::Bytes{4096};
  local.read.device = "vda";
  local.read.ring = RingMode::defer_taskrun;
  AgentConfig reader = local;
  reader.name = "reader";
  reader.tool.device = "";
  reader.read.device = "vdb";
  reader.read.ring = RingMode::plain;
  config.agents = {remote, local, reader};

  const auto load = [&](const char* name, BackgroundKind kind, const char* device, std::int64_t rate) {
    BackgroundConfig background;
    background.name = name;
    background.kind = kind;
    background.device = device;
    background.rate = sim::BytesPerSecond{rate};
    background.busy = sim::Distribution::exponential(1ms);
    background.sleep = sim::Distribution::exponential(2ms);
    config.background.push_back(background);
  };
  load("burst", BackgroundKind::burst, "", 0);
  load("flow", BackgroundKind::flow, "eth0", 100'000'000);
  load("bulk", BackgroundKind::bulk, "veth0", 50'000'000);
  load("writer", BackgroundKind::writer, "nvme0", 30'000'000);
  load("logger", BackgroundKind::writer, "vda", 30'000'000);
  return config;
}

}  // namespace models
