// How many events a second the chain program will see, before it runs: the map must be allocated beforehand,
// and once it is full nothing more is kept.
//
// Models:   /proc/stat: an interrupt is two events and often a timer's expiry, a softirq three (raise, entry,
//           exit), a context switch a waking, a wakeup, a switch and half of an idle entry or exit.
// Left out: system calls and packets, which are not counted there; the load that has yet to start. The margin
//           covers both where it can, and a map that filled all the same is reported.
#pragma once

#include <cstdint>
#include <string_view>

namespace calibration {

struct KernelCounts {  // since boot
  std::uint64_t interrupts = 0;
  std::uint64_t softirqs = 0;
  std::uint64_t switches = 0;
};

KernelCounts parse_proc_stat(std::string_view text);

// Events that happened between the two, by the rates above.
std::uint64_t estimated_events(const KernelCounts& before, const KernelCounts& after);

struct MapPlan {
  std::uint64_t entries = 0;
  double events_per_second = 0;      // as estimated
  std::uint64_t kernel_bytes = 0;    // of the map
  std::uint64_t printing_bytes = 0;  // of bpftrace and of us, when it is full and printed
  bool limited_by_memory = false;
};

inline constexpr std::uint64_t map_entry_bytes =
    128;  // 16 of key, 56 of value, the kernel's header and bucket
inline constexpr std::uint64_t printed_entry_bytes =
    700;  // measured: 560 in bpftrace 0.17, 72 and the text in us

// Entries for `seconds` at that rate with a margin of 3, at least for 50000 events a second and CPU (up to 4
// Mi entries), at most what a quarter of the available memory holds. `wanted` is used instead when not 0,
// with the same upper limit.
MapPlan plan_map(double events_per_second, double seconds, int cpus, std::uint64_t available_bytes,
                 std::uint64_t wanted);

// Watches this machine for 0.3 s.
double measure_event_rate();
std::uint64_t available_memory();  // bytes: MemAvailable; 0 if it cannot be read

}  // namespace calibration
