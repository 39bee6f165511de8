// What the kernel counts of a process' BPF programs: runs, their time, and runs that it skipped.
//
// Models:   BPF_ENABLE_STATS (kernel/bpf/syscall.c, 5.8): the counting lasts as long as a file descriptor is
//           open, so it ends with this process, however that ends. It adds two readings of the clock to a
//           run. recursion_misses (bpf_prog_active in trace_call_bpf, 6.x): an event that fires while its CPU
//           runs another BPF program of ours is not seen; this is how events are lost.
#pragma once

#include <sys/types.h>

#include <cstdint>

namespace calibration {

class BpfStats {
 public:
  BpfStats();  // counting() is false where the kernel does not let us
  ~BpfStats();
  BpfStats(const BpfStats&) = delete;
  BpfStats& operator=(const BpfStats&) = delete;
  bool counting() const { return fd_ >= 0; }

 private:
  int fd_;
};

struct BpfRuns {
  std::uint64_t programs = 0;
  std::uint64_t runs = 0;    // hits of the probes
  std::uint64_t run_ns = 0;  // spent in them
  std::uint64_t misses = 0;  // events that were skipped
};

// Sums over the programs that `process` holds open: /proc/PID/fdinfo. All 0 where it cannot be read.
BpfRuns bpf_runs(pid_t process);

// CPU time of a process so far in ns: /proc/PID/schedstat of its main thread, 0 where it cannot be read.
std::int64_t cpu_time(pid_t process);

}  // namespace calibration
