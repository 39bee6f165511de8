// What a machine is: CPUs, caches, idle states, interrupts, queues, scheduler, sysctls, read from /proc and
// /sys, or from a directory with copies of those files.
//
//   Topology here = read_topology();             // this machine
//   save_topology_files("/", "saved");           // the files that were read, scrubbed, a few hundred kB
//   Topology there = read_topology("saved");     // the same, elsewhere
//   topology_yaml(there)                         // host:, devices: of a scenario, and topology:
//   (docs/topology.md)
//
// Reading changes nothing on the machine: no mount, no write. No file is required; what is missing, not
// readable or not what was expected is listed in `not_read` and `warnings`, and never thrown. No read exceeds
// a bound and nothing but regular files is opened, so that a directory from elsewhere can do no harm.
//
// Left out on purpose: addresses, serial and product numbers, the host's name, tasks and their command lines.
// Left out: what only an ioctl or netlink tells (ring sizes and moderation of a NIC, queues of an RSS table).
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "calibration/topology/known.h"

namespace calibration {

// A file of few words under a name: a sysctl, a tunable, a module's parameter, a mitigation.
struct Setting {
  std::string name;
  Known<std::string> value;
};

struct KernelTopology {
  Known<std::string> release;                          // "6.18.44"
  Known<std::string> version;                          // "#1 SMP PREEMPT_DYNAMIC": how it was built
  Known<std::string> scheduler;                        // "EEVDF" from 6.6 on, before it "CFS"
  Known<std::int64_t> hz;                              // CONFIG_HZ
  Known<std::string> preemption;                       // what is in force: none, voluntary, full, lazy, rt
  Known<bool> irq_time_accounting;                     // CONFIG_IRQ_TIME_ACCOUNTING
  Known<bool> autogroup;                               // sched_autogroup_enabled
  std::vector<std::pair<std::string, bool>> features;  // sched/features without NO_, on or off, as listed
  std::string features_source;                         // of `features`; why there are none
  std::vector<Setting> tunables;  // debugfs sched/ and kernel.sched_*, with the units of their names
  std::vector<Setting> sysctls;   // net.core.*
  std::vector<Setting>
      boot_parameters;        // those of /proc/cmdline that bear on latency; all others are not kept
  Known<std::string> config;  // where the build options come from
  Known<std::string> clocksource;
  Known<std::string> clocksources;   // available
  std::vector<Setting> mitigations;  // cpu/vulnerabilities
};

struct MachineCpu {
  int id = 0;
  Known<std::int64_t> package;
  Known<std::int64_t> core;  // unique within its package
  Known<std::int64_t> capacity;
  Known<CpuSet> siblings;  // hardware threads of its core, itself included
  Known<CpuSet> cluster;   // those that share an L2 or the like
};

struct MachineCache {
  std::int64_t level = 0;
  std::string type;  // Data, Instruction, Unified
  Known<std::int64_t> bytes;
  CpuSet cpus;  // that share it
  std::string source;
};

struct NumaNode {
  int id = 0;
  Known<CpuSet> cpus;
  std::vector<std::int64_t> distances;  // to each node, 10: itself
  std::string source;
};

// A scheduling domain of several CPUs that see the same one; lowest first in a CPU's list.
struct SchedDomain {
  int level = 0;     // domain0, domain1, ...
  std::string name;  // SMT, CLS, MC, PKG (DIE before 6.7), NUMA
  CpuSet seen_by;    // CPUs whose domain of that level reads so
  Known<CpuSet> span;
  Known<std::string> flags;
  std::vector<Setting> values;  // min_interval and max_interval in ms, imbalance_pct, ...
  std::string source;
  std::string note;  // "inferred from ..."
};

struct CpuidleState {
  std::string name;  // POLL, C1, "haltpoll idle"
  Known<std::string> desc;
  Known<std::int64_t> latency_us;
  Known<std::int64_t> residency_us;
  Known<std::int64_t> disable;  // 1: switched off
  Known<std::int64_t> usage;    // times entered since boot
  Known<std::int64_t> time_us;  // spent in it since boot
  std::string source;
};

struct CpuIdleStates {
  int cpu = 0;
  std::vector<CpuidleState> states;  // shallowest first
};

struct FrequencyPolicy {
  std::string name;  // policy0
  Known<CpuSet> cpus;
  Known<std::string> driver;
  Known<std::string> governor;
  Known<std::int64_t> min_khz;  // what the governor may choose; scaling_min_freq
  Known<std::int64_t> max_khz;
  Known<std::int64_t> hardware_max_khz;
};

struct MachineIrq {
  std::string number;  // "36", or LOC, RES, CAL, ...
  std::string chip;    // "PCI-MSIX-0000:00:02.0 1-edge"; of LOC and such nothing
  std::string name;    // who asked for it, "nvme0q1", or the description
  std::vector<std::pair<int, std::uint64_t>> counts;  // CPU, interrupts since boot; those of none left out
  std::uint64_t total = 0;
  Known<CpuSet> affinity;
  Known<CpuSet> effective_affinity;  // where it goes
  Known<std::int64_t> unhandled;     // of /proc/irq/N/spurious
  Known<bool> managed;               // the kernel placed it and lets nobody move it
  std::string source;
};

struct BlockQueue {
  int number = 0;
  Known<CpuSet> cpus;
  Known<std::int64_t> tags;
};

struct BlockDevice {
  std::string name;
  Known<std::string> driver;
  std::vector<BlockQueue> queues;  // hardware queues of blk-mq
  Known<std::string> scheduler;
  Known<std::int64_t> nr_requests;
  Known<std::int64_t> rq_affinity;
  Known<std::int64_t> rotational;
  Known<std::int64_t> wbt_lat_us;
  Known<std::int64_t> io_poll;
  Known<std::int64_t> nomerges;
  std::vector<std::string> irqs;  // numbers of its vectors
};

struct NetQueue {
  std::string name;         // rx-0, tx-0
  Known<std::string> cpus;  // rps_cpus or xps_cpus, a hexadecimal mask
};

struct NetDevice {
  std::string name;
  Known<std::string> driver;
  std::vector<NetQueue> queues;
  Known<std::int64_t> mtu;
  Known<std::int64_t> speed_mbit;
  Known<std::int64_t> carrier;
  Known<std::int64_t> threaded;
  Known<std::int64_t> napi_defer_hard_irqs;
  Known<std::int64_t> gro_flush_timeout_ns;
  Known<std::int64_t> tx_queue_len;
  std::vector<std::string> irqs;
};

// A file, or a kind of file ("cpuN"), that could not be read.
struct NotRead {
  std::string path;    // "/sys/.../cpuN/cpufreq" or "/sys/.../{min,max}" where there are several
  std::string why;     // "no such file", "permission denied", ...
  std::string remedy;  // a command that makes it readable; may be empty
  std::int64_t count = 1;
};

struct Topology {
  std::string root;  // as given
  KernelTopology kernel;

