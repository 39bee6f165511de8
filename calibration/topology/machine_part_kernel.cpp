// host.kernel: release, build options, sysctls.
#include <fmt/format.h>

#include <algorithm>
#include <bit>

#include "calibration/topology/machine_part_keys.h"
#include "calibration/topology/parse.h"
#include "models/kernel_config.h"
#include "scenarios/quantity.h"
#include "scenarios/suggest.h"

namespace calibration {
namespace {

using sim::Nanos;

template <class Enum>
std::vector<std::string> enumerator_names() {
  std::vector<std::string> names;
  enumerators(static_cast<Enum*>(nullptr), [&](std::string_view name, Enum) { names.emplace_back(name); });
  return names;
}

// The newest modelled release that is not newer than the machine's.
ScenarioKey release_key(const KernelTopology& kernel) {
  const auto version = kernel.release ? parse_release(*kernel.release) : std::nullopt;
  if (!version) {
    return {"release", "", unknown(kernel.release)};
  }
  if (kernel.scheduler && *kernel.scheduler == "CFS") {
    return {"release", "", *kernel.release + " schedules by CFS, which is not modelled: EEVDF came with 6.6"};
  }
  const std::vector<std::string> modelled = enumerator_names<models::KernelRelease>();
  std::string nearest = modelled.front();
  for (const std::string& name : modelled) {
    nearest = *parse_release(name) <= *version ? name : nearest;
  }
  const bool exact = parse_release(nearest) == version;
  return {"release", nearest,
          (exact ? *kernel.release : *kernel.release + ", of which this is the nearest that is modelled") +
              ", " + kernel.release.source};
}

// debugfs has the slice after scaling by CPUs (update_sysctl, get_update_sysctl_factor in fair.c), a scenario
// before it.
ScenarioKey base_slice_key(const KernelTopology& kernel, std::size_t cpus) {
  const Known<std::string>* slice = find_setting(kernel.tunables, "base_slice_ns");
  const Known<std::string>* scaling = find_setting(kernel.tunables, "tunable_scaling");
  const auto scaled = slice != nullptr && *slice ? scenarios::parse_integer(**slice) : std::nullopt;
  if (!scaled || cpus == 0) {
    return {"base_slice", "", "not known: /sys/kernel/debug/sched/base_slice_ns"};
  }
  // "0", "1", "2" or, chosen among the names, "[logarithmic]".
  const std::string how = scaling != nullptr && *scaling ? **scaling : "1";
  const std::int64_t logarithmic = std::bit_width(std::min<std::size_t>(cpus, 8));
  const std::int64_t factor = how == "0" ? 1 : how == "2" ? static_cast<std::int64_t>(cpus) : logarithmic;
  const std::int64_t normalized = *scaled / factor;
  const bool accepted = *scaled >= 0 && normalized >= 100'000 && normalized <= 100'000'000;
  const std::string text =
      accepted ? scenarios::format_time(Nanos{normalized}) : std::to_string(normalized) + " ns";
  ScenarioKey key = plain_key("base_slice", *slice, accepted, text, "100us to 100ms");
  key.comment +=
      accepted ? fmt::format(": {} / {} for {} CPUs", scenarios::format_time(Nanos{*scaled}), factor, cpus)
               : "";
  return key;
}

// Those of sched/features that a scenario has and that differ from its defaults.
template <class Features>
ScenarioKey features_key(const std::string& key, const KernelTopology& kernel) {
  if (kernel.features.empty()) {
    return {key, "", "not known: " + kernel.features_source};
  }
  std::string changed;
  Features defaults;
  fields(defaults, [&](std::string_view name, bool by_default) {
    std::string upper{name};
    std::transform(upper.begin(), upper.end(), upper.begin(),
                   [](char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c; });
    for (const auto& [feature, on] : kernel.features) {
      if (feature == upper && on != by_default) {
        changed += fmt::format("{}{}: {}", changed.empty() ? "" : ", ", name, on);
      }
    }
  });
  return {key, "{" + changed + "}", (changed.empty() ? "as by default, " : "") + kernel.features_source};
}

// A switch that is 0 or 1 in /proc/sys.
ScenarioKey switch_key(const std::string& key, const KernelTopology& kernel) {
  const Known<std::string>* setting = find_setting(kernel.tunables, key);
  if (setting == nullptr) {
    return {key, "", "not known"};
  }
  const std::string value = setting->value.value_or("");
  return plain_key(key, *setting, value == "0" || value == "1", value == "1" ? "true" : "false", "0 or 1");
}

void add_sysctl(const KernelTopology& kernel, const std::string& name, std::int64_t unit_ns,
                MachinePart& part) {
  const Known<std::string>* setting = find_setting(kernel.sysctls, name);
  const auto number = setting != nullptr && *setting ? scenarios::parse_integer(**setting) : std::nullopt;
  if (!number) {
    part.kernel.push_back({name, "", setting == nullptr ? "not known" : unknown(*setting)});
    return;
  }
  const bool accepted = *number >= 1 && *number <= 1'000'000'000;
  const std::string text =
      accepted && unit_ns > 0 ? scenarios::format_time(Nanos{*number * unit_ns}) : std::to_string(*number);
  part.kernel.push_back(plain_key(name, *setting, accepted, text, "1 or more"));
}

}  // namespace

void add_kernel(const Topology& topology, MachinePart& part) {
  const KernelTopology& kernel = topology.kernel;
  part.kernel.push_back(release_key(kernel));
  const std::int64_t hz = kernel.hz.value.value_or(0);
  part.kernel.push_back(plain_key("hz", kernel.hz, hz == 100 || hz == 250 || hz == 300 || hz == 1000,
                                  std::to_string(hz), "100, 250, 300 or 1000"));
  const std::vector<std::string> models = enumerator_names<models::Preemption>();
  const std::string preemption = kernel.preemption.value.value_or("");
  part.kernel.push_back(plain_key("preemption", kernel.preemption,
                                  std::find(models.begin(), models.end(), preemption) != models.end(),
                                  preemption, scenarios::listed(models)));
  part.kernel.push_back(plain_key("irq_time_accounting", kernel.irq_time_accounting, true,
                                  kernel.irq_time_accounting.value.value_or(false) ? "true" : "false", ""));
  part.kernel.push_back(base_slice_key(kernel, part.machine_cpus.size()));
  part.kernel.push_back(switch_key("sched_autogroup_enabled", kernel));
  part.kernel.push_back(switch_key("timer_migration", kernel));
  part.kernel.push_back(features_key<models::SchedFeatures>("features", kernel));
  part.kernel.push_back(features_key<models::PlacementFeatures>("placement", kernel));
  for (const auto& [name, unit_ns] :
       {std::pair{"netdev_budget", 0}, std::pair{"netdev_budget_usecs", 1000}, std::pair{"dev_weight", 0},
        std::pair{"gro_normal_batch", 0}, std::pair{"netdev_max_backlog", 0}}) {
    add_sysctl(kernel, name, unit_ns, part);
  }
  for (const BlockDevice& device : topology.block_devices) {
    const std::int64_t affinity = device.rq_affinity.value.value_or(-1);
    if (affinity >= 0) {
      part.kernel.push_back(
          plain_key("rq_affinity", device.rq_affinity, affinity <= 2, std::to_string(affinity), "0 to 2"));
      return;
    }
  }
}

}  // namespace calibration
