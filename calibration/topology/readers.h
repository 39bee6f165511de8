// The parts that read_topology() is made of, in the order in which it calls them.
#pragma once

#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "calibration/topology/file_tree.h"
#include "calibration/topology/topology.h"

namespace calibration {

void read_kernel(FileTree& tree, Topology& topology);      // release, build options, preemption, sysctls
void read_interrupts(FileTree& tree, Topology& topology);  // /proc/interrupts and /proc/irq
void read_cpus(FileTree& tree, Topology& topology);        // after the interrupts, whose columns are CPUs
void read_idle(FileTree& tree, Topology& topology);        // cpuidle and cpufreq
void read_sched_domains(FileTree& tree,
                        Topology& topology);            // after the CPUs, which they may be inferred from
void read_devices(FileTree& tree, Topology& topology);  // block and network
void infer_devices(Topology& topology);                 // only for flat files, which have no /sys
void infer_managed(Topology& topology);                 // after the devices, whose drivers tell

// What follows are parts of read_kernel().

// CONFIG_HZ → "250", CONFIG_X → "y", "m" or "n"; only the options that bear on latency.
struct KernelConfigFile {
  std::vector<std::pair<std::string, std::string>> options;
  std::string source;
  std::string release;  // of its heading, "6.12.117"

  const std::string* find(std::string_view name) const;
};
KernelConfigFile read_kernel_config(FileTree& tree, const Known<std::string>& release);

// Features, tunables, preemption; after the release and the boot parameters.
void read_scheduler(FileTree& tree, Topology& topology, const KernelConfigFile& config);

// `directory` and each of `names` → settings; those that are absent keep why.
std::vector<Setting> read_settings(FileTree& tree, const std::string& directory,
                                   std::initializer_list<std::string_view> names);

}  // namespace calibration
