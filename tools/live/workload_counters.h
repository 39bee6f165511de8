// What the kernel counts for the whole machine: /proc/stat, /proc/interrupts, /proc/softirqs, softnet_stat,
// and the ksoftirqd threads. The difference of two readings is what happened in between.
//
// Left out: what these files do not tell. CPU times are sampled by the tick (10 ms units), unless the kernel
// accounts precisely; a count that this kernel lacks is -1.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

namespace tools::live {

// Of all CPUs together, ns.
struct CpuTimes {
  std::int64_t user = 0;  // with nice
  std::int64_t system = 0;
  std::int64_t softirq = 0;
  std::int64_t hardirq = 0;
  std::int64_t idle = 0;  // with iowait
  std::int64_t steal = 0;

  std::int64_t total() const { return user + system + softirq + hardirq + idle + steal; }
};

struct SystemCounters {
  CpuTimes cpu;
  std::int64_t interrupts_device = -1;  // all numbered lines
  std::int64_t interrupts_timer = -1;   // LOC
  std::int64_t interrupts_ipi = -1;     // RES and CAL
  std::int64_t context_switches = -1;
  std::int64_t rx_drops = -1;           // softnet_stat: the backlog was full
  std::int64_t time_squeeze = -1;       // softnet_stat: net_rx_action left with work undone
  std::int64_t ksoftirqd_wakeups = -1;  // times that they went to sleep, which is as often as they were woken
  std::int64_t ksoftirqd_cpu_ns = -1;
  std::map<std::string, std::int64_t> softirqs;      // NET_RX, BLOCK, ...
  std::map<std::string, std::int64_t> device_lines;  // interrupts of one line: "virtio1-req.0"
};

SystemCounters read_counters();
SystemCounters operator-(const SystemCounters& after, const SystemCounters& before);

// The parsers, of the files' text.
CpuTimes parse_cpu_times(std::string_view proc_stat);
std::int64_t parse_context_switches(std::string_view proc_stat);
void parse_interrupts(std::string_view proc_interrupts, SystemCounters& counters);
void parse_softirqs(std::string_view proc_softirqs, SystemCounters& counters);
void parse_softnet(std::string_view softnet_stat, SystemCounters& counters);

}  // namespace tools::live
