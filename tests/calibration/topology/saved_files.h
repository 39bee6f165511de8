// Machines for the tests: directories of files as `chainsim topology --save` writes them.
#pragma once

#include <catch2/catch.hpp>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <initializer_list>
#include <map>
#include <sstream>
#include <string>
#include <utility>

#include "tests/scenarios/scratch.h"

using Files = std::map<std::string, std::string>;  // path without the leading '/', contents

// A machine of many files in one: "=== path" starts each, what is before the first is a remark.
inline Files files_of(const std::string& archive) {
  std::istringstream in{Scratch::read(archive)};
  Files files;
  std::string path;
  for (std::string line; std::getline(in, line);) {
    if (line.rfind("=== ", 0) == 0) {
      path = line.substr(4);
      files[path];
    } else if (!path.empty()) {
      files[path] += line + "\n";
    }
  }
  return files;
}

inline Files guest_files() {
  return files_of(std::string{CHAINSIM_SOURCE_DIR} + "/tests/calibration/topology/guest_2cpu.files");
}

// In memory where that is possible: a machine has a thousand files.
struct SavedMachine {
  explicit SavedMachine(const Files& files) {
    std::string pattern = "/dev/shm/chainsim-test-XXXXXX";
    if (::mkdtemp(pattern.data()) == nullptr) {
      pattern = (std::filesystem::temp_directory_path() / "chainsim-test-XXXXXX").string();
      REQUIRE(::mkdtemp(pattern.data()) != nullptr);
    }
    directory = pattern;
    std::filesystem::create_directory(root());
    for (const auto& [name, text] : files) {
      put(name, text);
    }
  }
  ~SavedMachine() {
    std::error_code ignored;
    std::filesystem::remove_all(directory, ignored);
  }
  SavedMachine(const SavedMachine&) = delete;
  SavedMachine& operator=(const SavedMachine&) = delete;

  void put(const std::string& name, const std::string& text) const {
    std::filesystem::create_directories(std::filesystem::path{file(name)}.parent_path());
    std::ofstream{file(name), std::ios::binary} << text;
  }
  void remove(const std::string& name) const { std::filesystem::remove_all(file(name)); }
  std::string path(const std::string& name) const { return directory + "/" + name; }
  std::string root() const { return path("machine"); }
  std::string file(const std::string& name) const { return root() + "/" + name; }

  std::string directory;
};

