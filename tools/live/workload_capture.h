// A capture around the measured part of a workload that already runs, by whichever tracer was asked for. It
// has a thread of its own, so that the workload can be watched meanwhile.
#pragma once

#include <atomic>
#include <cstdint>
#include <exception>
#include <thread>
#include <vector>

#include "sim/time.h"
#include "tools/live/workload.h"

namespace tools::live {

class WorkloadCapture {
 public:
  // `pids`: the workload's processes; only their system calls are stored, and they keep their names.
  WorkloadCapture(const WorkloadOptions& options, sim::Nanos length, std::vector<std::int32_t> pids);
  ~WorkloadCapture();  // ends it
  WorkloadCapture(const WorkloadCapture&) = delete;
  WorkloadCapture& operator=(const WorkloadCapture&) = delete;

  bool started() const;                  // or already over
  bool ended() const;                    // nothing more is traced; storing it goes on
  void give_up() { stop_.store(true); }  // what was captured until then is stored
  // Waits until it is stored. Throws what the capture threw.
  CaptureResult result();
  // CLOCK_MONOTONIC, ns, of what is stored; after result().
  std::int64_t start() const { return start_; }
  std::int64_t end() const { return end_; }

 private:
  void run();
  void capture_bpf();
  void capture_ftrace();

  const WorkloadOptions& options_;
  sim::Nanos length_;
  std::vector<std::int32_t> pids_;
  std::atomic<bool> stop_{false};
  std::atomic<bool> over_{false};
  calibration::CaptureProgress progress_;
  std::int64_t start_ = 0, end_ = 0;
  CaptureResult result_;
  std::exception_ptr error_;
  std::thread thread_;
};

}  // namespace tools::live
