#include "calibration/replay/replay_input.h"

#include <algorithm>
#include <bit>

#include "scenarios/input_error.h"

namespace calibration {
namespace {

constexpr std::int32_t most_cpus = 1024;
constexpr std::int32_t pid_limit = 1 << 22;  // PID_MAX_LIMIT, include/linux/threads.h
constexpr std::int16_t net_rx_softirq = 3, sched_softirq = 7;

bool is_tick(std::string_view function) {
  return function == "tick_nohz_handler" || function == "tick_sched_timer" ||
         function == "tick_nohz_highres_handler";
}

std::int64_t cpu_bit(std::int32_t cpu) { return std::int64_t{1} << std::min(cpu, 62); }

}  // namespace

ReplayInputReader::Cpu& ReplayInputReader::cpu(std::int32_t number) {
  const auto place = static_cast<std::size_t>(number);
  if (place >= cpus_.size()) {
    cpus_.resize(place + 1);
    input_.cpus = number + 1;
  }
  return cpus_[place];
}

ReplayTaskId ReplayInputReader::task(std::int32_t pid, Name comm, std::int32_t prio, const Event& event,
                                     std::int32_t where) {
  if (pid == 0) {
    return ReplayTaskId::idle;
  }
  if (pid < 0 || pid >= pid_limit) {
    return ReplayTaskId::unknown;
  }
  const auto place = static_cast<std::size_t>(pid);
  if (place >= by_pid_.size()) {
    by_pid_.resize(std::max(place + 1, by_pid_.size() * 2), ReplayTaskId::unknown);
  }
  ReplayTaskId& id = by_pid_[place];
  if (id == ReplayTaskId::unknown) {
    id = static_cast<ReplayTaskId>(input_.tasks.size());
    ReplayTask fresh;
    fresh.pid = pid;
    fresh.name = names_.text(comm);
    fresh.prio = prio;
    fresh.kernel_thread = kernel_thread_name(fresh.name);
    fresh.first_cpu = where;
    fresh.first_seen = event.time;
    input_.tasks.push_back(std::move(fresh));
    states_.emplace_back();
  }
  TaskState_& state = states_[static_cast<std::size_t>(id)];
  if (state.comm != comm) {  // its last name: threads name themselves after they began
    state.comm = comm;
    input_.tasks[static_cast<std::size_t>(id)].name = names_.text(comm);
  }
  if (where >= 0) {
    state.seen_on |= cpu_bit(where);
  }
  return id;
}

ReplayEvent& ReplayInputReader::keep(const Event& event, ReplayKind kind) {
  const Cpu& here = cpu(event.cpu);
  ReplayEvent& kept = input_.events.emplace_back();
  kept.time = event.time;
  kept.cpu = static_cast<std::int16_t>(event.cpu);
  kept.kind = kind;
  kept.flags_known = event.flags.known;
  kept.need_resched = event.flags.need_resched;
  const bool hardirq = event.flags.known ? event.flags.hardirq : here.irq_depth > 0;
  const bool softirq = event.flags.known ? event.flags.softirq : here.vec >= 0;
  kept.context = hardirq ? ReplayContext::hardirq : softirq ? ReplayContext::softirq : ReplayContext::task;
  kept.vec = here.vec;
  kept.current = here.current;
  if (here.current == ReplayTaskId::unknown && event.pid >= 0) {
    kept.current = event.pid == 0 ? ReplayTaskId::idle : task(event.pid, event.comm, 120, event, event.cpu);
  }
  input_.has_flags |= event.flags.known;
  return kept;
}

void ReplayInputReader::add(const Event& event) {
  if (event.kind == EventKind::lost) {
    input_.losses.lost_events += event.lost.count == 0 ? 1 : event.lost.count;
    ReplayEvent& kept = input_.events.emplace_back();
    kept.time = event.time;
    kept.cpu = static_cast<std::int16_t>(event.cpu);
    kept.kind = ReplayKind::lost;
    return;
  }
  if (event.cpu < 0 || event.cpu >= most_cpus) {
    return;
  }
  switch (event.kind) {
    case EventKind::sched_switch:
      return switched(event);
    case EventKind::sched_waking:
      return waking(event);
    case EventKind::sched_wakeup:
    case EventKind::sched_wakeup_new:
      return woken(event);
    case EventKind::sched_migrate_task:
      return migrated(event);
    case EventKind::hrtimer_expire_entry:
      keep(event, is_tick(names_.text(event.hrtimer.function)) ? ReplayKind::tick : ReplayKind::timer);
      return;
    case EventKind::irq_handler_entry:
      keep(event, ReplayKind::irq_entry).irq = event.irq.irq;
      ++cpu(event.cpu).irq_depth;
      return;
    case EventKind::irq_handler_exit:
      keep(event, ReplayKind::irq_exit).irq = event.irq.irq;
      cpu(event.cpu).irq_depth = std::max(0, cpu(event.cpu).irq_depth - 1);
      return;
    case EventKind::softirq_raise:
      keep(event, ReplayKind::softirq_raise).vec = static_cast<std::int16_t>(event.softirq.vec);
      return;
    case EventKind::softirq_entry:
      cpu(event.cpu).vec = static_cast<std::int16_t>(event.softirq.vec);
      keep(event, ReplayKind::softirq_entry);
      return;
    case EventKind::softirq_exit:
      keep(event, ReplayKind::softirq_exit);
      cpu(event.cpu).vec = -1;
      return;
    case EventKind::cpu_idle:
      keep(event, event.idle.state < 0 ? ReplayKind::idle_exit : ReplayKind::idle_entry);
      return;
    case EventKind::sys_enter:
      keep(event, ReplayKind::syscall_entry).irq = static_cast<std::int32_t>(event.sys_enter.call);
      return;
    case EventKind::sys_exit:
      keep(event, ReplayKind::syscall_exit).irq = static_cast<std::int32_t>(event.sys_exit.call);
      return;
    default:
      return;
  }
}

void ReplayInputReader::switched(const Event& event) {
  const SchedSwitch& change = event.sched_switch;
  const ReplayTaskId prev = task(change.prev_pid, change.prev_comm, change.prev_prio, event, event.cpu);
  const ReplayTaskId next = task(change.next_pid, change.next_comm, change.next_prio, event, event.cpu);
  Cpu& here = cpu(event.cpu);
  ReplayEvent& kept = keep(event, ReplayKind::sched_switch);
  kept.context = ReplayContext::task;
  kept.broken = here.switched && here.current != prev;
  kept.task = kept.current = prev;
  kept.next = next;
  kept.state = change.prev_state;
  kept.preempted_in_kernel = change.preempted;
  ++input_.losses.switches;
  input_.losses.broken_switches += kept.broken ? 1 : 0;
  if (kept.broken && here.current >= ReplayTaskId{0}) {
    TaskState_& lost = states_[static_cast<std::size_t>(here.current)];
    lost.running_on = lost.running_on == event.cpu ? -1 : lost.running_on;
  }
  if (prev >= ReplayTaskId{0}) {
    states_[static_cast<std::size_t>(prev)].running_on = -1;
  }
  if (next >= ReplayTaskId{0}) {
    states_[static_cast<std::size_t>(next)].running_on = event.cpu;
  }
  here.switched = true;
  here.current = next;
}

void ReplayInputReader::waking(const Event& event) {
  const ReplayTaskId wakee = task(event.wakeup.pid, event.wakeup.comm, event.wakeup.prio, event, -1);
  if (wakee < ReplayTaskId{0}) {
    return;
  }
  TaskState_& state = states_[static_cast<std::size_t>(wakee)];
  input_.losses.wakings_without_wakeup += state.waking >= 0 ? 1 : 0;
  state.waking = static_cast<std::int32_t>(input_.events.size());
  ReplayEvent& kept = keep(event, ReplayKind::waking);
  kept.task = wakee;
  kept.from_cpu = static_cast<std::int16_t>(event.wakeup.target_cpu);
  kept.early = state.running_on >= 0;
  kept.sync = kept.context == ReplayContext::softirq && kept.vec == net_rx_softirq;
}

void ReplayInputReader::woken(const Event& event) {
  const std::int32_t target = event.wakeup.target_cpu >= 0 && event.wakeup.target_cpu < most_cpus
                                  ? event.wakeup.target_cpu
                                  : event.cpu;
  cpu(target);
  const ReplayTaskId wakee = task(event.wakeup.pid, event.wakeup.comm, event.wakeup.prio, event, target);
  if (wakee < ReplayTaskId{0}) {
    return;
  }
  const bool fresh = event.kind == EventKind::sched_wakeup_new;
  TaskState_& state = states_[static_cast<std::size_t>(wakee)];
  const auto place = static_cast<std::int32_t>(input_.events.size());
  ReplayEvent& kept = keep(event, fresh ? ReplayKind::wakeup_new : ReplayKind::wakeup);
  kept.task = wakee;
  kept.to_cpu = static_cast<std::int16_t>(target);
  if (state.waking >= 0) {
    ReplayEvent& waking = input_.events[static_cast<std::size_t>(state.waking)];
    kept.partner = state.waking;
    kept.from_cpu = waking.from_cpu;
    kept.sync = waking.sync;
    kept.early = waking.early;
    waking.partner = place;
    waking.to_cpu = kept.to_cpu;
    state.waking = -1;
  } else if (!fresh) {
    ++input_.losses.wakeups_without_waking;
  }
}

// Inside a wakeup it only says what the sched_wakeup says again.
void ReplayInputReader::migrated(const Event& event) {
  const SchedMigrateTask& move = event.migrate;
  if (move.dest_cpu < 0 || move.dest_cpu >= most_cpus || move.orig_cpu < 0 || move.orig_cpu >= most_cpus) {
    return;
  }
  cpu(std::max(move.dest_cpu, move.orig_cpu));
  const ReplayTaskId moved = task(move.pid, move.comm, move.prio, event, move.dest_cpu);
  if (moved < ReplayTaskId{0} || states_[static_cast<std::size_t>(moved)].waking >= 0) {
    return;
  }
  ReplayEvent& kept = keep(event, ReplayKind::migrate);
  kept.task = moved;
  kept.from_cpu = static_cast<std::int16_t>(move.orig_cpu);
  kept.to_cpu = static_cast<std::int16_t>(move.dest_cpu);
  kept.cause = kept.context == ReplayContext::softirq && kept.vec == sched_softirq ? MigrateCause::softirq
               : kept.context == ReplayContext::task && kept.to_cpu == kept.cpu    ? MigrateCause::newidle
                                                                                   : MigrateCause::other;
}

// A pull into a task's context is a newly idle CPU's if the switch that it is for follows.
void ReplayInputReader::name_causes() {
  std::vector<const ReplayEvent*> next_on(static_cast<std::size_t>(input_.cpus), nullptr);
  for (auto event = input_.events.rbegin(); event != input_.events.rend(); ++event) {
    if (event->cpu < 0) {
      continue;
    }
    const ReplayEvent*& next = next_on[static_cast<std::size_t>(event->cpu)];
    if (event->kind == ReplayKind::migrate && event->cause == MigrateCause::newidle) {
      const bool switches = next != nullptr && next->kind == ReplayKind::sched_switch;
      event->cause = switches ? MigrateCause::newidle : MigrateCause::other;
      if (next != nullptr && next->kind == ReplayKind::migrate) {
        event->cause = next->cause;  // several were pulled
      }
    }
    next = &*event;
  }
}

void ReplayInputReader::pin_tasks() {
  for (std::size_t i = 0; i < input_.tasks.size(); ++i) {
    ReplayTask& task = input_.tasks[i];
    const int named = task.kernel_thread ? cpu_in_name(task.name) : -1;
    if (named >= 0 && named < std::max(input_.cpus, 1) && (states_[i].seen_on & ~cpu_bit(named)) == 0) {
      task.pinned = named;
    }
  }
}

ReplayInput ReplayInputReader::finish(std::string name, ReplayKernel kernel, std::int64_t time_resolution) {
  for (const TaskState_& state : states_) {
    input_.losses.wakings_without_wakeup += state.waking >= 0 ? 1 : 0;
  }
  input_.name = std::move(name);
  input_.kernel = std::move(kernel);
  input_.time_resolution = time_resolution;
  if (!input_.events.empty()) {
    input_.begin = input_.events.front().time;
    input_.end = input_.events.back().time;
  }
  pin_tasks();
  name_causes();
  return std::move(input_);
}

ReplayInput read_replay_input(const std::filesystem::path& capture, const ReplayOptions& options) {
  ReplayKernel kernel = find_kernel(capture, options);
  ReplayInput input;
  const auto limit = static_cast<std::int64_t>(options.seconds * 1e9);
  read_capture(capture, [&](EventReader& reader) {
    ReplayInputReader story{reader.names()};
    std::int64_t begin = -1;
    for (Event event; reader.next(event);) {
      begin = begin < 0 ? event.time : begin;
      if (limit > 0 && event.time - begin > limit) {
        break;
      }
      story.add(event);
    }
    input = story.finish(reader.name(), kernel, reader.log().time_resolution);
  });
  const bool woken = std::any_of(input.events.begin(), input.events.end(),
                                 [](const ReplayEvent& event) { return event.kind == ReplayKind::wakeup; });
  if (input.losses.switches == 0 || !woken) {
    throw scenarios::InputError{{.file = capture.string(),
                                 .found = input.losses.switches == 0 ? "no sched_switch" : "no sched_wakeup",
                                 .expected = "sched_switch, sched_waking and sched_wakeup events to replay",
                                 .suggestion = "capture them with 'chainsim capture' or trace-cmd -e sched"}};
  }
  return input;
}

}  // namespace calibration
