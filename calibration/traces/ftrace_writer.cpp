#include "calibration/traces/ftrace_writer.h"

#include <fmt/compile.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <iterator>
#include <string_view>
#include <utility>
#include <vector>

#include "calibration/traces/bpftrace_rows.h"
#include "calibration/traces/ftrace_flags.h"
#include "models/packet.h"
#include "scenarios/output.h"
#include "sim/check.h"

namespace calibration {
namespace {

using models::TaskId;
using models::Tracepoint;
using models::TraceRecord;

constexpr std::size_t comm_length = 15;  // TASK_COMM_LEN - 1

constexpr std::string_view legend =
    "#                                _-----=> irqs-off/BH-disabled\n"
    "#                               / _----=> need-resched\n"
    "#                              | / _---=> hardirq/softirq\n"
    "#                              || / _--=> preempt-depth\n"
    "#                              ||| / _-=> migrate-disable\n"
    "#                              |||| /     delay\n"
    "#           TASK-PID     CPU#  |||||  TIMESTAMP  FUNCTION\n"
    "#              | |         |   |||||     |         |\n";

// %p prints a hash of the address: 32 bits of it, one to one with the object (MurmurHash3's finalizer).
enum class Object : std::uint32_t { napi, ring, request, sleep_timer, tick_timer, skb };
std::uint32_t pointer(Object kind, std::uint32_t id) {
  std::uint32_t h = static_cast<std::uint32_t>(kind) << 28 | (id & 0x0fffffff);
  h = (h ^ (h >> 16)) * 0x85ebca6b;
  h = (h ^ (h >> 13)) * 0xc2b2ae35;
  return h ^ (h >> 16);
}

// Draw keys have 44 bits. The disk they address here has 2^35 sectors, and every I/O is aligned to 4 KiB.
std::int64_t sector_of(std::int64_t key) { return (key & 0xffffffff) << 3; }

class Text {
 public:
  Text(const models::Host& host, const FtraceOptions& options)
      : host_{host},
        options_{options},
        flags_{host.cpu_count(), host.task_count()},
        tasks_(static_cast<std::size_t>(host.task_count())) {
    for (std::size_t i = 0; i < tasks_.size(); ++i) {
      tasks_[i].comm = host.task_name(static_cast<TaskId>(i)).substr(0, comm_length);
      tasks_[i].prio = host.task_prio(static_cast<TaskId>(i));
    }
  }

  void header(std::size_t kept, std::uint64_t lost);
  void line(const TraceRecord& record);
  void reserve(std::size_t lines) { text_.reserve(1024 + lines * 112); }
  std::string take() { return std::move(text_); }

 private:
  struct TaskState {
    std::string_view comm;
    int prio = 120;
    std::uint32_t completions = 0;
  };

  template <class Format, class... Args>
  void put(const Format& format, const Args&... args) {
    fmt::format_to(std::back_inserter(text_), format, args...);
  }

  void prefix(const TraceRecord& record);
  void event(const TraceRecord& record);
  void interrupt_event(const TraceRecord& record);
  void network_event(const TraceRecord& record);
  void sched_event(const TraceRecord& record);
  void sched_switch(const TraceRecord& record);
  void block_event(const TraceRecord& record);
  void io_uring_event(const TraceRecord& record);
  void epoll_event(const TraceRecord& record);
  void timer_event(const TraceRecord& record);

  TaskState& task(std::int64_t id) {
    sim::check(id >= 0 && static_cast<std::size_t>(id) < tasks_.size(),
               "a trace record names a task of its host");
    return tasks_[static_cast<std::size_t>(id)];
  }
  std::int64_t pid(std::int64_t id) const { return id < 0 ? 0 : options_.first_pid + id; }
  std::string_view comm(std::int64_t id) { return id < 0 ? "<idle>" : task(id).comm; }

