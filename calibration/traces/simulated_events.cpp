#include "calibration/traces/simulated_events.h"

#include <string>

#include "models/packet.h"
#include "sim/check.h"

namespace calibration {
namespace {

using models::TaskId;
using models::Tracepoint;
using models::TraceRecord;
using models::WakeSource;

constexpr std::size_t comm_length = 15;  // TASK_COMM_LEN - 1

// %p prints a hash of the address: 32 bits of it, one to one with the object (MurmurHash3's finalizer).
enum class Object : std::uint32_t { napi, ring, request, sleep_timer, tick_timer, skb };
std::uint32_t pointer(Object kind, std::uint32_t id) {
  std::uint32_t h = static_cast<std::uint32_t>(kind) << 28 | (id & 0x0fffffff);
  h = (h ^ (h >> 16)) * 0x85ebca6b;
  h = (h ^ (h >> 13)) * 0xc2b2ae35;
  return h ^ (h >> 16);
}

// On the thread's stack.
std::int64_t user_pointer(std::int64_t task) { return 0x7f0000000360 + task * 0x800000; }

EventKind kind_of(Tracepoint point) {
  switch (point) {
    case Tracepoint::irq_handler_entry:
      return EventKind::irq_handler_entry;
    case Tracepoint::irq_handler_exit:
      return EventKind::irq_handler_exit;
    case Tracepoint::softirq_raise:
      return EventKind::softirq_raise;
    case Tracepoint::softirq_entry:
      return EventKind::softirq_entry;
    case Tracepoint::softirq_exit:
      return EventKind::softirq_exit;
    case Tracepoint::napi_poll:
      return EventKind::napi_poll;
    case Tracepoint::netif_receive_skb:
      return EventKind::netif_receive_skb;
    case Tracepoint::sched_waking:
      return EventKind::sched_waking;
    case Tracepoint::sched_wakeup:
      return EventKind::sched_wakeup;
    case Tracepoint::sched_migrate_task:
      return EventKind::sched_migrate_task;
    case Tracepoint::sched_switch:
      return EventKind::sched_switch;
    case Tracepoint::block_rq_issue:
      return EventKind::block_rq_issue;
    case Tracepoint::block_rq_complete:
      return EventKind::block_rq_complete;
    case Tracepoint::io_uring_complete:
      return EventKind::io_uring_complete;
    case Tracepoint::sys_enter_epoll_wait:
    case Tracepoint::sys_enter_io_uring_enter:
    case Tracepoint::sys_enter_nanosleep:
      return EventKind::sys_enter;
    case Tracepoint::sys_exit_epoll_wait:
    case Tracepoint::sys_exit_io_uring_enter:
    case Tracepoint::sys_exit_nanosleep:
      return EventKind::sys_exit;
    case Tracepoint::hrtimer_expire_entry:
      return EventKind::hrtimer_expire_entry;
    case Tracepoint::cpu_idle:
      return EventKind::cpu_idle;
    case Tracepoint::agent_wakeup:
      return EventKind::agent_wakeup;
    case Tracepoint::wake_cause:
    case Tracepoint::count:
      break;
  }
  sim::check(false, "a trace record is of a tracepoint");
  return EventKind::other;
}

// agent_wakeup fires where the sched_waking before it has.
TraceRecord as_waking(TraceRecord record) {
  record.point = Tracepoint::sched_waking;
  return record;
}

}  // namespace

SimulatedEvents::SimulatedEvents(const models::Host& host, Names& names, int first_pid)
    : host_{host},
      names_{names},
      first_pid_{first_pid},
      flags_{host.cpu_count(), host.task_count()},
      idle_{names.intern("<idle>")},
      read_{names.intern("R")},
      write_{names.intern("WS")},  // O_DIRECT writes are synchronous
      epoll_wait_{names.intern("epoll_wait")},
      io_uring_enter_{names.intern("io_uring_enter")},
      clock_nanosleep_{names.intern("clock_nanosleep")},
      hrtimer_wakeup_{names.intern("hrtimer_wakeup")},
      tick_{names.intern("tick_nohz_handler")},
      sources_{names.intern("none"), names.intern("timer"), names.intern("block"), names.intern("net"),
               names.intern("task")} {
  sim::check(first_pid >= 1, "pid 0 is the idle task's");
  for (int i = 0; i < host.task_count(); ++i) {
    const auto id = static_cast<TaskId>(i);
    tasks_.push_back({names.intern(host.task_name(id).substr(0, comm_length)), host.task_prio(id)});
  }
  for (int i = 0; i < host.cpu_count(); ++i) {
    swappers_.push_back(names.intern("swapper/" + std::to_string(i)));
  }
  for (int i = 0; i < host.device_count(); ++i) {
    devs_.push_back(host.device_number(static_cast<models::DeviceId>(i)));
  }
}

SimulatedEvents::KnownTask& SimulatedEvents::task(std::int64_t id) {
  sim::check(id >= 0 && static_cast<std::size_t>(id) < tasks_.size(),
             "a trace record names a task of its host");
  return tasks_[static_cast<std::size_t>(id)];
}

std::uint64_t SimulatedEvents::hrtimer(TaskId task) const {
  return pointer(Object::sleep_timer, static_cast<std::uint32_t>(task));
}

// Draw keys have 44 bits. The disk they address here has 2^35 sectors, and every I/O is aligned to 4 KiB.
std::uint64_t SimulatedEvents::sector(std::int64_t draw_key) {
  return static_cast<std::uint64_t>(draw_key & 0xffffffff) << 3;
}

bool SimulatedEvents::convert(const TraceRecord& record, Event& event) {
  if (record.point == Tracepoint::wake_cause) {
    return false;
  }
  sim::check(models::index(record.cpu) < swappers_.size(), "a trace record is of a CPU");
  event = Event{};
  event.time = sim::count(record.time);
  event.cpu = static_cast<std::int32_t>(record.cpu);
  event.pid = pid(record.current);
  event.comm = comm(static_cast<std::int64_t>(record.current));
  event.flags = flags_.next(record.point == Tracepoint::agent_wakeup ? as_waking(record) : record);
  // A softirq is served, too, between a pass's taking of the pending bits and its first entry.
  event.flags.softirq |= record.serving_softirq;
  event.kind = kind_of(record.point);
  switch (event.kind) {
    case EventKind::irq_handler_entry:
    case EventKind::irq_handler_exit:
    case EventKind::softirq_raise:
    case EventKind::softirq_entry:
    case EventKind::softirq_exit:
      interrupt_event(record, event);
      break;
    case EventKind::napi_poll:
    case EventKind::netif_receive_skb:
      network_event(record, event);
      break;
    case EventKind::sched_waking:
    case EventKind::sched_wakeup:
    case EventKind::sched_migrate_task:
      wakeup_event(record, event);
      break;
    case EventKind::sched_switch:
      switch_event(record, event);
      break;
    case EventKind::block_rq_issue:
    case EventKind::block_rq_complete:
      block_event(record, event);
      break;
    case EventKind::io_uring_complete:
      io_uring_event(record, event);
      break;
    case EventKind::sys_enter:
    case EventKind::sys_exit:
      wait_event(record, event);
      break;
    case EventKind::agent_wakeup:
      agent_event(record, event);
      break;
    default:
      timer_event(record, event);
      break;
  }
  return true;
}

void SimulatedEvents::interrupt_event(const TraceRecord& record, Event& event) {
  const auto number = static_cast<std::int32_t>(record.a);
  if (event.kind == EventKind::irq_handler_entry) {
    event.irq = {number, cached(irq_names_, record.a, [&] { return host_.irq_name(number); }), false};
  } else if (event.kind == EventKind::irq_handler_exit) {
    event.irq = {number, Name::none, true};
  } else {
    event.softirq = {number};
  }
}

void SimulatedEvents::network_event(const TraceRecord& record, Event& event) {
  if (event.kind == EventKind::napi_poll) {
    const auto napi = static_cast<std::uint32_t>(record.a);
    const Name dev = cached(napi_names_, record.a, [&] { return host_.napi_device(static_cast<int>(napi)); });
    // A backlog is a NAPI per CPU.
    const std::uint32_t id = napi == 0 ? 0x8000u + static_cast<std::uint32_t>(record.cpu) : napi;
    event.napi_poll = {pointer(Object::napi, id), dev, static_cast<std::int32_t>(record.b),
                       static_cast<std::int32_t>(record.c)};
    return;
  }
  const Name dev =
      cached(flow_names_, record.a, [&] { return host_.flow_device(static_cast<models::FlowId>(record.a)); });
  constexpr std::int64_t headers = 20 + 32;  // skb->len counts IPv4 and TCP with timestamps
  event.skb = {pointer(Object::skb, skbs_++ % 1024), dev, static_cast<std::int32_t>(record.b + headers)};
}

void SimulatedEvents::wakeup_event(const TraceRecord& record, Event& event) {
  const KnownTask& wakee = task(record.a);
  const std::int32_t id = pid(static_cast<TaskId>(record.a));
  if (event.kind == EventKind::sched_migrate_task) {
    event.migrate = {wakee.comm, id, wakee.prio, static_cast<std::int32_t>(record.b),
                     static_cast<std::int32_t>(record.c)};
  } else {
    event.wakeup = {wakee.comm, id, wakee.prio, static_cast<std::int32_t>(record.b)};
  }
}

void SimulatedEvents::switch_event(const TraceRecord& record, Event& event) {
  const Name swapper = swappers_[models::index(record.cpu)];
  const auto name = [&](std::int64_t id) { return id < 0 ? swapper : task(id).comm; };
  const auto prio = [&](std::int64_t id) { return id < 0 ? 120 : task(id).prio; };
  event.sched_switch = {name(record.a),
                        pid(static_cast<TaskId>(record.a)),
                        prio(record.a),
                        record.b == 0 ? TaskState::running : TaskState::interruptible,
                        false,
                        name(record.c),
                        pid(static_cast<TaskId>(record.c)),
                        prio(record.c)};
}

void SimulatedEvents::block_event(const TraceRecord& record, Event& event) {
  const bool issue = event.kind == EventKind::block_rq_issue;
  event.block = {sector(record.a),
                 dev(static_cast<models::DeviceId>(record.d)),
                 static_cast<std::uint32_t>(record.b / 512),
                 issue ? static_cast<std::uint32_t>(record.b) : 0,
                 record.c != 0 ? write_ : read_,
                 issue ? comm(static_cast<std::int64_t>(record.current)) : Name::none,
                 0};
}

void SimulatedEvents::io_uring_event(const TraceRecord& record, Event& event) {
  const auto id = static_cast<std::uint32_t>(record.a);
  event.io_uring = {pointer(Object::ring, id),
                    pointer(Object::request, id * 8 + task(record.a).completions++ % 8), 0, record.b};
}

void SimulatedEvents::wait_event(const TraceRecord& record, Event& event) {
  switch (record.point) {
    case Tracepoint::sys_enter_epoll_wait:
      event.sys_enter = {Syscall::epoll_wait, epoll_wait_, {4, user_pointer(record.a), 1, -1}};
      break;
    case Tracepoint::sys_exit_epoll_wait:
      event.sys_exit = {Syscall::epoll_wait, epoll_wait_, record.b};
      break;
    case Tracepoint::sys_enter_io_uring_enter:
      event.sys_enter = {Syscall::io_uring_enter, io_uring_enter_, {5, record.b, record.b, 1}};
      break;
    case Tracepoint::sys_exit_io_uring_enter:
      event.sys_exit = {Syscall::io_uring_enter, io_uring_enter_, record.b};
      break;
    case Tracepoint::sys_enter_nanosleep:  // CLOCK_MONOTONIC, TIMER_ABSTIME
      event.sys_enter = {Syscall::nanosleep, clock_nanosleep_, {1, 1, user_pointer(record.a) + 0x40, 0}};
      break;
    default:
      event.sys_exit = {Syscall::nanosleep, clock_nanosleep_, record.b};
      break;
  }
}

void SimulatedEvents::timer_event(const TraceRecord& record, Event& event) {
  if (event.kind == EventKind::cpu_idle) {
    event.idle = {record.a < 0 ? -1 : host_.cpuidle_state(static_cast<int>(record.a)),
                  static_cast<std::int32_t>(record.cpu)};
  } else if (record.a < 0) {
    event.hrtimer = {pointer(Object::tick_timer, static_cast<std::uint32_t>(record.cpu)), tick_,
                     sim::count(record.time)};
  } else {
    event.hrtimer = {hrtimer(static_cast<TaskId>(record.a)), hrtimer_wakeup_, sim::count(record.time)};
  }
}

void SimulatedEvents::agent_event(const TraceRecord& record, Event& event) {
  const auto wakeup = models::ExplainedWakeup::of(record);
  event.agent_wakeup = {pid(wakeup.task),
                        wakeup.agent_id,
                        wakeup.step_id,
                        static_cast<std::uint8_t>(wakeup.latency_class),
                        sources_[static_cast<std::size_t>(wakeup.cause.source)],
                        cookie(wakeup.cause)};
}

std::uint64_t SimulatedEvents::cookie(const models::WakeCause& cause) const {
  switch (cause.source) {
    case WakeSource::none:
      return 0;
    case WakeSource::timer:
      return hrtimer(static_cast<TaskId>(cause.cookie));
    case WakeSource::block:
      return sector(cause.cookie);
    case WakeSource::net:
    case WakeSource::task:
      return static_cast<std::uint64_t>(pid(static_cast<TaskId>(cause.cookie)));
  }
  return 0;
}

WakeTruth SimulatedEvents::wake_truth(const TraceRecord& record) const {
  const auto wakeup = models::ExplainedWakeup::of(record);
  const bool block = wakeup.cause.source == WakeSource::block;
  return {sim::count(record.time), static_cast<std::int32_t>(record.cpu),
          pid(wakeup.task),        wakeup.cause.source,
          cookie(wakeup.cause),    block ? dev(wakeup.cause.device) : 0};
}

ChainTruth SimulatedEvents::chain_truth(const models::Completion& completion) const {
  ChainTruth truth;
  for (std::size_t i = 0; i < models::stage_count; ++i) {
    truth.at[i] = sim::count(completion.at[i]);
  }
  const bool block = completion.cause.source == WakeSource::block;
  truth.pid = pid(completion.waiter);
  truth.source = completion.cause.source;
  truth.cookie = cookie(completion.cause);
  truth.dev = block ? dev(completion.cause.device) : 0;
  truth.agent_id = completion.ctx.agent_id;
  truth.step_id = completion.ctx.step_id;
  truth.latency_class = completion.ctx.latency_class;
  return truth;
}

namespace {

// Between the host's ports and the caller's functions.
struct Stream {
  SimulatedEvents& events;
  const SimulationSinks& sinks;
  Event event;

  void record(const TraceRecord& record) {
    if (events.convert(record, event)) {
      if (sinks.event) {
        sinks.event(event);
      }
    } else if (sinks.wake) {
      sinks.wake(events.wake_truth(record));
    }
  }
  void finished(const models::Completion& completion) { sinks.chain(events.chain_truth(completion)); }
};

}  // namespace

models::Metrics simulate_events(const models::HostConfig& config, const SimulationOptions& options,
                                Names& names, const SimulationSinks& sinks) {
  models::TraceRecorder recorder{models::TraceOptions{.agent_wakeups = options.agent_wakeups,
                                                      .wake_causes = static_cast<bool>(sinks.wake)}};
  models::Host host{config, options.seed, &recorder};
  SimulatedEvents events{host, names, options.first_pid};
  Stream stream{events, sinks, {}};
  recorder.sink.connect<&Stream::record>(stream);
  if (sinks.chain) {
    host.finished().connect<&Stream::finished>(stream);
  }
  host.run(options.warmup, options.duration);
  return host.metrics();
}

}  // namespace calibration
