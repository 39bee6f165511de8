#include "scenarios/live_config.h"

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>

#include "scenarios/yaml_reader.h"

namespace scenarios {
namespace {

// The sysctls that host.kernel has, and its key for each.
constexpr std::array<std::pair<std::string_view, std::string_view>, 7> modelled{{
    {"net.core.netdev_budget", "netdev_budget"},
    {"net.core.netdev_budget_usecs", "netdev_budget_usecs"},
    {"net.core.dev_weight", "dev_weight"},
    {"net.core.gro_normal_batch", "gro_normal_batch"},
    {"net.core.netdev_max_backlog", "netdev_max_backlog"},
    {"kernel.sched_autogroup_enabled", "sched_autogroup_enabled"},
    {"kernel.timer_migration", "timer_migration"},
}};

const std::vector<Yaml::Entry>& entries_of(const Yaml& node, const std::string& expected) {
  if (node.kind != Yaml::Kind::map && node.kind != Yaml::Kind::null) {
    input_error(node.place, describe(node) + " for " + where(node), expected);
  }
  return node.entries;
}

// A name that becomes a part of a path.
void check_name(const Yaml::Entry& entry, std::string_view more, const std::string& expected) {
  const bool plain = std::all_of(entry.key.begin(), entry.key.end(), [&](char c) {
    const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    return letter || c == '_' || c == '-' || more.find(c) != std::string_view::npos;
  });
  if (!plain || entry.key.empty() || entry.key.find("..") != std::string::npos || entry.key.front() == '.') {
    input_error(entry.key_place, "the name " + quoted(entry.key), expected);
  }
}

std::string text_of(const Yaml& node, const std::string& expected) {
  if (node.kind != Yaml::Kind::scalar || node.scalar.empty() || node.scalar.find('\n') != std::string::npos) {
    input_error(node.place, describe(node) + " for " + where(node), expected);
  }
  return node.scalar;
}

std::vector<LiveIrqAffinity> read_irq_affinity(const Yaml& node) {
  std::vector<LiveIrqAffinity> result;
  for (const Yaml::Entry& entry : entries_of(node, "{interrupt: [CPUs], ...}")) {
    check_name(entry, ".@:", "an interrupt's name or number in /proc/interrupts");
    LiveIrqAffinity affinity{.name = entry.key, .cpus = {}, .place = entry.key_place};
    read_value(entry.value, affinity.cpus);
    if (affinity.cpus.empty()) {
      input_error(entry.value.place, "no CPU for " + where(entry.value), "one at least");
    }
    result.push_back(std::move(affinity));
  }
  return result;
}

std::vector<LiveText> read_io_scheduler(const Yaml& node) {
  std::vector<LiveText> result;
  for (const Yaml::Entry& entry : entries_of(node, "{disk: scheduler, ...}")) {
    check_name(entry, "", "a disk of /sys/block");
    result.push_back({entry.key, text_of(entry.value, "none, mq-deadline, ..."), entry.key_place});
  }
  return result;
}

std::vector<LiveText> read_sysctls(const Yaml& node) {
  std::vector<LiveText> result;
  for (const Yaml::Entry& entry : entries_of(node, "{name: value, ...}")) {
    check_name(entry, "./", "a sysctl, such as net.core.busy_poll");
    LiveText sysctl{entry.key, text_of(entry.value, "its value"), entry.key_place};
    std::replace(sysctl.name.begin(), sysctl.name.end(), '/', '.');
    for (const auto& [name, key] : modelled) {
      if (sysctl.name == name) {
        input_error(entry.key_place, "the sysctl " + quoted(sysctl.name), "one that the models do not know",
                    "host.kernel." + std::string{key} + " is this one");
      }
    }
    result.push_back(std::move(sysctl));
  }
  return result;
}

std::string cpu_list(const std::vector<int>& cpus) {
  std::string text;
  for (const int cpu : cpus) {
    text += (text.empty() ? "" : ",") + std::to_string(cpu);
  }
  return text;
}

}  // namespace

LiveConfig read_live_config(const Yaml& node) {
  LiveConfig config;
  MapReader reader{node};
  reader("file", config.file);
  if (const Yaml* affinity = reader.take("irq_affinity")) {
    config.irq_affinity = read_irq_affinity(*affinity);
  }
  if (const Yaml* schedulers = reader.take("io_scheduler")) {
    config.io_scheduler = read_io_scheduler(*schedulers);
  }
  if (const Yaml* sysctls = reader.take("sysctls")) {
    config.sysctls = read_sysctls(*sysctls);
  }
  reader("tcp_congestion_control", config.tcp_congestion_control);
  reader.finish();
  return config;
}

std::vector<std::string> live_settings(const LiveConfig& config) {
  std::vector<std::string> settings;
  for (const LiveIrqAffinity& irq : config.irq_affinity) {
    settings.push_back("irq_affinity " + irq.name + " = " + cpu_list(irq.cpus));
  }
  for (const LiveText& disk : config.io_scheduler) {
    settings.push_back("io_scheduler " + disk.name + " = " + disk.value);
  }
  for (const LiveText& sysctl : config.sysctls) {
    settings.push_back(sysctl.name + " = " + sysctl.value);
  }
  if (!config.tcp_congestion_control.empty()) {
    settings.push_back("tcp_congestion_control = " + config.tcp_congestion_control);
  }
  return settings;
}

}  // namespace scenarios