  Known<std::string> cpu_model;
  Known<bool> hypervisor;
  Known<std::string> hypervisor_kind;  // kvm, xen, hyperv, ...
  Known<std::string> vendor;           // of the system; no product, no serial number

  Known<CpuSet> online;
  Known<CpuSet> possible;
  Known<CpuSet> isolated;
  Known<CpuSet> nohz_full;
  Known<std::string> smt;  // on, off, forceoff, notsupported
  std::vector<MachineCpu> cpus;
  std::vector<MachineCache> caches;  // level by level
  std::vector<NumaNode> nodes;
  std::vector<SchedDomain> domains;

  Known<std::string> cpuidle_driver;
  Known<std::string> cpuidle_governor;
  std::vector<CpuIdleStates> idle;
  std::vector<Setting> haltpoll;
  std::vector<FrequencyPolicy> frequency;

  std::vector<MachineIrq> irqs;
  std::vector<BlockDevice> block_devices;
  std::vector<NetDevice> net_devices;
  std::vector<std::string> devices_left_out;  // loop0, zram0, lo: not hardware

  std::vector<NotRead> not_read;
  std::vector<std::string> warnings;  // "file:line: found ..., expected ..."
};

// Everything under `root`: "/", a tree with proc/ and sys/, or a directory of flat files (docs/topology.md
// lists the names). Throws scenarios::InputError only where `root` is no directory that can be entered.
Topology read_topology(const std::filesystem::path& root = "/");

// The machine part of a scenario, `host:` and `devices:`, and all else under `topology:`, with comments that
// say where each value was read. The keys of the machine part are those that a scenario accepts.
std::string topology_yaml(const Topology& topology);

// All of it, each value as {value, source, note}. One JSON document, schema 1, kind topology.
std::string topology_json(const Topology& topology);

// Copies what read_topology(root) reads into `directory`, which it creates: the same paths below it. Files
// with more in them than is read (cpuinfo, cmdline, the kernel's configuration) are copied without the rest.
// Throws scenarios::OutputError where it cannot be written, InputError as read_topology.
void save_topology_files(const std::filesystem::path& root, const std::filesystem::path& directory);

// The value of one of `settings`; nullptr if there is none of that name.
const Known<std::string>* find_setting(const std::vector<Setting>& settings, std::string_view name);

}  // namespace calibration
