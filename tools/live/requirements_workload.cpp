// Who runs, and in which cgroups; the policies, of which a real kernel has only those that it is; `live:`.
#include <fmt/format.h>

#include <array>
#include <iterator>
#include <string_view>

#include "calibration/topology/parse.h"
#include "scenarios/quantity.h"
#include "scenarios/suggest.h"
#include "tools/live/journal_undo.h"
#include "tools/live/requirements_planner.h"

namespace tools::live {
namespace {

using models::SchedClass;

void plan_cpu_list(Planner& planner, const std::string& address, const std::vector<int>& cpus) {
  const auto& online = planner.machine.topology.online;
  calibration::CpuSet absent;
  std::copy_if(cpus.begin(), cpus.end(), std::back_inserter(absent),
               [&](int cpu) { return online && !calibration::contains(*online, cpu); });
  if (!absent.empty()) {
    planner.refuse(address, "CPUs " + calibration::format_cpus(*online) + " are online",
                   "CPUs " + calibration::format_cpus(absent), "", false);
  }
}

void plan_sched(Planner& planner, const std::string& address, const models::SchedConfig& sched) {
  plan_cpu_list(planner, address + ".cpus", sched.cpus);
  const auto release = planner.machine.topology.kernel.release
                           ? calibration::parse_release(*planner.machine.topology.kernel.release)
                           : std::nullopt;
  if (sched.slice != sim::Nanos{0} && release && *release < calibration::KernelVersion{6, 12}) {
    planner.refuse(address + ".slice",
                   "this machine runs " + *planner.machine.topology.kernel.release +
                       ": sched_setattr takes a fair task's slice from 6.12 on",
                   scenarios::format_time(sched.slice), "Linux 6.12 or later", false);
  }
  const bool real_time = sched.sched == SchedClass::fifo || sched.sched == SchedClass::rr;
  if (real_time) {
    planner.note(address +
                 ": real-time tasks leave others what the fair server (6.12 and later) or "
                 "kernel.sched_rt_runtime_us (before) gives them");
  }
}

// io_uring_disabled: 1 leaves it to root and one group, 2 to nobody.
void plan_io_uring(Planner& planner, const std::string& address) {
  const std::string path = planner.machine.file("/proc/sys/kernel/io_uring_disabled").string();
  if (value_of(path, "") == "2") {
    planner.refuse(address + ".read", "kernel.io_uring_disabled is 2", "io_uring",
                   "sysctl kernel.io_uring_disabled=0", false);
  }
}

void plan_agent(Planner& planner, const models::AgentConfig& agent) {
  const std::string address = "agents." + agent.name;
  plan_sched(planner, address + ".sched", agent.sched);
  plan_sched(planner, address + ".server_sched", agent.server_sched);
  if (!agent.read.device.empty()) {
    plan_io_uring(planner, address);
  }
  for (const char* key : {"latency_class", "home_cpu"}) {
    if (planner.named(address + "." + key)) {
      planner.note(address + "." + key + " is the proposal's: this kernel knows nothing of it");
    }
  }
}

void plan_policies(Planner& planner) {
  constexpr std::array<std::string_view, 2> descriptions{"kernel_default", "pack_on_running"};
  for (std::size_t i = 0; i < planner.variant.host.policies.size(); ++i) {
    const std::string& name = planner.variant.host.policies[i].name;
    if (std::find(descriptions.begin(), descriptions.end(), name) == descriptions.end()) {
      planner.refuse("policies." + name, "a stock kernel has no " + name, "the proposal's patch",
                     "a patched kernel");
    } else if (name == "pack_on_running") {
      planner.note(
          "policies.pack_on_running describes a kernel: live runs the one that is here, which may "
          "place tasks otherwise");
    }
  }
}

// Version 2 keeps tasks out of a cgroup whose children have the controller.
void refuse_inner_tasks(Planner& planner, const std::string& cgroup, const std::string& address) {
  if (planner.machine.cgroups.version != CgroupVersion::v2) {
    return;
  }
  for (const models::CgroupConfig& child : planner.variant.host.cgroups) {
    if (child.parent == cgroup && !cgroup.empty()) {
      planner.refuse(address, "cgroup v2 has no tasks in a cgroup with children (" + child.name + ")",
                     "tasks in " + cgroup, "tasks in leaves only", false);
      return;
    }
  }
}

const calibration::MachineIrq* find_irq(const Planner& planner, const std::string& name) {
  const auto& irqs = planner.machine.topology.irqs;
  const auto found = std::find_if(irqs.begin(), irqs.end(), [&](const calibration::MachineIrq& irq) {
    return irq.number == name || irq.name == name;
  });
  return found == irqs.end() ? nullptr : &*found;
}

void plan_irq(Planner& planner, const scenarios::LiveIrqAffinity& asked) {
  const std::string address = "live.irq_affinity." + asked.name;
  const std::string cpus = calibration::format_cpus(asked.cpus);
  const calibration::MachineIrq* irq = find_irq(planner, asked.name);
  if (irq == nullptr || !scenarios::parse_unsigned(irq->number)) {
    std::vector<std::string> names;
    for (const calibration::MachineIrq& each : planner.machine.topology.irqs) {
      if (scenarios::parse_unsigned(each.number)) {
        names.push_back(each.name);
      }
    }
    planner.refuse(address, "no such interrupt in /proc/interrupts", "it on CPUs " + cpus,
                   scenarios::did_you_mean(asked.name, names), false);
    return;
  }
  plan_cpu_list(planner, address, asked.cpus);
  if (irq->managed && *irq->managed) {
    planner.refuse(address,
                   "the kernel manages this vector and lets nobody move it" +
                       (irq->managed.note.empty() ? "" : " (" + irq->managed.note + ")"),
                   "it on CPUs " + cpus);
    return;
  }
  planner.want(address, "/proc/irq/" + irq->number + "/smp_affinity_list", cpus);
}

void plan_io_scheduler(Planner& planner, const scenarios::LiveText& asked) {
  const std::string address = "live.io_scheduler." + asked.name;
  const std::string path = "/sys/block/" + asked.name + "/queue/scheduler";
  planner.want(address, path, asked.value, "cat " + path + " lists them");
}

// Of the workload's own namespaces: nothing of the machine's is set.
void plan_congestion_control(Planner& planner, const std::string& asked) {
  const std::string path = "/proc/sys/net/ipv4/tcp_available_congestion_control";
  const std::string available = value_of(planner.machine.file(path).string(), "").value_or("");
  const std::vector<std::string> names = calibration::words(available);
  if (!asked.empty() && std::find(names.begin(), names.end(), asked) == names.end()) {
    planner.refuse("live.tcp_congestion_control", "this kernel has " + available, asked,
                   "modprobe tcp_" + asked, false);
  }
}

}  // namespace

void plan_workload(Planner& planner) {
  const models::HostConfig& host = planner.variant.host;
  for (const models::AgentConfig& agent : host.agents) {
    plan_agent(planner, agent);
    refuse_inner_tasks(planner, agent.sched.cgroup, "agents." + agent.name + ".sched.cgroup");
    refuse_inner_tasks(planner, agent.server_sched.cgroup, "agents." + agent.name + ".server_sched.cgroup");
  }
  for (const models::BackgroundConfig& load : host.background) {
    const std::string address = "background." + load.name;
    plan_sched(planner, address + ".sched", load.sched);
    refuse_inner_tasks(planner, load.sched.cgroup, address + ".sched.cgroup");
    if (load.kind == models::BackgroundKind::flow) {
      planner.refuse(address + ".kind", "a flow comes from another machine, which live has not", "flow",
                     "bulk", false);
    }
  }
  plan_policies(planner);
  if (host.tracer.program != models::TracerProgram::none) {
    planner.refuse("tracer.program", "live traces by --captures, with one program of its own",
                   scenarios::enumerator_name(host.tracer.program), "chainsim capture --seed-programs");
  }
}

void plan_cgroups(Planner& planner) {
  const std::vector<models::CgroupConfig>& cgroups = planner.variant.host.cgroups;
  if (cgroups.empty()) {
    return;
  }
  const CgroupRoot& root = planner.machine.cgroups;
  if (root.version == CgroupVersion::none) {
    planner.refuse("host.cgroups", "no cgroup hierarchy with the cpu controller", "cgroups",
                   "mount -t cgroup2 none /sys/fs/cgroup", false);
    return;
  }
  if (root.needs_enabling) {
    planner.plan.settings.push_back({.key = "host.cgroups",
                                     .path = (root.path / "cgroup.subtree_control").string(),
                                     .before = "-cpu",
                                     .wanted = "+cpu",
                                     .place = planner.place("host.cgroups")});
  }
  planner.plan.cgroups = live::plan_cgroups(cgroups, root, planner.machine.pid);
}

void plan_live_section(Planner& planner) {
  const scenarios::LiveConfig& live = planner.variant.live;
  for (const scenarios::LiveIrqAffinity& irq : live.irq_affinity) {
    plan_irq(planner, irq);
  }
  for (const scenarios::LiveText& disk : live.io_scheduler) {
    plan_io_scheduler(planner, disk);
  }
  plan_congestion_control(planner, live.tcp_congestion_control);
  for (const scenarios::LiveText& sysctl : live.sysctls) {
    std::string path = "/proc/sys/" + sysctl.name;
    std::replace(path.begin() + static_cast<std::ptrdiff_t>(std::string_view{"/proc/sys/"}.size()),
                 path.end(), '.', '/');
    planner.want("live.sysctls." + sysctl.name, path, sysctl.value);
  }
}

}  // namespace tools::live
