// The half of validate.h that is about agents and background load.
#include <algorithm>
#include <string>
#include <variant>
#include <vector>

#include "scenarios/quantity.h"
#include "scenarios/suggest.h"
#include "scenarios/validate.h"
#include "scenarios/yaml_reader.h"

namespace scenarios {
namespace {

using models::BackgroundKind;
using sim::Nanos;

void validate_sched(const Checker& sched, const models::SchedConfig& config, const models::HostConfig& host) {
  sched.at("nice").range(config.nice, -20, 19);
  sched.at("rt_priority").range(config.rt_priority, 1, 99);
  if (config.slice != Nanos{0}) {
    sched.at("slice").require(config.slice >= sim::Nanos{100'000} && config.slice <= Nanos{100'000'000},
                              format_time(config.slice), "100us to 100ms: sched_setattr(2) clamps to that");
  }
  sched.at("cpus").cpu_list(config.cpus, host.topology.cpus);
  if (!config.cgroup.empty()) {
    std::vector<std::string> names;
    for (const models::CgroupConfig& cgroup : host.cgroups) {
      names.push_back(cgroup.name);
    }
    if (std::find(names.begin(), names.end(), config.cgroup) == names.end()) {
      sched.at("cgroup").fail(
          "the cgroup " + quoted(config.cgroup) + ", which host.cgroups does not have",
          names.empty() ? "a cgroup of host.cgroups; there is none" : "one of " + listed(names),
          did_you_mean(config.cgroup, names));
    }
  }
  sched.at("session").require(!config.session.empty(), "no name", "a session's name");
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
  use.fail(found,
           "a device of model " + kinds + (fitting.empty() ? "; there is none" : ": " + listed(fitting)),
           did_you_mean(name, fitting));
}

bool is_veth(const models::HostConfig& host, const std::string& name) {
  return std::any_of(host.devices.begin(), host.devices.end(), [&](const models::AnyDeviceConfig& device) {
    return std::holds_alternative<models::VethConfig>(device) && models::device_name(device) == name;
  });
}

const models::NicConfig* peered_nic(const models::HostConfig& host, const std::string& name) {
  for (const models::AnyDeviceConfig& device : host.devices) {
    const auto* nic = std::get_if<models::NicConfig>(&device);
    if (nic != nullptr && nic->name == name && !nic->peer.empty()) {
      return nic;
    }
  }
  return nullptr;
}

void validate_block_size(const Checker& size, sim::Bytes bytes) {
  constexpr std::int64_t sector = 512;
  size.require(sim::raw(bytes) > 0 && sim::raw(bytes) % sector == 0, format_bytes(bytes),
               "a multiple of 512B: O_DIRECT takes no other");
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

void validate_keys(const Checker& load, BackgroundKind kind) {
  const std::vector<std::string_view> keys = keys_of(kind);
  for (const std::string_view key : {"busy", "sleep", "device", "size", "rate"}) {
    const bool read = std::find(keys.begin(), keys.end(), key) != keys.end();
    if (!read && load.at(key).written()) {
      std::string known;
      for (const std::string_view each : keys) {
        known += (known.empty() ? "" : ", ") + std::string{each};
      }
      load.at(key).fail("a key that " + enumerator_name(kind) + " does not read",
                        known.empty() ? "none of its own" : "only " + known);
    }
  }
}

}  // namespace

void validate_agent(const Checker& agent, const models::AgentConfig& config, const models::HostConfig& host) {
  const int cpus = host.topology.cpus;
  agent.at("count").range(config.count, 1, most_host_tasks);
  if (config.home_cpu != -1) {
    agent.at("home_cpu").cpu(config.home_cpu, cpus);
  }
  validate_sched(agent.at("sched"), config.sched, host);
  validate_sched(agent.at("server_sched"), config.server_sched, host);
  agent.at("steps_per_session").at_least(config.steps_per_session, 1);
  if (agent.at("tool").written()) {
    validate_device_use(agent.at("tool.device"), host, config.tool.device, {"veth", "nic"});
    agent.at("tool.one_way")
        .require(config.tool.one_way == Nanos{0} || !is_veth(host, config.tool.device),
                 format_time(config.tool.one_way), "0ns on a veth: no wire lies between");
    agent.at("tool.one_way")
        .require(config.tool.one_way == Nanos{0} || peered_nic(host, config.tool.device) == nullptr,
                 format_time(config.tool.one_way), "0ns on a nic with a peer, whose key `cable` it is");
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

void validate_background(const Checker& load, const models::BackgroundConfig& config,
                         const models::HostConfig& host) {
  load.require(load.at("kind").written(), "no key 'kind'", "burst, bulk, writer, hog or flow");
  load.at("count").range(config.count, 1, most_host_tasks);
  validate_sched(load.at("sched"), config.sched, host);
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
    if (bulk && peered_nic(host, config.device) == nullptr) {
      validate_device_use(load.at("device"), host, config.device, {"veth"});
    }
    if (!bulk) {
      validate_device_use(load.at("device"), host, config.device, {"nic"});
      load.at("device").require(peered_nic(host, config.device) == nullptr, quoted(config.device),
                                "a nic without a peer: a flow comes from another machine");
    }
    load.at("size").at_least(sim::raw(config.size), 1);
  }
}

}  // namespace scenarios
