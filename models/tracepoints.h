// The kernel's tracepoints, as the simulated kernel fires them.
//
//   a model ──fire()──► recorder (a trace), tracer (bpftrace as a task), attribution cost
//
// A tracepoint that nothing is attached to costs one test of a mask, here as in the kernel. Two are not the
// kernel's: agent_wakeup is the proposal's patch 3/8, wake_cause the truth that only a simulator has.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "models/completion.h"
#include "models/ids.h"
#include "models/wake_cause.h"
#include "sim/port.h"
#include "sim/time.h"

namespace models {

enum class Tracepoint : std::uint8_t {
  irq_handler_entry,         // a: irq
  irq_handler_exit,          // a: irq
  softirq_raise,             // a: vec
  softirq_entry,             // a: vec
  softirq_exit,              // a: vec
  napi_poll,                 // a: NAPI, b: work, c: budget
  netif_receive_skb,         // a: flow, b: len
  sched_waking,              // a: task, b: target_cpu
  sched_wakeup,              // a: task, b: target_cpu
  sched_migrate_task,        // a: task, b: orig_cpu, c: dest_cpu
  sched_switch,              // a: prev task (-1 idle), b: prev_state (0 R, 1 S), c: next task (-1 idle)
  block_rq_issue,            // a: draw_key, b: bytes, c: write, d: device
  block_rq_complete,         // a: draw_key, b: bytes, c: write, d: device
  io_uring_complete,         // a: task, b: result
  sys_enter_epoll_wait,      // a: task
  sys_exit_epoll_wait,       // a: task, b: ret
  sys_enter_io_uring_enter,  // a: task, b: to_submit
  sys_exit_io_uring_enter,   // a: task, b: ret
  sys_enter_nanosleep,       // a: task; clock_nanosleep(2)
  sys_exit_nanosleep,        // a: task, b: ret
  hrtimer_expire_entry,      // a: task that sleeps on it (-1: the tick), b: expiry
  cpu_idle,                  // a: state, -1 on exit
  agent_wakeup,              // an ExplainedWakeup; after the sched_waking that it explains
  wake_cause,                // an ExplainedWakeup without the agent; after every sched_waking
  count,
};

struct TraceRecord {
  sim::SimTime time;
  std::int64_t a, b, c;
  TaskId current;  // the task that `cpu` runs or has interrupted, none: idle
  CpuId cpu;
  Tracepoint point;
  std::uint8_t context;  // 0 task, 1 softirq, 2 hardirq
  bool irqs_off;
  bool need_resched;
  std::int64_t d = 0;
  bool serving_softirq = false;  // also in a hardirq on top of one
};

// What agent_wakeup and wake_cause say, and how their record's four numbers carry it.
struct ExplainedWakeup {
  TaskId task = TaskId::none;
  WakeCause cause;
  std::int32_t agent_id = -1;
  std::int32_t step_id = 0;
  LatencyClass latency_class = LatencyClass::normal;

  std::int64_t a() const { return static_cast<std::int64_t>(task); }
  std::int64_t b() const { return std::int64_t{agent_id} * (std::int64_t{1} << 32) + step_id; }
  std::int64_t c() const {
    return static_cast<std::int64_t>(cause.source) | static_cast<std::int64_t>(latency_class) << 8 |
           (static_cast<std::int64_t>(cause.device) + 1) << 16;
  }
  std::int64_t d() const { return cause.cookie; }

  static ExplainedWakeup of(const TraceRecord& record) {
    const std::int64_t device = (record.c >> 16) - 1;
    return {static_cast<TaskId>(record.a),
            {static_cast<WakeSource>(record.c & 0xff), static_cast<DeviceId>(device), record.d},
            static_cast<std::int32_t>(record.b >> 32),
            static_cast<std::int32_t>(record.b & 0xffffffff),
            static_cast<LatencyClass>(record.c >> 8 & 0xff)};
  }
};

// What is recorded beyond the kernel's own tracepoints. None of it changes the run.
struct TraceOptions {
  bool agent_wakeups = false;  // also where no policy brings the tracepoint along
  bool wake_causes = false;
};

// Takes the measured part's records in the order of time: keeps the first ones, hands each on, or both.
class TraceRecorder {
 public:
  // Keeps the first `capacity` records.
  explicit TraceRecorder(std::size_t capacity, TraceOptions options = {})
      : capacity_{capacity}, options_{options} {
    records_.reserve(capacity < 1024 ? capacity : 1024);
  }
  // Keeps none: they only go to the sink.
  explicit TraceRecorder(TraceOptions options) : options_{options} {}
  TraceRecorder(const TraceRecorder&) = delete;
  TraceRecorder& operator=(const TraceRecorder&) = delete;

  sim::Port<void(const TraceRecord&)> sink;  // out: each record as it is fired; may stay unconnected

  void record(const TraceRecord& record) {
    if (sink.connected()) {
      sink(record);
    }
    if (records_.size() < capacity_) {
      records_.push_back(record);
    } else if (capacity_ > 0) {
      ++lost_;
    }
  }
  const TraceOptions& options() const { return options_; }
  const std::vector<TraceRecord>& records() const { return records_; }
  std::uint64_t lost() const { return lost_; }  // that came after the capacity was used up

 private:
  std::size_t capacity_ = 0;
  TraceOptions options_;
  std::vector<TraceRecord> records_;
  std::uint64_t lost_ = 0;
};

class Tracepoints {
 public:
  sim::Port<void(Tracepoint, CpuId, std::int64_t, std::int64_t, std::int64_t, std::int64_t)> attached;  // out

  void arm(Tracepoint point) { armed_ |= bit(point); }
  bool armed(Tracepoint point) const { return (armed_ & bit(point)) != 0; }
  // Whether anything listens to why tasks are woken.
  bool explain_wakeups() const {
    return (armed_ & (bit(Tracepoint::agent_wakeup) | bit(Tracepoint::wake_cause))) != 0;
  }

  void fire(Tracepoint point, CpuId cpu, std::int64_t a = 0, std::int64_t b = 0, std::int64_t c = 0,
            std::int64_t d = 0) const {
    if (armed(point)) [[unlikely]] {
      attached(point, cpu, a, b, c, d);
    }
  }
  void fire(Tracepoint point, CpuId cpu, const ExplainedWakeup& wakeup) const {
    fire(point, cpu, wakeup.a(), wakeup.b(), wakeup.c(), wakeup.d());
  }

 private:
  static constexpr std::uint32_t bit(Tracepoint point) {
    return std::uint32_t{1} << static_cast<unsigned>(point);
  }
  static_assert(static_cast<unsigned>(Tracepoint::count) <= 32, "a tracepoint has a bit of the mask");
  std::uint32_t armed_ = 0;
};

}  // namespace models
