// A simulated run as the events of a capture, and the truth that an analysis of it is scored against.
//
//   models::TraceRecord ──convert()──► Event     wake_cause ──► WakeTruth     Completion ──► ChainTruth
//
// Invented: what the simulator has no notion of. Kernel pointers (as %p prints them: 32 bits of a hash), file
//           descriptors, user addresses and sectors come from ids: one object has one value throughout. NVMe
//           disks are 259,0 259,1 ..., virtio disks 254,0 254,16 ...
// Left out: preemption in kernel mode (R+): who leaves without sleeping leaves in state R, as on the
//           return to user. Uninterruptible sleep (D): O_DIRECT writers sleep in S. Events that no
//           model fires: ipi_send_cpu, nvme_sq, net_dev_xmit, NET_TX, reads and writes of sockets.
//
// Where a completion's stages stand in the events; each has the event's time to the nanosecond:
//
//   device_done, irq   nowhere
//   timer          hrtimer_expire_entry of its timer. (When it was due is nowhere; hrtimer_start would say.)
//                  An expiry before the task could sleep has none, and no wakeup.
//   softirq_raise, softirq_entry
//                  of the softirq that delivered or completed it. Its entry is the last one on the CPU. Its
//                  raise is the one that set the vector's pending bit: analysis/softirq_raises.h. Others may
//                  have been served by the same run, and the raise may be older than the completion itself.
//   hardirq_entry  irq_handler_entry of the handler in which it completed, or in which that softirq_raise
//                  fired; none where the raise fired in a task, a softirq or an IPI. Timers have none: the
//                  local APIC's interrupt is no irq_handler.
//   delivered      netif_receive_skb just before the sched_waking, on its CPU and at its time. (Of a message
//                  that woke nobody: its last one.)
//   completed      block_rq_complete of its device and sector
//   waking         sched_waking of its task, right after the event of its own (hrtimer_expire_entry,
//                  netif_receive_skb, block_rq_complete) on that CPU, at the same time. Of a wait for several
//                  reads only those that woke have waking, runnable and running.
//   runnable       the next sched_wakeup of the task
//   running        the next sched_switch to it
//   cqe            io_uring_complete: the n-th with res >= 0 since sys_enter_io_uring_enter is that of
//                  the n-th block_rq_complete of the call's reads. One that the device refused has res -11.
//   user           sys_exit of the wait: epoll_wait, io_uring_enter, clock_nanosleep. A reschedule or a
//                  tracepoint's cost on the way out come after it; the metrics, which are the program's own
//                  timing, include them.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <vector>

#include "calibration/traces/event.h"
#include "calibration/traces/ftrace_flags.h"
#include "models/completion.h"
#include "models/host.h"
#include "models/tracepoints.h"

namespace calibration {

// Why a task was woken. One for each sched_waking, and right behind it.
struct WakeTruth {
  std::int64_t time = 0;
  std::int32_t cpu = -1;  // where sched_waking fired
  std::int32_t pid = -1;  // who is woken
  models::WakeSource source = models::WakeSource::none;
  // As the events number it. timer: the hrtimer. block: the sector. net: the pid that sent, 0: another
  // machine. task: the pid of who woke it, 0: the idle task.
  std::uint64_t cookie = 0;
  std::uint32_t dev = 0;  // block
};

// A completion of an agent that reached userspace, with the models' own stamps.
struct ChainTruth {
  std::array<std::int64_t, models::stage_count> at;  // ns by models::Stage, -1: it has none
  std::int32_t pid = -1;                             // who waits for it
  models::WakeSource source = models::WakeSource::none;
  std::uint64_t cookie = 0;  // as WakeTruth's
  std::uint32_t dev = 0;
  std::int32_t agent_id = -1;
  std::int32_t step_id = 0;
  models::LatencyClass latency_class = models::LatencyClass::normal;

