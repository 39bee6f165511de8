// The kernel's build options: the first of the places where distributions leave them.
#include <algorithm>

#include "calibration/topology/parse.h"
#include "calibration/topology/readers.h"
#include "calibration/traces/capture_file.h"

namespace calibration {
namespace {

constexpr std::size_t most_config = 8 * 1024 * 1024;  // bytes, unpacked; real ones have 0.3 MB

bool bears_on_latency(std::string_view option) {
  for (const std::string_view prefix :
       {"CONFIG_HZ", "CONFIG_PREEMPT", "CONFIG_NO_HZ", "CONFIG_SCHED_", "CONFIG_IRQ_TIME_ACCOUNTING",
        "CONFIG_CPU_IDLE", "CONFIG_HALTPOLL", "CONFIG_INTEL_IDLE", "CONFIG_RCU_NOCB",
        "CONFIG_IRQ_FORCED_THREADING", "CONFIG_FAIR_GROUP_SCHED", "CONFIG_CFS_BANDWIDTH", "CONFIG_PARAVIRT",
        "CONFIG_NUMA", "CONFIG_GENERIC_IRQ_DEBUGFS", "CONFIG_DEBUG_FS"}) {
    if (option.compare(0, prefix.size(), prefix) == 0) {
      return true;
    }
  }
  return false;
}

// "CONFIG_HZ=250" or "# CONFIG_X is not set"; anything else has no name.
std::pair<std::string, std::string> option_of(std::string_view line) {
  constexpr std::string_view unset = " is not set";
  if (line.compare(0, 2, "# ") == 0 && line.size() > unset.size() + 2 &&
      line.substr(line.size() - unset.size()) == unset) {
    return {std::string{line.substr(2, line.size() - unset.size() - 2)}, "n"};
  }
  const std::size_t equals = line.find('=');
  if (equals == std::string_view::npos || line.compare(0, 7, "CONFIG_") != 0) {
    return {};
  }
  return {std::string{line.substr(0, equals)}, shortened(line.substr(equals + 1))};
}

// "# Linux/x86 6.12.117 Kernel Configuration"
std::string heading_release(std::string_view line) {
  const std::vector<std::string> parts = words(line);
  const bool heading =
      parts.size() == 5 && parts[0] == "#" && parts[3] == "Kernel" && parts[4] == "Configuration";
  return heading && parse_release(parts[2]) ? parts[2] : "";
}

void read_lines(const std::filesystem::path& file, std::string_view path, FileTree& tree,
                KernelConfigFile& config) {
  std::string kept;
  std::size_t bytes = 0;
  try {
    CaptureFile input{file};  // plain or packed
    for (std::string_view line; input.next_line(line);) {
      bytes += line.size() + 1;
      if (bytes > most_config) {
        tree.warn(path, input.line_number(), "more than 8 MiB", "the options of a kernel");
        break;
      }
      const auto [name, value] = option_of(line);
      const std::string release = config.release.empty() ? heading_release(line) : "";
      if (!release.empty()) {
        config.release = release;
        kept += std::string{line} + "\n";
      } else if (bears_on_latency(name) && config.find(name) == nullptr && config.options.size() < 1000) {
        config.options.emplace_back(name, value);
        kept += shortened(line) + "\n";
      }
    }
  } catch (const scenarios::InputError& error) {
    tree.warn(path, error.line(), error.found(), error.expected());
  }
  if (config.options.empty()) {
    config.release.clear();
    return;
  }
  config.source = path;
  tree.keep("kernel-config", kept);
}

}  // namespace

const std::string* KernelConfigFile::find(std::string_view name) const {
  const auto found =
      std::find_if(options.begin(), options.end(), [&](const auto& option) { return option.first == name; });
  return found == options.end() ? nullptr : &found->second;
}

KernelConfigFile read_kernel_config(FileTree& tree, const Known<std::string>& release) {
  std::vector<std::string> places{"/proc/config.gz"};
  if (release && release->find('/') == std::string::npos) {
    places.push_back("/boot/config-" + *release);
    places.push_back("/lib/modules/" + *release + "/config");
  }
  if (!tree.is_machine()) {
    places.insert(places.end(), {"kernel-config", "config"});
  }
  KernelConfigFile config;
  for (const std::string& place : places) {
    const auto file = tree.regular_file(place);
    if (file && config.options.empty()) {
      read_lines(*file, place, tree, config);
    }
  }
  if (config.options.empty()) {
    tree.miss(places.size() > 1 ? places[1] : places[0],
              "no configuration of the kernel, nor in /proc/config.gz");
  }
  return config;
}

}  // namespace calibration