  const models::Host& host_;
  FtraceOptions options_;
  FtraceFlags flags_;
  std::vector<TaskState> tasks_;
  std::uint32_t skbs_ = 0;
  std::string text_;
};

void Text::header(std::size_t kept, std::uint64_t lost) {
  put(FMT_COMPILE("# tracer: nop\n#\n# entries-in-buffer/entries-written: {}/{}   #P:{}\n#\n{}"), kept,
      kept + lost, host_.cpu_count(), legend);
}

void Text::line(const TraceRecord& record) {
  sim::check(models::index(record.cpu) < static_cast<std::size_t>(host_.cpu_count()),
             "a trace record is of a CPU");
  prefix(record);
  event(record);
  text_.push_back('\n');
}

void Text::prefix(const TraceRecord& record) {
  const auto current = static_cast<std::int64_t>(record.current);
  const std::array<char, 5> column = flags_.next(record);
  put(FMT_COMPILE("{:>16}-{:<7} [{:03}] {} "), comm(current), pid(current), static_cast<int>(record.cpu),
      std::string_view{column.data(), column.size()});
  const std::int64_t ns = sim::count(record.time);
  if (options_.nanoseconds) {
    put(FMT_COMPILE("{:>5}.{:09}: "), ns / 1'000'000'000, ns % 1'000'000'000);
  } else {
    const std::int64_t us = (ns + 500) / 1000;  // ns2usecs() rounds
    put(FMT_COMPILE("{:>5}.{:06}: "), us / 1'000'000, us % 1'000'000);
  }
}

void Text::event(const TraceRecord& record) {
  switch (record.point) {
    case Tracepoint::irq_handler_entry:
    case Tracepoint::irq_handler_exit:
    case Tracepoint::softirq_raise:
    case Tracepoint::softirq_entry:
    case Tracepoint::softirq_exit:
      return interrupt_event(record);
    case Tracepoint::napi_poll:
    case Tracepoint::netif_receive_skb:
      return network_event(record);
    case Tracepoint::sched_waking:
    case Tracepoint::sched_wakeup:
    case Tracepoint::sched_migrate_task:
      return sched_event(record);
    case Tracepoint::sched_switch:
      return sched_switch(record);
    case Tracepoint::block_rq_issue:
    case Tracepoint::block_rq_complete:
      return block_event(record);
    case Tracepoint::io_uring_complete:
    case Tracepoint::sys_enter_io_uring_enter:
    case Tracepoint::sys_exit_io_uring_enter:
      return io_uring_event(record);
    case Tracepoint::sys_enter_epoll_wait:
    case Tracepoint::sys_exit_epoll_wait:
      return epoll_event(record);
    case Tracepoint::hrtimer_expire_entry:
    case Tracepoint::cpu_idle:
      return timer_event(record);
    case Tracepoint::count:
      break;
  }
  sim::check(false, "a trace record is of a tracepoint");
}

void Text::interrupt_event(const TraceRecord& record) {
  const auto softirq = [&](std::string_view name) {
    put(FMT_COMPILE("{}: vec={} [action={}]"), name, record.a, softirq_name(record.a));
  };
  switch (record.point) {
    case Tracepoint::irq_handler_entry:
      put(FMT_COMPILE("irq_handler_entry: irq={} name={}"), record.a,
          host_.irq_name(static_cast<int>(record.a)));
      break;
    case Tracepoint::irq_handler_exit:
      put(FMT_COMPILE("irq_handler_exit: irq={} ret=handled"), record.a);
      break;
    case Tracepoint::softirq_raise:
      softirq("softirq_raise");
      break;
    case Tracepoint::softirq_entry:
      softirq("softirq_entry");
      break;
    default:
      softirq("softirq_exit");
      break;
  }
}

void Text::network_event(const TraceRecord& record) {
  if (record.point == Tracepoint::napi_poll) {
    // A backlog is a NAPI per CPU.
    const std::uint32_t id = record.a == 0 ? 0x8000u + static_cast<std::uint32_t>(record.cpu)
                                           : static_cast<std::uint32_t>(record.a);
    put(FMT_COMPILE("napi_poll: napi poll on napi struct {:016x} for device {} work {} budget {}"),
        pointer(Object::napi, id), host_.napi_device(static_cast<int>(record.a)), record.b, record.c);
    return;
  }
  constexpr std::int64_t headers = 20 + 32;  // skb->len counts IPv4 and TCP with timestamps
  put(FMT_COMPILE("netif_receive_skb: dev={} skbaddr={:016x} len={}"),
      host_.flow_device(static_cast<models::FlowId>(record.a)), pointer(Object::skb, skbs_++ % 1024),
      record.b + headers);
}

void Text::sched_event(const TraceRecord& record) {
  const TaskState& wakee = task(record.a);
  if (record.point == Tracepoint::sched_migrate_task) {
    put(FMT_COMPILE("sched_migrate_task: comm={} pid={} prio={} orig_cpu={} dest_cpu={}"), wakee.comm,
        pid(record.a), wakee.prio, record.b, record.c);
    return;
  }
  put(FMT_COMPILE("{}: comm={} pid={} prio={} target_cpu={:03}"),
      record.point == Tracepoint::sched_waking ? std::string_view{"sched_waking"} : "sched_wakeup",
      wakee.comm, pid(record.a), wakee.prio, record.b);
}

void Text::sched_switch(const TraceRecord& record) {
  const auto side = [&](std::string_view name, std::int64_t id) {
    if (id < 0) {
      put(FMT_COMPILE("{}_comm=swapper/{} {}_pid=0 {}_prio=120"), name, static_cast<int>(record.cpu), name,
          name);
    } else {
      put(FMT_COMPILE("{}_comm={} {}_pid={} {}_prio={}"), name, comm(id), name, pid(id), name, task(id).prio);
    }
  };
  text_ += "sched_switch: ";
  side("prev", record.a);
  text_ += record.b == 0 ? " prev_state=R ==> " : " prev_state=S ==> ";
  side("next", record.c);
}

void Text::block_event(const TraceRecord& record) {
  const std::string_view rwbs = record.c != 0 ? "WS" : "R";  // O_DIRECT writes are synchronous
  const std::int64_t sector = sector_of(record.a);
  const std::int64_t sectors = record.b / 512;
  if (record.point == Tracepoint::block_rq_issue) {
    put(FMT_COMPILE("block_rq_issue: 259,0 {} {} () {} + {} be,0,4 [{}]"), rwbs, record.b, sector, sectors,
        comm(static_cast<std::int64_t>(record.current)));
  } else {
    put(FMT_COMPILE("block_rq_complete: 259,0 {} () {} + {} be,0,4 [0]"), rwbs, sector, sectors);
  }
}

void Text::io_uring_event(const TraceRecord& record) {
  const auto id = static_cast<std::uint32_t>(record.a);
  if (record.point == Tracepoint::sys_enter_io_uring_enter) {
    const std::string_view hex = record.b < 10 ? "" : "0x";  // single digits are printed bare
    put(FMT_COMPILE("sys_io_uring_enter(fd: 5, to_submit: {}{:x}, min_complete: {}{:x}, flags: 1, argp: 0, "
                    "argsz: 8)"),
        hex, record.b, hex, record.b);
  } else if (record.point == Tracepoint::sys_exit_io_uring_enter) {
    put(FMT_COMPILE("sys_io_uring_enter -> {:#x}"), static_cast<std::uint64_t>(record.b));
  } else {
    put(FMT_COMPILE(
            "io_uring_complete: ring {:016x}, req {:016x}, user_data 0x0, result {}, cflags 0x0 extra1 0 "
            "extra2 0 "),  // the kernel's format ends in a space
        pointer(Object::ring, id), pointer(Object::request, id * 8 + task(record.a).completions++ % 8),
        record.b);
  }
}

void Text::epoll_event(const TraceRecord& record) {
  if (record.point == Tracepoint::sys_enter_epoll_wait) {
    put(FMT_COMPILE("sys_epoll_wait(epfd: 4, events: {:#x}, maxevents: 1, timeout: 0xffffffff)"),
        0x7f0000000360 + record.a * 0x800000);  // on the thread's stack
  } else {
    put(FMT_COMPILE("sys_epoll_wait -> {:#x}"), static_cast<std::uint64_t>(record.b));
  }
}

void Text::timer_event(const TraceRecord& record) {
  if (record.point == Tracepoint::cpu_idle) {
    const std::int64_t state = record.a < 0 ? 0xffffffff : host_.cpuidle_state(static_cast<int>(record.a));
    put(FMT_COMPILE("cpu_idle: state={} cpu_id={}"), state, static_cast<int>(record.cpu));
    return;
  }
  const bool tick = record.a < 0;
  const std::uint32_t timer = tick ? pointer(Object::tick_timer, static_cast<std::uint32_t>(record.cpu))
                                   : pointer(Object::sleep_timer, static_cast<std::uint32_t>(record.a));
  put(FMT_COMPILE("hrtimer_expire_entry: hrtimer={:016x} function={} now={}"), timer,
      tick ? std::string_view{"tick_nohz_handler"} : "hrtimer_wakeup", sim::count(record.time));
}

}  // namespace

std::string ftrace_text(const models::Host& host, const models::TraceRecorder& recorder,
                        const FtraceOptions& options) {
  sim::check(options.first_pid >= 1, "pid 0 is the idle task's");
  const std::vector<TraceRecord>& records = recorder.records();
  std::vector<const TraceRecord*> ordered;
  ordered.reserve(records.size());
  for (const TraceRecord& record : records) {
    ordered.push_back(&record);
  }
  std::stable_sort(ordered.begin(), ordered.end(),
                   [](const TraceRecord* a, const TraceRecord* b) { return a->time < b->time; });
  Text text{host, options};
  text.reserve(records.size());
  text.header(records.size(), recorder.lost());
  for (const TraceRecord* record : ordered) {
    text.line(*record);
  }
  return text.take();
}

void write_ftrace(const std::string& path, const models::Host& host, const models::TraceRecorder& recorder,
                  const FtraceOptions& options) {
  scenarios::write_file(path, ftrace_text(host, recorder, options));
}

}  // namespace calibration
