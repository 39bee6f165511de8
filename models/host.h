// One machine: builds, owns and wires every model. READ THIS SECOND, after completion.h: host.cpp shows, in
// the order of the chain, who is connected to whom.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "models/host_config.h"
#include "models/meter.h"
#include "models/metrics.h"
#include "models/tracepoints.h"
#include "models/tracer.h"
#include "sim/time.h"

namespace models {

class Host {
 public:
  // `config` is valid (scenarios/validate.h). The same config and seed give the same run.
  Host(const HostConfig& config, std::uint64_t seed, TraceRecorder* recorder = nullptr);
  ~Host();
  Host(const Host&) = delete;
  Host& operator=(const Host&) = delete;

  // Runs the warm-up unmeasured, then `duration` measured. Events at the end's instant run.
  void run(sim::Nanos warmup, sim::Nanos duration);
  // The same in steps, for callers that show progress or stop early: runs up to `until`, measuring from
  // `warmup` on. finish() closes the books; metrics() is complete after it.
  void advance(sim::SimTime until, sim::Nanos warmup);
  void finish();

  // out: an agent's completion has reached userspace, with all its stamps. Measured part only; nobody need
  // listen.
  sim::Port<void(const Completion&)>& finished();

  // out: an agent's step is over. Measured part only; nobody need listen.
  sim::Port<void(const StepTimes&)>& step_done();

  const Metrics& metrics() const;
  std::uint64_t events() const;
  // For a trace's text: a task's name; "swapper" for none.
  std::string_view task_name(TaskId id) const;
  int task_count() const;
  int task_prio(TaskId id) const;  // as sched_switch prints it: 120 + nice, 99 - rt_priority; idle: 120
  int cpu_count() const;
  // The cpuidle state's number for the `index`-th of host.idle: on x86 0 is always POLL
  // (drivers/cpuidle/poll_state.c).
  int cpuidle_state(int index) const;
  // The name a driver gives its vector, "nvme0q3", "eth0-TxRx-0", "virtio1-req.0"; "vectorN" for any other.
  std::string irq_name(int irq) const;
  // The device of a NAPI, "(no_device)" for a backlog; the device that a connection's frames arrive on.
  std::string_view napi_device(int napi) const;
  std::string_view flow_device(FlowId flow) const;
  int device_count() const;
  // The device number of a disk, major << 20 | minor, in the order of the host's: NVMe 259,0 259,1 ... (block
  // extended major), virtio 254,0 254,16 ...
  std::uint32_t device_number(DeviceId id) const;
  // What bpftrace would have printed; empty without a tracer.
  const std::vector<TracerRow>& tracer_rows() const;
  std::string_view task_role(TaskId id) const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace models
