// host.kernel: what was built in or given at boot is compared, sysctls are set.
#include <fmt/format.h>

#include <algorithm>
#include <type_traits>

#include "models/kernel_config.h"
#include "scenarios/quantity.h"
#include "tools/live/journal_undo.h"
#include "tools/live/requirements_planner.h"

namespace tools::live {
namespace {

using models::KernelConfig;

const std::string debugfs = "/sys/kernel/debug/sched/";
const char* const locked_remedy =
    "mount -t debugfs none /sys/kernel/debug; a kernel that is locked down refuses it to everybody";

std::string text_of(bool value) { return value ? "true" : "false"; }
std::string text_of(int value) { return std::to_string(value); }
template <class Enum>
requires std::is_enum_v<Enum> std::string text_of(Enum value) { return scenarios::enumerator_name(value); }

// Of the build and the boot: named, it must be so; not named, a note says where the models differ.
template <class T>
void compare(Planner& planner, const std::string& key, const T& asked, const std::string& remedy) {
  const std::string address = "host.kernel." + key;
  const auto found = machine_value<T>(planner.machine.part.kernel, key);
  if (found && *found != asked) {
    if (planner.named(address)) {
      planner.refuse(address, "this machine has " + text_of(*found), text_of(asked), remedy);
    } else {
      planner.note(fmt::format("{} is not named: the models take {}, this machine has {}", address,
                               text_of(asked), text_of(*found)));
    }
  } else if (!found && planner.named(address)) {
    planner.note(address + ": this machine does not tell, the scenario says " + text_of(asked));
  }
}

template <class T>
void sysctl(Planner& planner, const std::string& key, const std::string& path, const T& modelled,
            std::int64_t wanted) {
  const std::string address = "host.kernel." + key;
  if (planner.named(address)) {
    planner.want(address, "/proc/sys/" + path, std::to_string(wanted));
    return;
  }
  const auto found = machine_value<T>(planner.machine.part.kernel, key);
  if (found && *found != modelled) {
    planner.note(address + " is not named: the models take another value than this machine has, " +
                 find_key(planner.machine.part.kernel, key)->value);
  }
}

std::string upper(std::string_view name) {
  std::string text;
  for (const char c : name) {
    text += c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
  }
  return text;
}

template <class Features>
void plan_features(Planner& planner, const std::string& section, Features features) {
  fields(features, [&](std::string_view name, auto& value) {
    const std::string address = "host.kernel." + section + "." + std::string{name};
    if constexpr (std::is_same_v<std::remove_reference_t<decltype(value)>, bool>) {
      if (planner.named(address)) {
        planner.want(address, debugfs + "features", (value ? "" : "NO_") + upper(name), locked_remedy);
      }
    }
  });
}

// debugfs has it after scaling by CPUs; the machine part tells by what.
void plan_base_slice(Planner& planner, const KernelConfig& asked) {
  if (!planner.named("host.kernel.base_slice")) {
    return;
  }
  const std::string path = debugfs + "base_slice_ns";
  const auto scaled = value_of(planner.machine.file(path).string(), "");
  const std::int64_t number = scaled ? scenarios::parse_integer(*scaled).value_or(0) : 0;
  const auto normalized = machine_value<sim::Nanos>(planner.machine.part.kernel, "base_slice");
  if (!normalized || number <= 0) {
    const auto* key = find_key(planner.machine.part.kernel, "base_slice");
    planner.refuse("host.kernel.base_slice", key == nullptr ? "not known" : key->comment,
                   scenarios::format_time(asked.base_slice), locked_remedy);
    return;
  }
  const std::int64_t factor = std::max<std::int64_t>(1, number / normalized->count());
  planner.want("host.kernel.base_slice", path, std::to_string(asked.base_slice.count() * factor),
               locked_remedy);
}

void plan_fair_server(Planner& planner, const models::FairServerConfig& server) {
  for (const calibration::MachineCpu& cpu : planner.machine.topology.cpus) {
    const std::string directory = fmt::format("{}fair_server/cpu{}/", debugfs, cpu.id);
    if (planner.named("host.kernel.fair_server.period")) {
      planner.want("host.kernel.fair_server.period", directory + "period",
                   std::to_string(server.period.count()), locked_remedy);
    }
    if (planner.named("host.kernel.fair_server.runtime")) {
      planner.want("host.kernel.fair_server.runtime", directory + "runtime",
                   std::to_string(server.runtime.count()), locked_remedy);
    }
  }
}

}  // namespace

void plan_kernel(Planner& planner) {
  const KernelConfig& asked = planner.variant.host.kernel;
  compare(planner, "hz", asked.hz, "a kernel built with it");
  compare(planner, "irq_time_accounting", asked.irq_time_accounting, "a kernel built so");
  compare(planner, "paravirt_time_accounting", asked.paravirt_time_accounting, "a kernel built so");
  compare(planner, "skew_tick", asked.skew_tick, "boot with skew_tick=");
  for (const char* key : {"timer_softirq_interval", "rcu_softirq_interval"}) {
    if (planner.named(std::string{"host.kernel."} + key)) {
      planner.note(std::string{"host.kernel."} + key + " describes the kernel's own work, which is as it is");
    }
  }
  sysctl(planner, "netdev_budget", "net/core/netdev_budget", asked.netdev_budget, asked.netdev_budget);
  // The kernel takes no less than two jiffies (netdev_budget_usecs_min, net/core/sysctl_net_core.c).
  const auto hz = machine_value<int>(planner.machine.part.kernel, "hz");
  const std::string usecs = "host.kernel.netdev_budget_usecs";
  if (planner.named(usecs) && hz && asked.netdev_budget_usecs.count() / 1000 * *hz < 2'000'000) {
    planner.refuse(usecs, fmt::format("this kernel takes no less than two ticks, {} us", 2'000'000 / *hz),
                   scenarios::format_time(asked.netdev_budget_usecs), "two ticks or more", false);
  } else if (asked.netdev_budget_usecs != sim::Nanos{0}) {
    sysctl(planner, "netdev_budget_usecs", "net/core/netdev_budget_usecs", asked.netdev_budget_usecs,
           asked.netdev_budget_usecs.count() / 1000);
  }
  sysctl(planner, "dev_weight", "net/core/dev_weight", asked.dev_weight, asked.dev_weight);
  sysctl(planner, "gro_normal_batch", "net/core/gro_normal_batch", asked.gro_normal_batch,
         asked.gro_normal_batch);
  sysctl(planner, "netdev_max_backlog", "net/core/netdev_max_backlog", asked.netdev_max_backlog,
         asked.netdev_max_backlog);
  sysctl(planner, "timer_migration", "kernel/timer_migration", asked.timer_migration,
         asked.timer_migration ? 1 : 0);
  sysctl(planner, "sched_autogroup_enabled", "kernel/sched_autogroup_enabled", asked.sched_autogroup_enabled,
         asked.sched_autogroup_enabled ? 1 : 0);
}

void plan_debugfs(Planner& planner) {
  const KernelConfig& asked = planner.variant.host.kernel;
  plan_base_slice(planner, asked);
  plan_features(planner, "features", asked.features);
  plan_features(planner, "placement", asked.placement);
  plan_fair_server(planner, asked.fair_server);
  const auto mode = machine_value<models::Preemption>(planner.machine.part.kernel, "preemption");
  if (!planner.named("host.kernel.preemption") || mode == asked.preemption) {
    return;
  }
  const std::string wanted = scenarios::enumerator_name(asked.preemption);
  if (value_of(planner.machine.file(debugfs + "preempt").string(), "")) {
    planner.want("host.kernel.preemption", debugfs + "preempt", wanted, "boot with preempt=" + wanted);
  } else {
    planner.refuse("host.kernel.preemption",
                   mode ? "this machine runs " + scenarios::enumerator_name(*mode) : "not known", wanted,
                   "boot with preempt=" + wanted);
  }
}

}  // namespace tools::live
