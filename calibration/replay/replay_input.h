// The scheduling story of a capture, cleaned and in memory: what a replay drives the models with, and the
// kernel's own decisions that theirs are compared with.
//
//   EventReader ──Event──► ReplayInputReader ──► ReplayInput ──► teacher.h (teacher-forced)
//                                                           └──► free-running replay
//
// Events keep the capture's order. What the capture spreads over several tracepoints is joined: a
// sched_waking knows its sched_wakeup and where the kernel put the task; an event knows what its CPU runs.
//
// Broken switches: where a sched_switch leaves another task than the CPU last entered, events are missing.
// The event is marked `broken`; what waits on that CPU is then unknown until it is idle again.
//
// Models:   try_to_wake_up, __schedule and sched_tick of kernel/sched/core.c, as their tracepoints show them.
// Inferred, because no tracepoint tells:
//           WF_SYNC     a wakeup in the NET_RX softirq carries it (sock_def_readable; through epoll since
//                       6.12.7), every other one does not: hrtimers, block completions, kthreads, tasks.
//           affinity    a thread is bound to a CPU if its name says so ("kworker/1:2", "ksoftirqd/0") and it
//           is
//                       seen nowhere else.
//           kernel thread, by name: see kernel_thread_name().
//           policy      priority 0..99 is FIFO; 100..139 SCHED_NORMAL with that nice.
// Left out: yields, changes of affinity and of slices, cgroups: not in the captures' events. Batch, idle, and
//           deadline tasks pass as normal or FIFO by their priority. CPU hotplug.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "calibration/traces/event.h"
#include "calibration/traces/event_reader.h"
#include "models/kernel_config.h"
#include "models/workload_config.h"

namespace calibration {

// Index into ReplayInput::tasks.
enum class ReplayTaskId : std::int32_t { idle = -1, unknown = -2 };

struct ReplayTask {
  std::int32_t pid = 0;
  std::string name;             // as last seen
  std::int32_t prio = 120;      // as first seen: 120 + nice, 0..99 realtime
  bool kernel_thread = false;   // by name
  std::int32_t pinned = -1;     // the one CPU it may run on; -1: any
  std::int32_t first_cpu = 0;   // where it is first seen
  std::int64_t first_seen = 0;  // ns
};

// How the models' scheduler sees it: class, priority or nice, affinity.
models::SchedConfig sched_config(const ReplayTask& task);

enum class ReplayKind : std::uint8_t {
  sched_switch,  // from `task` (leaving in `state`) to `next`
  waking,        // sched_waking of `task`; from_cpu: previous CPU, to_cpu: the kernel's choice
  wakeup,        // sched_wakeup of `task` on to_cpu; it is queued there now
  wakeup_new,    // sched_wakeup_new: a new task on to_cpu
  migrate,       // sched_migrate_task outside a wakeup: balancing moves `task` from from_cpu to to_cpu
  tick,          // hrtimer_expire_entry of the tick
  timer,         // of any other hrtimer
  irq_entry,
  irq_exit,
  softirq_raise,
  softirq_entry,
  softirq_exit,
  idle_entry,
  idle_exit,
  syscall_entry,  // of a wait gate, by the current task
  syscall_exit,
  lost,  // the tracer lost events on this CPU, or (cpu -1) somewhere
};

enum class ReplayContext : std::uint8_t { task, softirq, hardirq };

// Why a queued task changed CPUs outside a wakeup.
enum class MigrateCause : std::uint8_t { newidle, softirq, other };

struct ReplayEvent {
  std::int64_t time = 0;  // ns, by the capture's clock
  std::int16_t cpu = -1;  // where it fired
  ReplayKind kind{};
  ReplayContext context{};  // by the flags where the capture has them, else by the sections
  bool flags_known = false;
  bool need_resched = false;  // TIF_NEED_RESCHED of `current`, as the flags show it; after the event's own
                              // effect for wakeup, before it for waking
  bool broken = false;        // sched_switch: it does not leave whom the CPU had entered
  bool preempted_in_kernel = false;  // sched_switch: "R+"
  bool sync = false;                 // waking: WF_SYNC, inferred
  bool early = false;                // waking: the task has not left its CPU yet
  MigrateCause cause{};              // migrate
  TaskState state{};                 // sched_switch: of who leaves
  std::int16_t from_cpu = -1;
  std::int16_t to_cpu = -1;  // waking without a wakeup in the capture: -1
  std::int16_t vec = -1;     // softirq_*: the vector; otherwise the softirq being served, -1: none
  std::int32_t irq = -1;     // irq_*; syscall_*: the Syscall
  ReplayTaskId current = ReplayTaskId::unknown;  // whom the CPU runs or has interrupted
  ReplayTaskId task = ReplayTaskId::unknown;
  ReplayTaskId next = ReplayTaskId::unknown;
  std::int32_t partner = -1;  // waking <-> its wakeup: index into events; -1: none
};

struct ReplayLosses {
  std::uint64_t switches = 0, broken_switches = 0;
  std::uint64_t wakeups_without_waking = 0, wakings_without_wakeup = 0;
  std::uint64_t lost_events = 0;
};

// What kernel the capture is of, and who says so.
struct ReplayKernel {
  models::KernelConfig config;
  bool autogroup = false;
  std::string release;         // "6.12.117", "6.18"
  std::string release_source;  // "--release", "kernel-config", "README.md", ...
  std::string preemption_source, autogroup_source;
};

struct ReplayInput {
  std::string name;  // of the capture, as the user gave it
  ReplayKernel kernel;
  int cpus = 0;
  std::vector<ReplayTask> tasks;
  std::vector<ReplayEvent> events;
  ReplayLosses losses;
  bool has_flags = false;            // the format shows need-resched
  std::int64_t begin = 0, end = 0;   // ns, of the first and last event
  std::int64_t time_resolution = 1;  // ns

