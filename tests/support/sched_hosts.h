// Hosts drawn at random: machine, kernel, devices, agents, background and policies, with costs of their own.
// The same stream draws the same host.
#pragma once

#include <algorithm>
#include <string>
#include <vector>

#include "models/host_config.h"
#include "models/policies/policies.h"
#include "sim/rng.h"

namespace models {

using namespace std::chrono_literals;

class RandomHost {
 public:
  explicit RandomHost(sim::Stream stream) : draw_{stream} {
    machine();
    costs();
    devices();
    agents();
    background();
    policies();
    napis();
  }
  HostConfig config;

 private:
  int between(int low, int high) {
    return low + static_cast<int>(draw_.below(static_cast<std::uint64_t>(high - low + 1)));
  }
  bool flip() { return draw_.below(2) == 0; }
  sim::Distribution about(sim::Nanos mean) { return sim::Distribution::exponential(mean); }

  void machine() {
    TopologyConfig& topology = config.topology;
    topology.cpus = 1 << between(0, 3);
    topology.llc_cpus = flip() ? 0 : std::max(1, topology.cpus / 2);
    topology.smt = topology.cpus >= 4 && flip() ? 2 : 1;
    const std::vector<std::vector<IdleStateConfig>> idles{
        {{IdleState::hlt, 0ns}},
        {{IdleState::c1, 0ns}},
        {{IdleState::poll, 0ns}, {IdleState::c1, 5us}, {IdleState::c6, 400us}}};
    topology.idle = idles[static_cast<std::size_t>(between(0, 2))];
    KernelConfig& kernel = config.kernel;
    kernel.release = flip() ? KernelRelease::v6_12 : KernelRelease::v6_18;
    kernel.hz = flip() ? 250 : 1000;
    kernel.preemption = static_cast<Preemption>(between(0, 2));
    kernel.irq_time_accounting = flip();
    kernel.timer_slack = flip() ? 1ns : 50us;
    kernel.rq_affinity = between(0, 2);
  }

  void costs() {
    for (std::size_t i = 0; i < cost_count; ++i) {
      config.costs.models[i].value = about(sim::Nanos{200 + 37 * static_cast<std::int64_t>(i)});
    }
    config.costs[Cost::nvme_read_4k].value = about(80us);
    config.costs[Cost::virtio_blk_request].value = about(9us);
    config.costs[Cost::idle_exit_c6].value = about(100us);
  }

  void devices() {
    NicConfig nic;
    nic.queues = between(1, 4);
    nic.moderation.rx_usecs = between(0, 30) * 1us;
    nic.moderation.rx_frames = between(1, 32);
    NvmeConfig nvme;
    nvme.queues = config.topology.cpus;
    config.devices = {nic, nvme, VirtioBlkConfig{}, VethConfig{"veth0"}};
  }

  SchedConfig sched() {
    SchedConfig chosen;
    chosen.nice = between(-5, 5);
    if (between(0, 9) == 0) {
      chosen.sched = flip() ? SchedClass::fifo : SchedClass::rr;
    } else if (between(0, 9) == 0) {
      chosen.sched = flip() ? SchedClass::idle : SchedClass::batch;
    }
    if (between(0, 2) == 0) {
      chosen.cpus = {between(0, config.topology.cpus - 1)};
    }
    return chosen;
  }

  void agents() {
    for (int i = 0; i < 2; ++i) {
      AgentConfig agent;
      agent.name = "agent" + std::to_string(i);
      agent.count = between(1, 6);
      agent.latency_class = flip() ? LatencyClass::agent_interactive : LatencyClass::normal;
      agent.sched = sched();
      agent.server_sched = sched();
      agent.think = about(1ms);
      agent.tool.device = i == 0 ? "eth0" : "veth0";
      agent.tool.service = about(300us);
      agent.tool.one_way = 30us;
      agent.read.device = i == 0 ? "nvme0" : "vda";
      agent.read.ring = flip() ? RingMode::plain : RingMode::defer_taskrun;
      agent.compute = about(50us);
      config.agents.push_back(agent);
    }
  }

  void add_background(BackgroundKind kind, std::string device, double bytes_per_second) {
    BackgroundConfig load;
    load.name = "load" + std::to_string(config.background.size());
    load.kind = kind;
    load.count = between(1, 3);
    load.sched = sched();
    load.busy = about(2ms);
    load.sleep = about(4ms);
    load.device = std::move(device);
    load.rate = sim::BytesPerSecond{static_cast<std::int64_t>(bytes_per_second)};
    config.background.push_back(load);
  }
  void background() {
    if (flip()) add_background(BackgroundKind::burst, "", 0);
    if (flip()) add_background(BackgroundKind::hog, "", 0);
    if (flip()) add_background(BackgroundKind::writer, flip() ? "vda" : "nvme0", 60e6);
    if (flip()) add_background(BackgroundKind::bulk, "veth0", 250e6);
    if (flip()) add_background(BackgroundKind::flow, "eth0", 300e6);
  }

  void policies() {
    for (const std::string_view name : policy_names()) {
      if (between(0, 3) == 0) {
        config.policies.emplace_back();
        config.policies.back().name = name;
      }
    }
  }

  // Who polls.
  void napis() {
    std::get<NicConfig>(config.devices[0]).threaded = between(0, 3) == 0;
    VethConfig& veth = std::get<VethConfig>(config.devices[3]);
    veth.gro = flip();
    veth.threaded = veth.gro && flip();
  }

  sim::Stream draw_;
};

}  // namespace models
