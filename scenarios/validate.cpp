#include "scenarios/validate.h"

#include <algorithm>
#include <string>
#include <type_traits>
#include <variant>
#include <vector>

#include "models/policies/policies.h"
#include "scenarios/quantity.h"
#include "scenarios/suggest.h"

namespace scenarios {
namespace {

using models::BackgroundKind;
using sim::Nanos;

constexpr int most_cpus = 1024;
constexpr int most_tasks = 100'000;

// Checks of values under one address, each an InputError at the value (or at the nearest thing written).
class Checker {
 public:
  Checker(const Yaml& root, std::string address) : root_{root}, address_{std::move(address)} {}

  Checker at(std::string_view key) const {
    return {root_, address_.empty() ? std::string{key} : address_ + "." + std::string{key}};
  }
  bool written() const { return nearest(root_, address_).address == address_; }
  const std::string& address() const { return address_; }

  [[noreturn]] void fail(const std::string& found, const std::string& expected,
                         const std::string& suggestion = "") const {
    const Yaml& node = nearest(root_, address_);
    input_error(node.place, found + " for " + address_, expected, suggestion);
  }
  void require(bool condition, const std::string& found, const std::string& expected) const {
    if (!condition) {
      fail(found, expected);
    }
  }
  void range(std::int64_t value, std::int64_t low, std::int64_t high) const {
    require(value >= low && value <= high, std::to_string(value), std::to_string(low) + " to " + std::to_string(high));
  }
  void at_least(std::int64_t value, std::int64_t low) const {
    require(value >= low, std::to_string(value), std::to_string(low) + " or more");
  }
  void positive(Nanos value) const { require(value > Nanos{0}, format_time(value), "more than 0ns"); }
  void positive(const sim::Distribution& value) const {
    require(written(), "nothing", "a time or a distribution");
    require(value.mean_ns() > 0, value.describe(), "more than 0ns");
  }
  void cpu(int value, int cpus) const {
    require(value >= 0 && value < cpus, "CPU " + std::to_string(value) + ", which is absent,",
            "0 to " + std::to_string(cpus - 1) + ": host.cpus is " + std::to_string(cpus));
  }
  void cpu_list(const std::vector<int>& list, int cpus) const {
    require(!written() || !list.empty(), "an empty list of CPUs", "one CPU at least, or no such key");
    for (std::size_t i = 0; i < list.size(); ++i) {
      cpu(list[i], cpus);
      require(std::find(list.begin(), list.begin() + static_cast<std::ptrdiff_t>(i), list[i]) ==
                  list.begin() + static_cast<std::ptrdiff_t>(i),
              "CPU " + std::to_string(list[i]) + " twice", "each CPU once");
    }
  }