  const ReplayTask& task(ReplayTaskId id) const { return tasks[static_cast<std::size_t>(id)]; }
};

struct ReplayOptions {
  std::optional<std::string> release;  // "6.12", "6.18.44"
  std::optional<models::Preemption> preemption;
  std::optional<bool> autogroup;
  double seconds = 0;  // only that much from the beginning; 0: all
};

// Takes the events of one capture, in order; finish() joins them. Memory: about 64 bytes an event kept.
class ReplayInputReader {
 public:
  explicit ReplayInputReader(Names& names) : names_{names} {}

  void add(const Event& event);
  // `kernel` is put into the result unchanged.
  ReplayInput finish(std::string name, ReplayKernel kernel, std::int64_t time_resolution);

 private:
  struct Cpu {
    ReplayTaskId current = ReplayTaskId::unknown;
    bool switched = false;  // it has had a sched_switch
    int irq_depth = 0;
    std::int16_t vec = -1;
  };
  struct TaskState_ {
    std::int32_t waking = -1;  // index of its open sched_waking
    std::int32_t running_on = -1;
    Name comm = Name::none;
    std::int64_t seen_on = 0;  // mask of CPUs below 63 that it ran on or was put to
  };
  Cpu& cpu(std::int32_t number);
  ReplayTaskId task(std::int32_t pid, Name comm, std::int32_t prio, const Event& event, std::int32_t where);
  ReplayEvent& keep(const Event& event, ReplayKind kind);
  void switched(const Event& event);
  void waking(const Event& event);
  void woken(const Event& event);
  void migrated(const Event& event);
  void pin_tasks();
  void name_causes();

  Names& names_;
  ReplayInput input_;
  std::vector<Cpu> cpus_;
  std::vector<TaskState_> states_;    // by task
  std::vector<ReplayTaskId> by_pid_;  // by pid, + 2; grown as needed
};

// Kernel threads by the names that kernel/kthread.c and its users give them.
bool kernel_thread_name(std::string_view name);
// The CPU that a kernel thread's name binds it to, -1: none.
int cpu_in_name(std::string_view name);

// The kernel of the capture: the options first, then a kernel-config file beside the capture, then the first
// heading of README.md beside it or one folder up. Throws InputError for a release before 6.6 (no EEVDF) and
// for a capture that nothing tells the release of.
ReplayKernel find_kernel(const std::filesystem::path& capture, const ReplayOptions& options);

// Reads a capture whole. Throws InputError: what EventReader throws, find_kernel's, and a capture without
// sched_switch or without wakeups.
ReplayInput read_replay_input(const std::filesystem::path& capture, const ReplayOptions& options);

}  // namespace calibration
