// The object `live` of results.json: which machine, what was set on it, and how each repetition went.
#include <fmt/format.h>

#include "scenarios/yaml_reader.h"
#include "tools/live/live_results.h"

namespace tools::live {
namespace {

using Json = nlohmann::ordered_json;

Json settings_json(const LivePlan& plan) {
  Json json = Json::array();
  for (const Setting& setting : plan.settings) {
    json.push_back({{"key", setting.key},
                    {"path", setting.path},
                    {"before", setting.before},
                    {"during", setting.wanted}});
  }
  return json;
}

Json cgroups_json(const LivePlan& plan) {
  Json json = Json::array();
  for (const CgroupPlan& cgroup : plan.cgroups) {
    Json files = Json::object();
    for (const auto& [name, value] : cgroup.files) {
      files[name] = value;
    }
    json.push_back({{"name", cgroup.name}, {"files", files}});
  }
  return json;
}

// The scheduling classes of who runs: "agent: fifo 50", for the reader of a table.
std::string sched_text(const models::SchedConfig& sched) {
  std::string text = scenarios::enumerator_name(sched.sched);
  if (sched.sched == models::SchedClass::fifo || sched.sched == models::SchedClass::rr) {
    text += fmt::format(" {}", sched.rt_priority);
  } else if (sched.nice != 0) {
    text += fmt::format(" nice {}", sched.nice);
  }
  if (sched.slice != sim::Nanos{0}) {
    text += fmt::format(" slice {} us", sched.slice.count() / 1000);
  }
  if (!sched.cpus.empty()) {
    text += " cpus " + fmt::format("{}", fmt::join(sched.cpus, ","));
  }
  return text + (sched.cgroup.empty() ? "" : " cgroup " + sched.cgroup);
}

Json sched_json(const models::HostConfig& host) {
  Json json = Json::object();
  for (const models::AgentConfig& agent : host.agents) {
    json[agent.name] = sched_text(agent.sched);
    if (!agent.tool.device.empty()) {
      json[agent.name + " server"] = sched_text(agent.server_sched);
    }
  }
  for (const models::BackgroundConfig& load : host.background) {
    json[load.name] = sched_text(load.sched);
  }
  return json;
}

Json run_row(const std::string& variant, const LiveRun& run) {
  const CpuTimes& cpu = run.result.counters.cpu;
  const auto total = static_cast<double>(cpu.total());
  return {{"file", run_stem(variant, run.repetition, run.captured()) + ".run.json"},
          {"capture", to_string(run.capture)},
          {"capture_label", run.captured() ? Json(run.result.capture.label) : Json(nullptr)},
          {"steps", run.steps},
          {"seconds", static_cast<double>(run.result.end_ns - run.result.start_ns) * 1e-9},
          {"steal_percent", total > 0 ? 100 * static_cast<double>(cpu.steal) / total : 0},
          {"spin_ns_before", run.result.spin_ns},
          {"spin_ns_after", run.result.spin_ns_after}};
}

Json variant_json(const scenarios::Report& report, std::size_t index, const LivePlan& plan,
                  const std::vector<LiveRun>& runs) {
  const scenarios::Variant& variant = *report.variants[index];
  Json rows = Json::array();
  for (const LiveRun& run : runs) {
    if (run.variant == index) {
      rows.push_back(run_row(variant.name, run));
    }
  }
  return {{"name", variant.name},
          {"against", variant.against},
          {"sched", sched_json(variant.host)},
          {"settings", settings_json(plan)},
          {"cgroups", cgroups_json(plan)},
          {"cpu_dma_latency_us",
           plan.cpu_dma_latency ? Json(plan.cpu_dma_latency->count() / 1000) : Json(nullptr)},
          {"accepted", plan.accepted},
          {"notes", plan.notes},
          {"runs", rows}};
}

}  // namespace

std::string machine_text(const LiveMachine& machine) {
  const calibration::Topology& topology = machine.topology;
  std::string text = topology.cpu_model.value.value_or("unknown CPU");
  text += topology.online ? fmt::format(", {} CPUs", topology.online->size()) : "";
  text += topology.hypervisor && *topology.hypervisor
              ? ", a virtual machine (" + topology.hypervisor_kind.value.value_or("unknown hypervisor") + ")"
              : "";
  return text;
}

std::string kernel_text(const LiveMachine& machine) {
  const calibration::KernelTopology& kernel = machine.topology.kernel;
  return "Linux " + kernel.release.value.value_or("of unknown release") + " " +
         kernel.version.value.value_or("");
}

Json live_json(const scenarios::Report& report, const LiveMachine& machine,
               const std::vector<LivePlan>& plans, const std::vector<LiveRun>& runs,
               const LiveProvenance& provenance) {
  const calibration::KernelTopology& kernel = machine.topology.kernel;
  Json variants = Json::array();
  for (std::size_t i = 0; i < report.variants.size(); ++i) {
    variants.push_back(variant_json(report, i, plans[i], runs));
  }
  return {{"machine", machine_text(machine)},
          {"kernel", kernel_text(machine)},
          {"scheduler", kernel.scheduler.value.value_or("unknown")},
          {"preemption", kernel.preemption.value.value_or("unknown")},
          {"capture", to_string(provenance.capture)},
          {"captures", provenance.captures},
          {"disk", provenance.disk},
          {"file_size", provenance.file_size},
          {"variants", variants}};
}

}  // namespace tools::live
