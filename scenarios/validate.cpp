#include "scenarios/validate.h"

#include <algorithm>
#include <string>
#include <variant>
#include <vector>

#include "models/policies/policies.h"
#include "scenarios/quantity.h"
#include "scenarios/suggest.h"

namespace scenarios {
namespace {

using sim::Nanos;

constexpr int most_cpus = 1024;

void validate_topology(const Checker& host, const models::TopologyConfig& topology) {
  host.at("cpus").range(topology.cpus, 1, most_cpus);
  host.at("smt").range(topology.smt, 1, 8);
  const std::string of_cpus = " of host.cpus = " + std::to_string(topology.cpus);
  host.at("smt").require(topology.cpus % topology.smt == 0, std::to_string(topology.smt),
                         "a divisor" + of_cpus);
  host.at("llc_cpus").range(topology.llc_cpus, 0, topology.cpus);
  if (topology.llc_cpus > 0) {
    host.at("llc_cpus")
        .require(topology.cpus % topology.llc_cpus == 0 && topology.llc_cpus % topology.smt == 0,
                 std::to_string(topology.llc_cpus), "whole cores, and a divisor" + of_cpus);
  }
  host.at("idle").require(!topology.idle.empty(), "no idle state", "one at least, such as {state: c1}");
  for (std::size_t i = 1; i < topology.idle.size(); ++i) {
    const bool ascending = topology.idle[i - 1].target_residency <= topology.idle[i].target_residency;
    host.at("idle").require(ascending, "a residency below that of the state before",
                            "the shallowest state first");
  }
  host.at("idle").require(std::any_of(topology.idle.begin(), topology.idle.end(),
                                      [](const models::IdleStateConfig& state) { return !state.disabled; }),
                          "no idle state that is not disabled", "one at least");
  host.at("cpu_speed")
      .require(topology.cpu_speed.size() <= static_cast<std::size_t>(topology.cpus),
               std::to_string(topology.cpu_speed.size()) + " CPUs", "one for each CPU at most");
  for (const int speed : topology.cpu_speed) {
    host.at("cpu_speed").range(speed, 64, 16 * models::full_speed);
  }
  host.at("smt_speed").range(topology.smt_speed, 64, models::full_speed);
  if (const Checker interval = host.at("steal").at("interval"); interval.written()) {
    interval.positive(topology.steal.interval);
  }
  const models::HaltpollConfig& haltpoll = topology.haltpoll;
  host.at("haltpoll").at("guest_halt_poll_grow").at_least(haltpoll.guest_halt_poll_grow, 1);
  host.at("haltpoll").at("guest_halt_poll_shrink").at_least(haltpoll.guest_halt_poll_shrink, 0);
}

void validate_cgroups(const Checker& cgroups, const std::vector<models::CgroupConfig>& configs) {
  std::vector<std::string> before;
  for (const models::CgroupConfig& config : configs) {
    const Checker cgroup = cgroups.at(config.name);
    cgroup.at("weight").range(config.weight, 1, 10'000);
    if (config.cpu_max != Nanos{0}) {
      cgroup.at("cpu_max").require(config.cpu_max >= Nanos{1'000'000}, format_time(config.cpu_max),
                                   "1ms or more of CPU time per period; 0 for no limit");
    }
    cgroup.at("period").require(config.period >= Nanos{1'000'000} && config.period <= Nanos{1'000'000'000},
                                format_time(config.period), "1ms to 1s");
    if (!config.parent.empty() && std::find(before.begin(), before.end(), config.parent) == before.end()) {
      cgroup.at("parent").fail("the parent " + quoted(config.parent),
                               before.empty() ? "a cgroup listed before; there is none"
                                              : "a cgroup listed before: " + listed(before),
                               did_you_mean(config.parent, before));
    }
    before.push_back(config.name);
  }
}

void validate_kernel(const Checker& kernel, const models::KernelConfig& config) {
  const bool known_hz = config.hz == 100 || config.hz == 250 || config.hz == 300 || config.hz == 1000;
  kernel.at("hz").require(known_hz, std::to_string(config.hz), "100, 250, 300 or 1000");
  kernel.at("base_slice")
      .require(config.base_slice >= sim::Nanos{100'000} && config.base_slice <= Nanos{100'000'000},
               format_time(config.base_slice), "100us to 100ms");
  kernel.at("netdev_budget").at_least(config.netdev_budget, 1);
  kernel.at("dev_weight").at_least(config.dev_weight, 1);
  kernel.at("gro_normal_batch").at_least(config.gro_normal_batch, 1);
  kernel.at("netdev_max_backlog").at_least(config.netdev_max_backlog, 1);
  kernel.at("rq_affinity").range(config.rq_affinity, 0, 2);
  const models::FairServerConfig& server = config.fair_server;
  kernel.at("fair_server")
      .require(server.runtime >= Nanos{0} && server.runtime <= server.period && server.period > Nanos{0},
               format_time(server.runtime) + " in " + format_time(server.period),
               "a runtime that fits into the period");
  kernel.at("timer_softirq_interval").positive(config.timer_softirq_interval);
  kernel.at("rcu_softirq_interval").positive(config.rcu_softirq_interval);
}

void validate_device(const Checker& device, const models::NicConfig& nic, int cpus) {
  device.at("queues").range(nic.queues, 1, most_cpus);
  device.at("ring").range(nic.ring, 1, 1 << 20);
  device.at("tx_ring").range(nic.tx_ring, 1, 1 << 20);
  device.at("mss").range(nic.mss, 1, 65535);
  device.at("link_rate").require(sim::raw(nic.link_rate) > 0, format_rate(nic.link_rate), "more than 0");
  device.at("moderation.rx_frames").at_least(nic.moderation.rx_frames, 0);
  for (const int cpu : nic.irq_cpus) {
    device.at("irq_cpus").cpu(cpu, cpus);
  }
  device.at("irq_cpus")
      .require(nic.irq_cpus.size() <= static_cast<std::size_t>(nic.queues),
               std::to_string(nic.irq_cpus.size()) + " CPUs",
               "one for each of its " + std::to_string(nic.queues) + " queues at most");
  if (nic.tx_irq_cpu != -1) {
    device.at("tx_irq_cpu").cpu(nic.tx_irq_cpu, cpus);
  }
  device.at("tso").require(nic.tso || !nic.peer.empty(), "false without a peer", "a peer, whose frames are segments");
}

// A cable has two ends, and each names the other.
void validate_peers(const Checker& devices, const models::HostConfig& host) {
  for (const models::AnyDeviceConfig& device : host.devices) {
    const auto* nic = std::get_if<models::NicConfig>(&device);
    if (nic == nullptr || nic->peer.empty()) {
      continue;
    }
    const bool mutual =
        std::any_of(host.devices.begin(), host.devices.end(), [&](const models::AnyDeviceConfig& other) {
          const auto* peer = std::get_if<models::NicConfig>(&other);
          return peer != nullptr && peer->name == nic->peer && peer->peer == nic->name && peer != nic;
        });
    devices.at(nic->name).at("peer").require(mutual, quoted(nic->peer),
                                             "another nic, whose peer is " + quoted(nic->name));
  }
}

void validate_device(const Checker& device, const models::NvmeConfig& nvme, int /*cpus*/) {
  device.at("queues").range(nvme.queues, 1, most_cpus);
  device.at("queue_depth").range(nvme.queue_depth, 1, 65535);
  device.at("channels").range(nvme.channels, 1, 64);
  device.at("channel_rate")
      .require(sim::raw(nvme.channel_rate) > 0, format_rate(nvme.channel_rate), "more than 0");
  device.at("coalescing.aggregation_threshold").range(nvme.coalescing.aggregation_threshold, 1, 256);
}

void validate_device(const Checker& device, const models::VirtioBlkConfig& disk, int /*cpus*/) {
  device.at("num_queues").range(disk.num_queues, 1, most_cpus);
  device.at("queue_size").range(disk.queue_size, 1, 32768);
}

void validate_device(const Checker& device, const models::VethConfig& veth, int /*cpus*/) {
  device.at("threaded")
      .require(!veth.threaded || veth.gro, "threaded without gro",
               "gro: true, without which a veth has no NAPI that a thread could poll");
}

void validate_policy(const Checker& policy, const models::PolicyConfig& config) {
  std::vector<std::string> names;
  for (const std::string_view name : models::policy_names()) {
    names.emplace_back(name);
  }
  if (std::find(names.begin(), names.end(), config.name) == names.end()) {
    policy.at("name").fail("unknown policy " + quoted(config.name), "one of " + listed(names),
                           did_you_mean(config.name, names));
  }
  const auto percent = [&](std::string_view key, double value) {
    policy.at(key).require(value >= 0 && value <= 100, std::to_string(value), "0 to 100");
  };
  percent("irq_hot_percent", config.irq_hot_percent);
  percent("softirq_hot_percent", config.softirq_hot_percent);
  policy.at("packet_budget").at_least(config.packet_budget, 1);
  policy.at("time_budget").positive(config.time_budget);
  policy.at("limit").at_least(config.limit, 0);
  policy.at("utilisation_gate")
      .require(config.utilisation_gate >= 0 && config.utilisation_gate <= 1,
               std::to_string(config.utilisation_gate), "0 to 1");
}

}  // namespace

void validate_run(const Yaml& root, const RunConfig& run) {
  const Checker checker{root, "run"};
  for (const std::string_view key : {"warmup", "duration"}) {
    checker.require(checker.at(key).written(), "no key " + quoted(key), "it to be given, such as 1s");
  }
  checker.at("warmup").positive(run.warmup);
  checker.at("duration").positive(run.duration);
  checker.at("replications").range(run.replications, 1, 100'000);
}

void validate_host(const Yaml& root, const models::HostConfig& host) {
  const Checker file{root, ""};
  validate_topology(file.at("host"), host.topology);
  validate_kernel(file.at("host.kernel"), host.kernel);
  validate_cgroups(file.at("host.cgroups"), host.cgroups);
  for (const models::AnyDeviceConfig& device : host.devices) {
    const Checker checker = file.at("devices").at(models::device_name(device));
    std::visit([&](const auto& config) { validate_device(checker, config, host.topology.cpus); }, device);
  }
  validate_peers(file.at("devices"), host);
  for (const models::PolicyConfig& policy : host.policies) {
    validate_policy(file.at("policies").at(policy.name), policy);
  }
  std::int64_t tasks = 0;
  for (const models::AgentConfig& agent : host.agents) {
    validate_agent(file.at("agents").at(agent.name), agent, host);
    tasks += agent.count;
  }
  for (const models::BackgroundConfig& load : host.background) {
    validate_background(file.at("background").at(load.name), load, host);
    tasks += load.count;
  }
  file.at("agents").require(tasks > 0, "nobody who runs", "one agent at least");
  file.at("agents").require(tasks <= most_host_tasks, std::to_string(tasks) + " tasks", "100000 at most");
}

void refuse_managed_vectors(const Yaml& device, std::string_view model) {
  const Yaml::Entry* entry = device.entry("irq_cpus");
  if (entry != nullptr && (model == models::NvmeConfig::model || model == models::VirtioBlkConfig::model)) {
    const Yaml* name = device.find("name");
    input_error(entry->key_place,
                "irq_cpus, but the vectors of " + (name == nullptr ? "this device" : name->scalar) +
                    " are managed by the kernel and cannot be moved",
                "no such key (write to smp_affinity: EPERM)");
  }
}

}  // namespace scenarios