 private:
  const Yaml& root_;
  std::string address_;
};

void validate_topology(const Checker& host, const models::TopologyConfig& topology) {
  host.at("cpus").range(topology.cpus, 1, most_cpus);
  host.at("smt").range(topology.smt, 1, 8);
  const std::string of_cpus = " of host.cpus = " + std::to_string(topology.cpus);
  host.at("smt").require(topology.cpus % topology.smt == 0, std::to_string(topology.smt), "a divisor" + of_cpus);
  host.at("llc_cpus").range(topology.llc_cpus, 0, topology.cpus);
  if (topology.llc_cpus > 0) {
    host.at("llc_cpus").require(topology.cpus % topology.llc_cpus == 0 && topology.llc_cpus % topology.smt == 0,
                                std::to_string(topology.llc_cpus), "whole cores, and a divisor" + of_cpus);
  }
  host.at("idle").require(!topology.idle.empty(), "no idle state", "one at least, such as {state: c1}");
  for (std::size_t i = 1; i < topology.idle.size(); ++i) {
    const bool ascending = topology.idle[i - 1].target_residency <= topology.idle[i].target_residency;
    host.at("idle").require(ascending, "a residency below that of the state before",
                            "the shallowest state first");
  }
}

void validate_kernel(const Checker& kernel, const models::KernelConfig& config) {
  const bool known_hz = config.hz == 100 || config.hz == 250 || config.hz == 300 || config.hz == 1000;
  kernel.at("hz").require(known_hz, std::to_string(config.hz), "100, 250, 300 or 1000");
  kernel.at("base_slice").require(config.base_slice >= sim::Nanos{100'000} && config.base_slice <= Nanos{100'000'000},
                                  format_time(config.base_slice), "100us to 100ms");
  kernel.at("netdev_budget").at_least(config.netdev_budget, 1);
  kernel.at("dev_weight").at_least(config.dev_weight, 1);
  kernel.at("gro_normal_batch").at_least(config.gro_normal_batch, 1);
  kernel.at("netdev_max_backlog").at_least(config.netdev_max_backlog, 1);
  kernel.at("rq_affinity").range(config.rq_affinity, 0, 2);
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
  device.at("irq_cpus").require(nic.irq_cpus.size() <= static_cast<std::size_t>(nic.queues),
                                std::to_string(nic.irq_cpus.size()) + " CPUs",
                                "one for each of its " + std::to_string(nic.queues) + " queues at most");
}

void validate_device(const Checker& device, const models::NvmeConfig& nvme, int /*cpus*/) {
  device.at("queues").range(nvme.queues, 1, most_cpus);
  device.at("queue_depth").range(nvme.queue_depth, 1, 65535);
  device.at("channels").range(nvme.channels, 1, 64);
  device.at("channel_rate").require(sim::raw(nvme.channel_rate) > 0, format_rate(nvme.channel_rate), "more than 0");
  device.at("coalescing.aggregation_threshold").range(nvme.coalescing.aggregation_threshold, 1, 256);
}

void validate_device(const Checker& device, const models::VirtioBlkConfig& disk, int /*cpus*/) {
  device.at("num_queues").range(disk.num_queues, 1, most_cpus);
  device.at("queue_size").range(disk.queue_size, 1, 32768);
}

void validate_device(const Checker& /*device*/, const models::VethConfig& /*veth*/, int /*cpus*/) {}

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
  policy.at("utilisation_gate").require(config.utilisation_gate >= 0 && config.utilisation_gate <= 1,
                                        std::to_string(config.utilisation_gate), "0 to 1");
}

void validate_sched(const Checker& sched, const models::SchedConfig& config, int cpus) {
  sched.at("nice").range(config.nice, -20, 19);
  sched.at("rt_priority").range(config.rt_priority, 1, 99);
  if (config.slice != Nanos{0}) {
    sched.at("slice").require(config.slice >= sim::Nanos{100'000} && config.slice <= Nanos{100'000'000},
                              format_time(config.slice), "100us to 100ms: sched_setattr(2) clamps to that");
  }
  sched.at("cpus").cpu_list(config.cpus, cpus);
}

// The device called `name`, which must be one of `models`.
void validate_device_use(const Checker& use, const models::HostConfig& host, const std::string& name,
                         const std::vector<std::string_view>& models) {
  std::vector<std::string> fitting;
  std::string model;
  for (const models::AnyDeviceConfig& device : host.devices) {
    const std::string_view its_model = std::visit([](const auto& config) { return config.model; }, device);
    if (std::find(models.begin(), models.end(), its_model) != models.end()) {
      fitting.push_back(models::device_name(device));
    }
    if (models::device_name(device) == name) {
      model = its_model;
    }
  }
  if (std::find(fitting.begin(), fitting.end(), name) != fitting.end()) {
    return;
  }
  std::string kinds;
  for (const std::string_view kind : models) {
    kinds += (kinds.empty() ? "" : " or ") + std::string{kind};
  }
  const std::string found = name.empty()    ? "no device"
                            : model.empty() ? "the device " + quoted(name) + ", which does not exist,"
                                            : "the " + model + " " + quoted(name);
  use.fail(found, "a device of model " + kinds + (fitting.empty() ? "; there is none" : ": " + listed(fitting)),
           did_you_mean(name, fitting));
}

bool is_veth(const models::HostConfig& host, const std::string& name) {
  return std::any_of(host.devices.begin(), host.devices.end(), [&](const models::AnyDeviceConfig& device) {
    return std::holds_alternative<models::VethConfig>(device) && models::device_name(device) == name;
  });
}

void validate_block_size(const Checker& size, sim::Bytes bytes) {
  constexpr std::int64_t sector = 512;
  size.require(sim::raw(bytes) > 0 && sim::raw(bytes) % sector == 0, format_bytes(bytes),
               "a multiple of 512B: O_DIRECT takes no other");
}

void validate_agent(const Checker& agent, const models::AgentConfig& config, const models::HostConfig& host) {
  const int cpus = host.topology.cpus;
  agent.at("count").range(config.count, 1, most_tasks);
  if (config.home_cpu != -1) {
    agent.at("home_cpu").cpu(config.home_cpu, cpus);
  }
  validate_sched(agent.at("sched"), config.sched, cpus);
  validate_sched(agent.at("server_sched"), config.server_sched, cpus);
  agent.at("steps_per_session").at_least(config.steps_per_session, 1);
  if (agent.at("tool").written()) {
    validate_device_use(agent.at("tool.device"), host, config.tool.device, {"veth", "nic"});
    agent.at("tool.one_way").require(config.tool.one_way == Nanos{0} || !is_veth(host, config.tool.device),
                                     format_time(config.tool.one_way), "0ns on a veth: no wire lies between");
    agent.at("tool.request").at_least(sim::raw(config.tool.request), 1);
    agent.at("tool.reply").at_least(sim::raw(config.tool.reply), 1);
  }
  if (agent.at("read").written()) {
    validate_device_use(agent.at("read.device"), host, config.read.device, {"nvme", "virtio_blk"});
    agent.at("read.count").range(config.read.count, 1, 4096);
    validate_block_size(agent.at("read.size"), config.read.size);
  }
  const bool waits = config.think.mean_ns() > 0 || agent.at("tool").written() || agent.at("read").written();
  agent.require(waits, "an agent that never waits", "a think time, a tool call or reads");
}

// Which keys each kind of background load reads, beyond name, kind, count and sched.
std::vector<std::string_view> keys_of(BackgroundKind kind) {
  switch (kind) {
    case BackgroundKind::burst:
      return {"busy", "sleep"};
    case BackgroundKind::hog:
      return {};
    case BackgroundKind::bulk:
    case BackgroundKind::writer:
      return {"device", "rate", "size"};
    case BackgroundKind::flow:
      return {"device", "rate"};
  }
  return {};
}

std::string_view kind_name(BackgroundKind kind) {
  std::string_view result;
  enumerators(static_cast<BackgroundKind*>(nullptr), [&](std::string_view name, BackgroundKind each) {
    if (each == kind) {
      result = name;
    }
  });
  return result;
}

void validate_keys(const Checker& load, BackgroundKind kind) {
  const std::vector<std::string_view> keys = keys_of(kind);
  for (const std::string_view key : {"busy", "sleep", "device", "size", "rate"}) {
    const bool read = std::find(keys.begin(), keys.end(), key) != keys.end();
    if (!read && load.at(key).written()) {
      std::string known;
      for (const std::string_view each : keys) {
        known += (known.empty() ? "" : ", ") + std::string{each};
      }
      load.at(key).fail("a key that " + std::string{kind_name(kind)} + " does not read",
                        known.empty() ? "none of its own" : "only " + known);
    }
  }
}

void validate_background(const Checker& load, const models::BackgroundConfig& config, const models::HostConfig& host) {
  load.require(load.at("kind").written(), "no key 'kind'", "burst, bulk, writer, hog or flow");
  load.at("count").range(config.count, 1, most_tasks);
  validate_sched(load.at("sched"), config.sched, host.topology.cpus);
  validate_keys(load, config.kind);
  if (config.kind == BackgroundKind::hog) {
    return;
  }
  if (config.kind == BackgroundKind::burst) {
    load.at("busy").positive(config.busy);
    load.at("sleep").positive(config.sleep);
    return;
  }
  load.at("rate").require(sim::raw(config.rate) > 0, load.at("rate").written() ? "0" : "nothing",
                          "more than 0, such as 60MB/s");
  if (config.kind == BackgroundKind::writer) {
    validate_device_use(load.at("device"), host, config.device, {"nvme", "virtio_blk"});
    validate_block_size(load.at("size"), config.size);
  } else {
    const bool bulk = config.kind == BackgroundKind::bulk;
    validate_device_use(load.at("device"), host, config.device, {bulk ? "veth" : "nic"});
    load.at("size").at_least(sim::raw(config.size), 1);
  }
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
  for (const models::AnyDeviceConfig& device : host.devices) {
    const Checker checker = file.at("devices").at(models::device_name(device));
    std::visit([&](const auto& config) { validate_device(checker, config, host.topology.cpus); }, device);
  }
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
  file.at("agents").require(tasks <= most_tasks, std::to_string(tasks) + " tasks", "100000 at most");
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
