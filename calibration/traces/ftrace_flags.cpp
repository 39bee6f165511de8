#include "calibration/traces/ftrace_flags.h"

#include <algorithm>
#include <cstdint>

#include "sim/check.h"

namespace calibration {
namespace {

using models::Tracepoint;
using models::TraceRecord;

constexpr int net_rx = 3;            // NET_RX_SOFTIRQ
constexpr int block = 4;             // BLOCK_SOFTIRQ
constexpr std::uint8_t in_task = 0;  // TraceRecord::context
constexpr std::uint8_t in_softirq = 1;
constexpr std::uint8_t in_hardirq = 2;

// Wherever they fire, the kernel has interrupts off; the others follow their context.
bool fires_with_irqs_off(Tracepoint point) {
  switch (point) {
    case Tracepoint::irq_handler_entry:
    case Tracepoint::irq_handler_exit:
    case Tracepoint::softirq_raise:
    case Tracepoint::sched_waking:
    case Tracepoint::sched_wakeup:
    case Tracepoint::sched_migrate_task:
    case Tracepoint::sched_switch:
    case Tracepoint::hrtimer_expire_entry:
    case Tracepoint::cpu_idle:
      return true;
    default:
      return false;
  }
}

}  // namespace

std::array<char, 5> flags_column(const EventFlags& flags) {
  std::array<char, 5> column{'.', '.', '.', '.', '.'};
  if (flags.irqs_off || flags.bh_off) {
    column[0] = !flags.bh_off ? 'd' : flags.irqs_off ? 'D' : 'b';
  }
  if (flags.need_resched) {
    column[1] = 'N';
  }
  if (flags.hardirq || flags.softirq) {
    column[2] = !flags.hardirq ? 's' : flags.softirq ? 'H' : 'h';
  }
  if (flags.preempt_depth > 0) {
    column[3] = "0123456789abcdef"[flags.preempt_depth & 15];
  }
  return column;
}

FtraceFlags::TaskState& FtraceFlags::task(const TraceRecord& record) {
  const auto number = static_cast<std::size_t>(record.a);
  sim::check(number < tasks_.size(), "a trace record names a task of its host");
  return tasks_[number];
}

EventFlags FtraceFlags::next(const TraceRecord& record) {
  enter(record);
  EventFlags flags{.known = true};
  flags.irqs_off = record.irqs_off || record.context == in_hardirq || fires_with_irqs_off(record.point);
  // A task raises a softirq inside local_bh_disable().
  flags.bh_off = record.point == Tracepoint::softirq_raise && record.context == in_task;
  flags.need_resched =
      record.need_resched && record.point != Tracepoint::sched_switch;  // __schedule cleared it
  flags.hardirq = record.context == in_hardirq;
  flags.softirq = record.context == in_softirq || (flags.hardirq && cpu(record).softirq >= 0);
  flags.preempt_depth = static_cast<std::uint8_t>(std::min(preempt_depth(record), 15));
  leave(record);
  return flags;
}

int FtraceFlags::preempt_depth(const TraceRecord& record) {
  const bool softirq =
      record.context == in_softirq || (record.context == in_hardirq && cpu(record).softirq >= 0);
  const bool bh_enable = softirq && cpu(record).bh_enable;  // do_softirq() is called with preemption off
  const int base = record.current == models::TaskId::none || bh_enable ? 1 : 0;
  switch (record.point) {
    case Tracepoint::sched_switch:
      return 2;  // __schedule: preemption off, rq->lock
    case Tracepoint::softirq_raise:
      if (record.context == in_task) {
        return base + 1;  // enqueue_to_backlog: the backlog's lock
      }
      return record.a == block && cpu(record).in_handler ? base + 2 : base;  // vq_lock, blk_mq_raise_softirq
    case Tracepoint::sched_waking:
    case Tracepoint::sched_wakeup:
    case Tracepoint::sched_migrate_task:
      return wakeup_depth(record, base);
    case Tracepoint::io_uring_complete:
      return base + 1;  // completion_lock
    default:
      return base;
  }
}

int FtraceFlags::wakeup_depth(const TraceRecord& record, int base) {
  if (task(record).waking_at != record.time) {  // outside try_to_wake_up: the wake list, or a balancer
    return record.point == Tracepoint::sched_migrate_task ? 2 : base + 1;
  }
  int depth = base + 2;  // try_to_wake_up: preemption off, pi_lock
  if (record.context == in_softirq && cpu(record).softirq == net_rx) {
    depth += task(record).in_epoll_wait ? 4 : 2;  // the socket, its wait queue; ep->lock, ep->wq
  }
  return record.point == Tracepoint::sched_wakeup ? depth + 1 : depth;  // rq->lock
}

void FtraceFlags::enter(const TraceRecord& record) {
  if (record.point == Tracepoint::softirq_entry) {
    cpus_[models::index(record.cpu)].softirq = static_cast<int>(record.a);
  } else if (record.point == Tracepoint::sched_waking) {
    task(record).waking_at = record.time;
  }
}

void FtraceFlags::leave(const TraceRecord& record) {
  CpuState& here = cpus_[models::index(record.cpu)];
  switch (record.point) {
    case Tracepoint::irq_handler_entry:
      here.in_handler = true;
      break;
    case Tracepoint::irq_handler_exit:
      here.in_handler = false;
      break;
    case Tracepoint::softirq_raise:
      if (here.softirq < 0) {
        here.bh_enable = record.context == in_task;
      }
      break;
    case Tracepoint::softirq_exit:
      here.softirq = -1;
      break;
    case Tracepoint::sched_switch:
      here.bh_enable = false;
      break;
    case Tracepoint::sys_enter_epoll_wait:
      task(record).in_epoll_wait = true;
      break;
    case Tracepoint::sys_exit_epoll_wait:
      task(record).in_epoll_wait = false;
      break;
    default:
      break;
  }
}

}  // namespace calibration