  std::int64_t when(models::Stage stage) const { return at[static_cast<std::size_t>(stage)]; }
  bool has(models::Stage stage) const { return when(stage) >= 0; }
};

class SimulatedEvents {
 public:
  // `names` takes the events' texts. Both outlive this. `first_pid` is that of TaskId 0, >= 1.
  SimulatedEvents(const models::Host& host, Names& names, int first_pid = 1000);

  // False for wake_cause, which no kernel has. Takes the records of `host` once each, in the order of time.
  bool convert(const models::TraceRecord& record, Event& event);
  WakeTruth wake_truth(const models::TraceRecord& record) const;  // of a wake_cause or an agent_wakeup
  ChainTruth chain_truth(const models::Completion& completion) const;

  std::int32_t pid(models::TaskId task) const {  // 0 for none
    return task == models::TaskId::none ? 0 : first_pid_ + static_cast<std::int32_t>(task);
  }
  std::uint64_t hrtimer(models::TaskId task) const;  // of its sleeps
  static std::uint64_t sector(std::int64_t draw_key);
  std::uint32_t dev(models::DeviceId device) const { return devs_[models::index(device)]; }

 private:
  struct KnownTask {
    Name comm;
    std::int32_t prio;
    std::uint32_t completions = 0;
  };

  void interrupt_event(const models::TraceRecord& record, Event& event);
  void network_event(const models::TraceRecord& record, Event& event);
  void wakeup_event(const models::TraceRecord& record, Event& event);
  void switch_event(const models::TraceRecord& record, Event& event);
  void block_event(const models::TraceRecord& record, Event& event);
  void io_uring_event(const models::TraceRecord& record, Event& event);
  void wait_event(const models::TraceRecord& record, Event& event);
  void timer_event(const models::TraceRecord& record, Event& event);
  void agent_event(const models::TraceRecord& record, Event& event);
  std::uint64_t cookie(const models::WakeCause& cause) const;
  KnownTask& task(std::int64_t id);
  Name comm(std::int64_t id) { return id < 0 ? idle_ : task(id).comm; }
  // The text of an object's number, asked for once.
  template <class Text>
  Name cached(std::vector<Name>& kept, std::int64_t id, Text&& text) {
    const auto at = static_cast<std::size_t>(id);
    if (at >= kept.size()) {
      kept.resize(at + 1, Name::none);
    }
    return kept[at] != Name::none ? kept[at] : kept[at] = names_.intern(text());
  }

  const models::Host& host_;
  Names& names_;
  int first_pid_;
  FtraceFlags flags_;
  std::vector<KnownTask> tasks_;
  std::vector<std::uint32_t> devs_;  // by device
  std::vector<Name> swappers_;       // by CPU
  std::vector<Name> irq_names_, napi_names_, flow_names_;
  Name idle_, read_, write_, epoll_wait_, io_uring_enter_, clock_nanosleep_, hrtimer_wakeup_, tick_;
  std::array<Name, 5> sources_;
  std::uint32_t skbs_ = 0;
};

struct SimulationOptions {
  std::uint64_t seed = 1;
  sim::Nanos warmup{0};
  sim::Nanos duration{1'000'000'000};
  int first_pid = 1000;
  bool agent_wakeups = false;  // the proposal's tracepoint also without the policy that brings it, at no cost
};

// What a simulation hands on, in the order of time; any of them may be empty. A truth comes after the
// sched_waking (and its agent_wakeup) that it is of, a chain at its return to userspace. Those of the warm-up
// are left out; the first chains began in it.
struct SimulationSinks {
  std::function<void(const Event&)> event;
  std::function<void(const WakeTruth&)> wake;
  std::function<void(const ChainTruth&)> chain;
};

// Runs the host and streams it; memory does not depend on the duration. `config` is valid
// (scenarios/validate.h). Returns what the run measured.
models::Metrics simulate_events(const models::HostConfig& config, const SimulationOptions& options,
                                Names& names, const SimulationSinks& sinks);

}  // namespace calibration
