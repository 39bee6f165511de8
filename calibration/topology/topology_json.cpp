// The description as JSON: everything that was read, each value with its source.
#include <nlohmann/json.hpp>

#include "calibration/topology/machine_part.h"
#include "calibration/topology/parse.h"
#include "calibration/topology/topology.h"

namespace calibration {
namespace {

using Json = nlohmann::ordered_json;

template <class T>
Json plain(const T& value) {
  return value;
}
Json plain(const CpuSet& cpus) { return format_cpus(cpus); }

template <class T>
Json json_of(const Known<T>& known) {
  Json result = {{"value", known ? plain(*known) : Json{}}, {"source", known.source}};
  if (!known.note.empty()) {
    result["note"] = known.note;
  }
  return result;
}

Json json_of(const std::vector<Setting>& settings) {
  Json result = Json::object();
  for (const Setting& setting : settings) {
    result[setting.name] = json_of(setting.value);
  }
  return result;
}

template <class T, class Convert>
Json list_of(const std::vector<T>& items, Convert convert) {
  Json result = Json::array();
  for (const T& item : items) {
    result.push_back(convert(item));
  }
  return result;
}

Json kernel_json(const KernelTopology& kernel) {
  Json features = Json::object();
  for (const auto& [name, on] : kernel.features) {
    features[name] = on;
  }
  return {{"release", json_of(kernel.release)},
          {"version", json_of(kernel.version)},
          {"scheduler", json_of(kernel.scheduler)},
          {"hz", json_of(kernel.hz)},
          {"preemption", json_of(kernel.preemption)},
          {"irq_time_accounting", json_of(kernel.irq_time_accounting)},
          {"autogroup", json_of(kernel.autogroup)},
          {"config", json_of(kernel.config)},
          {"clocksource", json_of(kernel.clocksource)},
          {"clocksources", json_of(kernel.clocksources)},
          {"features",
           {{"value", kernel.features.empty() ? Json{} : features}, {"source", kernel.features_source}}},
          {"tunables", json_of(kernel.tunables)},
          {"sysctls", json_of(kernel.sysctls)},
          {"boot_parameters", json_of(kernel.boot_parameters)},
          {"mitigations", json_of(kernel.mitigations)}};
}

Json cpus_json(const Topology& topology) {
  const auto cpu = [](const MachineCpu& each) {
    return Json{{"cpu", each.id},
                {"package", json_of(each.package)},
                {"core", json_of(each.core)},
                {"siblings", json_of(each.siblings)},
                {"cluster", json_of(each.cluster)},
                {"capacity", json_of(each.capacity)}};
  };
  const auto cache = [](const MachineCache& each) {
    return Json{{"level", each.level},
                {"type", each.type},
                {"bytes", json_of(each.bytes)},
                {"cpus", format_cpus(each.cpus)},
                {"source", each.source}};
  };
  const auto node = [](const NumaNode& each) {
    return Json{{"node", each.id}, {"cpus", json_of(each.cpus)}, {"distances", each.distances}};
  };
  return {{"model", json_of(topology.cpu_model)},
          {"hypervisor", json_of(topology.hypervisor)},
          {"hypervisor_kind", json_of(topology.hypervisor_kind)},
          {"vendor", json_of(topology.vendor)},
          {"online", json_of(topology.online)},
          {"possible", json_of(topology.possible)},
          {"isolated", json_of(topology.isolated)},
          {"nohz_full", json_of(topology.nohz_full)},
          {"smt", json_of(topology.smt)},
          {"list", list_of(topology.cpus, cpu)},
          {"caches", list_of(topology.caches, cache)},
          {"nodes", list_of(topology.nodes, node)}};
}

Json idle_json(const Topology& topology) {
  const auto state = [](const CpuidleState& each) {
    return Json{{"name", each.name},
                {"desc", json_of(each.desc)},
                {"latency_us", json_of(each.latency_us)},
                {"residency_us", json_of(each.residency_us)},
                {"disable", json_of(each.disable)},
                {"usage", json_of(each.usage)},
                {"time_us", json_of(each.time_us)}};
  };
  const auto cpu = [&](const CpuIdleStates& each) {
    return Json{{"cpu", each.cpu}, {"states", list_of(each.states, state)}};
  };
  const auto policy = [](const FrequencyPolicy& each) {
    return Json{{"name", each.name},
                {"cpus", json_of(each.cpus)},
                {"driver", json_of(each.driver)},
                {"governor", json_of(each.governor)},
                {"min_khz", json_of(each.min_khz)},
                {"max_khz", json_of(each.max_khz)},
                {"hardware_max_khz", json_of(each.hardware_max_khz)}};
  };
  return {{"driver", json_of(topology.cpuidle_driver)},
          {"governor", json_of(topology.cpuidle_governor)},
          {"cpus", list_of(topology.idle, cpu)},
          {"haltpoll", json_of(topology.haltpoll)},
          {"frequency", list_of(topology.frequency, policy)}};
}

Json domain_json(const SchedDomain& domain) {
  return {{"level", domain.level},
          {"name", domain.name},
          {"seen_by", format_cpus(domain.seen_by)},
          {"span", json_of(domain.span)},
          {"flags", json_of(domain.flags)},
          {"values", json_of(domain.values)},
          {"source", domain.source},
          {"note", domain.note}};
}

Json irq_json(const MachineIrq& irq) {
  Json counts = Json::object();
  for (const auto& [cpu, count] : irq.counts) {
    counts[std::to_string(cpu)] = count;
  }
  Json result = {{"irq", irq.number},  {"name", irq.name}, {"chip", irq.chip},
                 {"total", irq.total}, {"counts", counts}, {"source", irq.source}};
  if (irq.number.find_first_not_of("0123456789") == std::string::npos) {
    result["affinity"] = json_of(irq.affinity);
    result["effective_affinity"] = json_of(irq.effective_affinity);
    result["managed"] = json_of(irq.managed);
    result["unhandled"] = json_of(irq.unhandled);
  }
  return result;
}

Json block_json(const BlockDevice& device) {
  const auto queue = [](const BlockQueue& each) {
    return Json{{"queue", each.number}, {"cpus", json_of(each.cpus)}, {"tags", json_of(each.tags)}};
  };
  return {{"name", device.name},
          {"driver", json_of(device.driver)},
          {"queues", list_of(device.queues, queue)},
          {"irqs", device.irqs},
          {"scheduler", json_of(device.scheduler)},
          {"nr_requests", json_of(device.nr_requests)},
          {"rq_affinity", json_of(device.rq_affinity)},
          {"nomerges", json_of(device.nomerges)},
          {"io_poll", json_of(device.io_poll)},
          {"wbt_lat_us", json_of(device.wbt_lat_us)},
          {"rotational", json_of(device.rotational)}};
}

Json net_json(const NetDevice& device) {
  Json queues = Json::object();
  for (const NetQueue& queue : device.queues) {
    queues[queue.name] = json_of(queue.cpus);
  }
  return {{"name", device.name},
          {"driver", json_of(device.driver)},
          {"queues", queues},
          {"irqs", device.irqs},
          {"mtu", json_of(device.mtu)},
          {"speed_mbit", json_of(device.speed_mbit)},
          {"carrier", json_of(device.carrier)},
          {"threaded", json_of(device.threaded)},
          {"napi_defer_hard_irqs", json_of(device.napi_defer_hard_irqs)},
          {"gro_flush_timeout_ns", json_of(device.gro_flush_timeout_ns)},
          {"tx_queue_len", json_of(device.tx_queue_len)}};
}

Json keys_json(const std::vector<ScenarioKey>& keys) {
  Json result = Json::object();
  for (const ScenarioKey& key : keys) {
    Json value;
    if (!key.value.empty()) {
      value = key.value;
    }
    result[key.key] = {{"value", value}, {"comment", key.comment}};
  }
  return result;
}

}  // namespace

std::string topology_json(const Topology& topology) {
  const MachinePart part = machine_part(topology);
  const auto missed = [](const NotRead& each) {
    return Json{{"file", each.path}, {"why", each.why}, {"remedy", each.remedy}, {"count", each.count}};
  };
  const Json document = {{"schema", 1},
                         {"kind", "topology"},
                         {"root", topology.root},
                         {"scenario",
                          {{"host", keys_json(part.host)},
                           {"kernel", keys_json(part.kernel)},
                           {"devices", keys_json(part.devices)},
                           {"machine_cpus", part.machine_cpus}}},
                         {"kernel", kernel_json(topology.kernel)},
                         {"cpus", cpus_json(topology)},
                         {"sched_domains", list_of(topology.domains, domain_json)},
                         {"idle", idle_json(topology)},
                         {"interrupts", list_of(topology.irqs, irq_json)},
                         {"block", list_of(topology.block_devices, block_json)},
                         {"net", list_of(topology.net_devices, net_json)},
                         {"left_out", topology.devices_left_out},
                         {"not_read", list_of(topology.not_read, missed)},
                         {"warnings", topology.warnings}};
  // A path that is not UTF-8 must not end the program.
  return document.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace calibration
