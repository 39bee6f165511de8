// What the kernel is and how it was told to behave, but for its scheduler.
#include <algorithm>

#include "calibration/topology/parse.h"
#include "calibration/topology/readers.h"
#include "scenarios/input_error.h"
#include "scenarios/quantity.h"

namespace calibration {
namespace {

// Of the command line only these are looked at and kept: it may hold what is nobody's business.
bool bears_on_latency(std::string_view parameter) {
  constexpr std::string_view names[] = {
      "preempt",     "isolcpus",    "nohz_full",    "nohz",    "nohz.skip",   "rcu_nocbs",    "rcu_nocb_poll",
      "irqaffinity", "threadirqs",  "idle",         "nosmt",   "skew_tick",   "tsc",          "clocksource",
      "noautogroup", "mitigations", "kthread_cpus", "highres", "cpufreq.off", "nosoftlockup", "nmi_watchdog"};
  if (std::find(std::begin(names), std::end(names), parameter) != std::end(names)) {
    return true;
  }
  for (const std::string_view prefix : {"cpuidle", "haltpoll.", "intel_idle.", "processor.max_cstate",
                                        "intel_pstate", "amd_pstate", "sched_", "nvme.", "virtio_blk."}) {
    if (parameter.compare(0, prefix.size(), prefix) == 0) {
      return true;
    }
  }
  return false;
}

void read_boot_parameters(FileTree& tree, KernelTopology& kernel) {
  const std::string path = "/proc/cmdline";
  const auto text = tree.text(path, 16 * 1024, FileTree::Keep::no);
  if (!text) {
    return;
  }
  std::string kept;
  for (const std::string& word : words(*text)) {
    const std::size_t equals = std::min(word.find('='), word.size());
    const std::string name = word.substr(0, equals);
    if (word == "--") {  // what follows is init's
      break;
    }
    if (bears_on_latency(name)) {
      const std::string value = shortened(word.substr(std::min(equals + 1, word.size())));
      std::erase_if(kernel.boot_parameters, [&](const Setting& each) { return each.name == name; });
      kernel.boot_parameters.push_back(
          {name, {.value = value, .source = path, .note = {}}});  // the last counts
      kept += (kept.empty() ? "" : " ") + name + (equals < word.size() ? "=" + value : "");
    }
  }
  tree.keep(path, kept + "\n");
}

void read_release(FileTree& tree, KernelTopology& kernel) {
  kernel.release = tree.line("/proc/sys/kernel/osrelease");
  kernel.version = tree.line("/proc/sys/kernel/version");
  if (kernel.release && !parse_release(*kernel.release)) {
    tree.warn(kernel.release.source, 1, scenarios::quoted(*kernel.release), "a release such as 6.12.3");
    kernel.release.value.reset();
    kernel.release.note = "no release";
  }
}

void apply_config(const KernelConfigFile& config, KernelTopology& kernel, FileTree& tree) {
  const bool found = !config.options.empty();
  const std::string missing = "the kernel's configuration was not found";
  kernel.config = {.value = found ? std::optional{config.source} : std::nullopt,
                   .source = config.source,
                   .note = found ? "" : missing};
  kernel.hz = {.value = {}, .source = config.source, .note = missing};
  kernel.irq_time_accounting = {.value = {}, .source = config.source, .note = missing};
  if (!found) {
    return;
  }
  if (!kernel.release && !config.release.empty()) {
    kernel.release = {.value = config.release, .source = config.source, .note = "inferred: its heading"};
  }
  const std::string* hz = config.find("CONFIG_HZ");
  kernel.hz.note = "no CONFIG_HZ in it";
  if (hz != nullptr) {
    kernel.hz.value = scenarios::parse_integer(*hz);
    kernel.hz.note = kernel.hz ? "" : "no number";
  }
  if (hz != nullptr && (!kernel.hz || *kernel.hz <= 0 || *kernel.hz > 100'000)) {
    tree.warn(config.source, 0, "CONFIG_HZ=" + *hz, "a number of ticks per second");
    kernel.hz.value.reset();
    kernel.hz.note = "no number of ticks";
  }
  const std::string* irq_time = config.find("CONFIG_IRQ_TIME_ACCOUNTING");
  kernel.irq_time_accounting.value = irq_time != nullptr && *irq_time == "y";
  kernel.irq_time_accounting.note = irq_time == nullptr ? "not among the options" : "";
}

}  // namespace

std::vector<Setting> read_settings(FileTree& tree, const std::string& directory,
                                   std::initializer_list<std::string_view> names) {
  std::vector<Setting> settings;
  for (const std::string_view name : names) {
    settings.push_back({std::string{name}, tree.line(directory + "/" + std::string{name})});
  }
  return settings;
}

const Known<std::string>* find_setting(const std::vector<Setting>& settings, std::string_view name) {
  const auto found =
      std::find_if(settings.begin(), settings.end(), [&](const Setting& each) { return each.name == name; });
  return found == settings.end() ? nullptr : &found->value;
}

void read_kernel(FileTree& tree, Topology& topology) {
  KernelTopology& kernel = topology.kernel;
  read_release(tree, kernel);
  read_boot_parameters(tree, kernel);
  const KernelConfigFile config = read_kernel_config(tree, kernel.release);
  apply_config(config, kernel, tree);
  read_scheduler(tree, topology, config);
  kernel.sysctls =
      read_settings(tree, "/proc/sys/net/core",
                    {"netdev_budget", "netdev_budget_usecs", "dev_weight", "dev_weight_rx_bias",
                     "gro_normal_batch", "netdev_max_backlog", "busy_poll", "busy_read", "default_qdisc",
                     "rps_sock_flow_entries", "flow_limit_table_len", "skb_defer_max"});
  const std::string clocksource = "/sys/devices/system/clocksource/clocksource0/";
  kernel.clocksource = tree.line(clocksource + "current_clocksource");
  kernel.clocksources = tree.line(clocksource + "available_clocksource");
  const std::string vulnerabilities = "/sys/devices/system/cpu/vulnerabilities";
  for (const std::string& name : tree.names(vulnerabilities)) {
    kernel.mitigations.push_back({name, tree.line(vulnerabilities + "/" + name)});
  }
}

}  // namespace calibration