// A server made by hand. Two sockets of 4 cores with 2 threads each, numbered as usual: CPU 8 is the sibling
// of CPU 0. One LLC and one NUMA node for each socket; NVMe with a queue for each CPU; a NIC with 4 queues;
// debugfs open.
namespace server {

using Values = std::initializer_list<std::pair<const char*, const char*>>;

inline void put(Files& files, const std::string& directory, const Values& values) {
  for (const auto& [name, value] : values) {
    files[directory + name] = std::string{value} + "\n";
  }
}

inline void put_cpu(Files& files, int cpu) {
  const std::string base = "sys/devices/system/cpu/cpu" + std::to_string(cpu) + "/";
  const int core = cpu % 8;
  const std::string siblings = std::to_string(core) + "," + std::to_string(core + 8);
  const char* package = core < 4 ? "0-3,8-11" : "4-7,12-15";
  put(files, base + "topology/",
      {{"physical_package_id", core < 4 ? "0" : "1"},
       {"core_id", std::to_string(core % 4).c_str()},
       {"thread_siblings_list", siblings.c_str()},
       {"cluster_cpus_list", siblings.c_str()}});
  const auto cache = [&](const char* index, const char* level, const char* type, const char* size,
                         const char* cpus) {
    put(files, base + "cache/index" + index + "/",
        {{"level", level}, {"type", type}, {"size", size}, {"shared_cpu_list", cpus}});
  };
  cache("0", "1", "Data", "48K", siblings.c_str());
  cache("1", "1", "Instruction", "32K", siblings.c_str());
  cache("2", "2", "Unified", "2M", siblings.c_str());
  cache("3", "3", "Unified", "36864K", package);
  const auto state = [&](const char* number, const char* name, const char* latency, const char* residency) {
    put(files, base + "cpuidle/state" + number + "/",
        {{"name", name},
         {"desc", "MWAIT"},
         {"latency", latency},
         {"residency", residency},
         {"disable", "0"},
         {"usage", "7"},
         {"time", "5"}});
  };
  state("0", "POLL", "0", "0");
  state("1", "C1", "1", "1");
  state("2", "C1E", "2", "4");
  state("3", "C6", "170", "600");
}

inline void put_domains(Files& files, int cpu) {
  const std::string base = "sys/kernel/debug/sched/domains/cpu" + std::to_string(cpu) + "/domain";
  const auto domain = [&](const char* level, const char* name, const char* min_interval,
                          const char* max_interval) {
    put(files, base + level + "/",
        {{"name", name},
         {"flags", "SD_BALANCE_NEWIDLE SD_WAKE_AFFINE"},
         {"min_interval", min_interval},
         {"max_interval", max_interval},
         {"busy_factor", "16"},
         {"imbalance_pct", "117"},
         {"cache_nice_tries", "1"}});
  };
  domain("0", "SMT", "2", "4");
  domain("1", "MC", "8", "16");
  domain("2", "NUMA", "16", "32");
}

// One vector on `cpu`, with its line of /proc/interrupts.
inline void put_vector(Files& files, int number, const std::string& name, int cpu, bool managed) {
  std::string& table = files["proc/interrupts"];
  table += std::to_string(number) + ":";
  for (int column = 0; column < 16; ++column) {
    table += column == cpu ? " 1000" : " 0";
  }
  table += "  IR-PCI-MSIX-0000:3b:00.0    " + std::to_string(number) + "-edge      " + name + "\n";
  const std::string own = std::to_string(cpu);
  put(files, "proc/irq/" + std::to_string(number) + "/",
      {{"smp_affinity_list", managed ? own.c_str() : "0-15"},
       {"effective_affinity_list", own.c_str()},
       {"spurious", "count 7\nunhandled 0\nlast_unhandled 0 ms"}});
  files["sys/kernel/debug/irq/irqs/" + std::to_string(number)] =
      std::string{"handler:  handle_edge_irq\nstate\n            IRQD_ACTIVATED\n"} +
      (managed ? "            IRQD_AFFINITY_MANAGED\n" : "            IRQD_AFFINITY_SET\n");
}

inline void put_devices(Files& files) {
  const std::string disk = "sys/block/nvme0n1/";
  const std::string nic = "sys/class/net/eth2/";
  for (int queue = 0; queue <= 16; ++queue) {
    put_vector(files, 100 + queue, "nvme0q" + std::to_string(queue), queue == 0 ? 0 : queue - 1, queue > 0);
    files[disk + "device/msi_irqs/" + std::to_string(100 + queue)] = "msix\n";
    const std::string cpu = std::to_string(queue - 1);
    if (queue > 0) {
      put(files, disk + "mq/" + cpu + "/", {{"cpu_list", cpu.c_str()}, {"nr_tags", "1023"}});
    }
  }
  for (int queue = 0; queue < 4; ++queue) {
    const std::string number = std::to_string(queue);
    put_vector(files, 200 + queue, "eth2-TxRx-" + number, 8 + queue, false);
    files[nic + "device/msi_irqs/" + std::to_string(200 + queue)] = "msix\n";
    files[nic + "queues/rx-" + number + "/rps_cpus"] = "0000\n";
    files[nic + "queues/tx-" + number + "/xps_cpus"] = "000f\n";
  }
  files[disk + "device/driver"] = "nvme\n";
  put(files, disk + "queue/",
      {{"scheduler", "[none] mq-deadline"},
       {"nr_requests", "1023"},
       {"rq_affinity", "2"},
       {"rotational", "0"},
       {"nomerges", "0"},
       {"io_poll", "0"},
       {"wbt_lat_usec", "2000"}});
  put(files, nic,
      {{"device/driver", "ixgbe"},
       {"mtu", "9000"},
       {"speed", "10000"},
       {"carrier", "1"},
       {"threaded", "0"},
       {"napi_defer_hard_irqs", "2"},
       {"gro_flush_timeout", "200000"},
       {"tx_queue_len", "1000"}});
}

}  // namespace server

inline Files server_files() {
  Files files;
  std::string& table = files["proc/interrupts"];
  for (int cpu = 0; cpu < 16; ++cpu) {
    server::put_cpu(files, cpu);
    server::put_domains(files, cpu);
    table += (cpu == 0 ? "      CPU" : " CPU") + std::to_string(cpu);
  }
  table += "\n";
  server::put_devices(files);
  table += "ERR:          0\n";
  server::put(files, "sys/devices/system/cpu/",
              {{"online", "0-15"},
               {"possible", "0-31"},
               {"isolated", "6-7,14-15"},
               {"nohz_full", "(null)"},
               {"smt/control", "on"},
               {"cpuidle/current_driver", "intel_idle"},
               {"cpuidle/current_governor_ro", "menu"}});
  server::put(files, "sys/devices/system/node/",
              {{"node0/cpulist", "0-3,8-11"},
               {"node0/distance", "10 21"},
               {"node1/cpulist", "4-7,12-15"},
               {"node1/distance", "21 10"}});
  server::put(files, "proc/sys/kernel/",
              {{"osrelease", "6.12.30-server"}, {"version", "#1 SMP PREEMPT_DYNAMIC"}});
  server::put(files, "sys/kernel/debug/sched/",
              {{"preempt", "none voluntary (full) lazy"},
               {"features", "PLACE_LAG RUN_TO_PARITY NO_HRTICK NONTASK_CAPACITY"},
               {"base_slice_ns", "2800000"},
               {"tunable_scaling", "1"},
               {"migration_cost_ns", "500000"}});
  server::put(files, "",
              {{"kernel-config",
                "# Linux/x86 6.12.30 Kernel Configuration\nCONFIG_HZ=1000\n"
                "CONFIG_PREEMPT_VOLUNTARY=y\nCONFIG_IRQ_TIME_ACCOUNTING=y"}});
  return files;
}
