// The kernel's tracepoints, as the simulated kernel fires them.
//
//   a model ──fire()──► recorder (a trace), tracer (bpftrace as a task), attribution cost
//
// A tracepoint that nothing is attached to costs one test of a mask, here as in the kernel.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "models/ids.h"
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
  block_rq_issue,            // a: sector, b: bytes, c: write
  block_rq_complete,         // a: sector, b: bytes, c: write
  io_uring_complete,         // a: task, b: result
  sys_enter_epoll_wait,      // a: task
  sys_exit_epoll_wait,       // a: task, b: ret
  sys_enter_io_uring_enter,  // a: task, b: to_submit
  sys_exit_io_uring_enter,   // a: task, b: ret
  hrtimer_expire_entry,      // a: task that sleeps on it (-1: the tick), b: expiry
  cpu_idle,                  // a: state, -1 on exit
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
};

class TraceRecorder {
 public:
  explicit TraceRecorder(std::size_t capacity) : capacity_{capacity} {
    records_.reserve(capacity < 1024 ? capacity : 1024);
  }
  void record(const TraceRecord& record) {
    if (records_.size() < capacity_) {
      records_.push_back(record);
    } else {
      ++lost_;
    }
  }
  const std::vector<TraceRecord>& records() const { return records_; }
  std::uint64_t lost() const { return lost_; }

 private:
  std::size_t capacity_;
  std::vector<TraceRecord> records_;
  std::uint64_t lost_ = 0;
};

class Tracepoints {
 public:
  sim::Port<void(Tracepoint, CpuId, std::int64_t, std::int64_t, std::int64_t)> attached;  // out

  void arm(Tracepoint point) { armed_ |= bit(point); }
  bool armed(Tracepoint point) const { return (armed_ & bit(point)) != 0; }

  void fire(Tracepoint point, CpuId cpu, std::int64_t a = 0, std::int64_t b = 0, std::int64_t c = 0) const {
    if (armed(point)) [[unlikely]] {
      attached(point, cpu, a, b, c);
    }
  }

 private:
  static std::uint32_t bit(Tracepoint point) { return std::uint32_t{1} << static_cast<unsigned>(point); }
  std::uint32_t armed_ = 0;
};

}  // namespace models
