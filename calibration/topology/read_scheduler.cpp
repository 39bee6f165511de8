// The scheduler's feature flags, tunables and preemption model.
#include <algorithm>

#include "calibration/topology/parse.h"
#include "calibration/topology/readers.h"
#include "scenarios/input_error.h"

namespace calibration {
namespace {

const std::string debugfs_sched = "/sys/kernel/debug/sched";

bool is_feature(std::string_view word) {
  return !word.empty() && word.size() <= 40 && std::all_of(word.begin(), word.end(), [](char c) {
    return (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
  });
}

void read_features(FileTree& tree, KernelTopology& kernel) {
  const std::string path = tree.or_flat(debugfs_sched + "/features", {"sched-features", "sched_features"});
  const auto text = tree.text(path);
  kernel.features_source = path;
  if (!text) {
    return;
  }
  for (const std::string& word : words(*text)) {
    if (!is_feature(word) || kernel.features.size() == 200) {
      tree.warn(path, 1, scenarios::quoted(word), "at most 200 features, such as RUN_TO_PARITY or NO_HRTICK");
      return;
    }
    const bool off = word.compare(0, 3, "NO_") == 0;
    kernel.features.emplace_back(off ? word.substr(3) : word, !off);
  }
}

bool has_feature(const KernelTopology& kernel, std::string_view name) {
  return std::any_of(kernel.features.begin(), kernel.features.end(),
                     [&](const auto& each) { return each.first == name; });
}

// EEVDF came with 6.6. What the features say counts for more: distributions take back patches.
Known<std::string> scheduler_of(const KernelTopology& kernel) {
  if (has_feature(kernel, "RUN_TO_PARITY") || has_feature(kernel, "PLACE_LAG")) {
    return {.value = "EEVDF", .source = kernel.features_source, .note = "inferred from its features"};
  }
  if (has_feature(kernel, "GENTLE_FAIR_SLEEPERS")) {
    return {.value = "CFS", .source = kernel.features_source, .note = "inferred from its features"};
  }
  const auto version = kernel.release ? parse_release(*kernel.release) : std::nullopt;
  if (!version) {
    return {.value = {}, .source = kernel.release.source, .note = "the release is not known"};
  }
  return {.value = *version >= KernelVersion{6, 6} ? "EEVDF" : "CFS",
          .source = kernel.release.source,
          .note = "inferred: EEVDF from 6.6 on"};
}

std::string built_preemption(const KernelConfigFile& config) {
  const auto is = [&](std::string_view option) {
    const std::string* value = config.find(option);
    return value != nullptr && *value == "y";
  };
  return is("CONFIG_PREEMPT_RT")          ? "rt"
         : is("CONFIG_PREEMPT_LAZY")      ? "lazy"
         : is("CONFIG_PREEMPT")           ? "full"
         : is("CONFIG_PREEMPT_VOLUNTARY") ? "voluntary"
         : is("CONFIG_PREEMPT_NONE")      ? "none"
                                          : "";
}

// Without debugfs: what was built, unless the boot parameter preempt= chose otherwise where that is possible.
Known<std::string> inferred_preemption(const KernelConfigFile& config, const KernelTopology& kernel) {
  const std::string version = kernel.version.value.value_or("");
  const auto says = [&](std::string_view word) {
    const auto all = words(version);
    return std::find(all.begin(), all.end(), word) != all.end();
  };
  const Known<std::string>* boot = find_setting(kernel.boot_parameters, "preempt");
  const std::string* dynamic = config.find("CONFIG_PREEMPT_DYNAMIC");
  const bool is_dynamic = says("PREEMPT_DYNAMIC") || (dynamic != nullptr && *dynamic == "y");
  if (is_dynamic && boot != nullptr && boot->value) {
    return {.value = **boot, .source = boot->source, .note = "inferred from the boot parameter preempt="};
  }
  const std::string built = built_preemption(config);
  if (!built.empty()) {
    return {.value = built, .source = config.source, .note = "inferred: as built"};
  }
  for (const auto& [word, name] : {std::pair{"PREEMPT_RT", "rt"}, std::pair{"PREEMPT_LAZY", "lazy"}}) {
    if (says(word)) {
      return {.value = name, .source = kernel.version.source, .note = "inferred from the version"};
    }
  }
  return {.value = {},
          .source = debugfs_sched + "/preempt",
          .note = "neither debugfs nor the kernel's configuration could be read"};
}

Known<std::string> preemption_of(FileTree& tree, const KernelConfigFile& config,
                                 const KernelTopology& kernel) {
  const std::string path = debugfs_sched + "/preempt";
  if (tree.has(path)) {
    const Known<std::string> text = tree.line(path);
    const std::string now = text ? chosen(*text, "()") : "";
    if (!now.empty()) {
      return {.value = now, .source = path, .note = {}};
    }
    if (text) {
      tree.warn(path, 1, scenarios::quoted(*text), "a choice such as none voluntary (full)");
    }
  }
  return inferred_preemption(config, kernel);
}

// The tunables of CFS and EEVDF alike: those that are there.
void read_tunables(FileTree& tree, KernelTopology& kernel) {
  for (const std::string_view name :
       {"base_slice_ns", "min_granularity_ns", "latency_ns", "wakeup_granularity_ns",
        "idle_min_granularity_ns", "migration_cost_ns", "nr_migrate", "tunable_scaling",
        "fair_server/cpu0/runtime", "fair_server/cpu0/period"}) {
    const std::string path = debugfs_sched + "/" + std::string{name};
    if (tree.has(path)) {
      kernel.tunables.push_back({std::string{name}, tree.line(path)});
    }
  }
  if (kernel.tunables.empty()) {
    tree.line(debugfs_sched + "/base_slice_ns");  // to note why
  }
  const std::string sysctls = "/proc/sys/kernel";
  for (const std::string& name : tree.names(sysctls)) {
    if (name.compare(0, 6, "sched_") == 0 || name == "numa_balancing" || name == "timer_migration") {
      kernel.tunables.push_back({name, tree.line(sysctls + "/" + name)});
    }
  }
}

}  // namespace

void read_scheduler(FileTree& tree, Topology& topology, const KernelConfigFile& config) {
  KernelTopology& kernel = topology.kernel;
  read_features(tree, kernel);
  kernel.scheduler = scheduler_of(kernel);
  kernel.preemption = preemption_of(tree, config, kernel);
  read_tunables(tree, kernel);
  const std::string autogroup = "sched_autogroup_enabled";
  kernel.autogroup = {.value = {}, .source = "/proc/sys/kernel/" + autogroup, .note = "no such file"};
  if (const Known<std::string>* setting = find_setting(kernel.tunables, autogroup);
      setting != nullptr && *setting) {
    kernel.autogroup.value = **setting != "0";
    kernel.autogroup.note.clear();
  }
}

}  // namespace calibration
