#include "calibration/traces/perfetto_tasks.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace calibration {

PerfettoTasks::PerfettoTasks(PerfettoStream& stream, PerfettoCpus& cpus, const Names& names,
                             std::vector<std::int32_t> agents)
    : stream_{stream}, cpus_{cpus}, names_{names}, agents_{std::move(agents)} {
  std::sort(agents_.begin(), agents_.end());
}

PerfettoTasks::Task* PerfettoTasks::find(std::int32_t pid, Name comm) {
  if (pid <= 0) {
    return nullptr;
  }
  if (const auto known = index_.find(pid); known != index_.end()) {
    return &tasks_[known->second];
  }
  if (tasks_.size() >= max_tasks) {
    return nullptr;
  }
  if (task_group_ == Track::none) {
    task_group_ = stream_.track({.name = "Tasks"});
  }
  const Track states = row(task_group_, names_.text(comm), pid, Track::none);
  index_.emplace(pid, tasks_.size());
  return &tasks_.emplace_back(Task{.pid = pid, .comm = comm, .states = states});
}

PerfettoTasks::Task* PerfettoTasks::find_named(std::int32_t pid, Name comm) {
  Task* const task = find(pid, comm);
  if (task != nullptr && task->comm != comm && comm != Name::none) {
    task->comm = comm;
    row(task_group_, names_.text(comm), pid, task->states);
    if (task->steps != Track::none) {
      row(agent_group_, names_.text(comm), pid, task->steps);
    }
  }
  return task;
}

Track PerfettoTasks::row(Track group, std::string_view comm, std::int32_t pid, Track renamed) {
  const std::string name = fmt::format("{} {}", comm, pid);
  const TrackForm form{.name = name, .parent = group, .own_row = true};
  if (renamed == Track::none) {
    return stream_.track(form);
  }
  stream_.rename(renamed, form);
  return renamed;
}

Track PerfettoTasks::track(std::int32_t pid, Name comm) {
  const Task* const task = find(pid, comm);
  return task == nullptr ? Track::none : task->states;
}

bool PerfettoTasks::is_agent(std::int32_t pid) const {
  return agents_.empty() || std::binary_search(agents_.begin(), agents_.end(), pid);
}

PerfettoTasks::Wake PerfettoTasks::wake(const Event& event, FlowId cause) {
  Task* const task = find_named(event.wakeup.pid, event.wakeup.comm);
  if (task == nullptr) {
    return {};
  }
  if (task->state == State::unknown || task->state == State::asleep) {
    task->flow = cause != FlowId::none ? cause : stream_.flow();
    task->waking_cpu = event.cpu;
    return {task->flow, true};
  }
  const bool passes = task->state == State::runnable && event.cpu != task->waking_cpu;
  return {passes ? task->flow : FlowId::none, false};
}

void PerfettoTasks::woken(const Event& event, const Wake& wake) {
  Task* const task = find(event.wakeup.pid, event.wakeup.comm);
  if (task == nullptr) {
    return;
  }
  if (wake.begins) {
    set_state(*task, State::runnable, "runnable", event.time, wake.flow, {});
    end_sleep(*task, event.time);
  }
  if (event.kind != EventKind::sched_waking && task->queued_on < 0) {
    queue(*task, event.wakeup.target_cpu >= 0 ? event.wakeup.target_cpu : event.cpu, event.time);
  }
}

void PerfettoTasks::sched_switch(const Event& event) {
  check_current(event);
  leave(event);
  enter(event);
  current_[static_cast<std::size_t>(event.cpu)] = event.sched_switch.next_pid;
}

// A switch that leaves another task than its CPU entered last: what the CPU ran meanwhile is not known.
void PerfettoTasks::check_current(const Event& event) {
  const auto cpu = static_cast<std::size_t>(event.cpu);
  if (cpu >= current_.size()) {
    current_.resize(cpu + 1, -1);
  }
  const std::int32_t current = current_[cpu];
  if (current < 0 || current == event.sched_switch.prev_pid) {
    return;
  }
  ++broken_switches_;
  stream_.instant({.time = event.time,
                   .track = cpus_.irq(event.cpu),
                   .category = TraceCategory::trace,
                   .name = "switches are missing"});
  const auto known = index_.find(current);
  if (known != index_.end() && tasks_[known->second].state == State::running) {
    set_state(tasks_[known->second], State::unknown, "", event.time, FlowId::none, {});
    queue(tasks_[known->second], -1, event.time);
  }
}

void PerfettoTasks::leave(const Event& event) {
  const SchedSwitch& change = event.sched_switch;
  Task* const task = find_named(change.prev_pid, change.prev_comm);
  if (task == nullptr) {
    return;
  }
  if (change.prev_state == TaskState::running || change.preempted) {
    set_state(*task, State::runnable, "preempted", event.time, FlowId::none, {});
    task->waking_cpu = event.cpu;
    queue(*task, event.cpu, event.time);
    return;
  }
  set_state(*task, State::asleep, "", event.time, FlowId::none, {});
  queue(*task, -1, event.time);
  if (change.prev_state == TaskState::interruptible && !task->in_gate && !task->sleeps_traced) {
    begin_sleep(*task, event.time);
  }
}

void PerfettoTasks::enter(const Event& event) {
  Task* const task = find_named(event.sched_switch.next_pid, event.sched_switch.next_comm);
  if (task == nullptr) {
    return;
  }
  const auto cpu = static_cast<std::size_t>(event.cpu);
  while (running_on_.size() <= cpu) {
    running_on_.push_back(fmt::format("running, CPU {}", running_on_.size()));
  }
  const FlowId flow = std::exchange(task->flow, FlowId::none);
  set_state(*task, State::running, running_on_[cpu], event.time, FlowId::none,
            {&flow, flow == FlowId::none ? 0U : 1U});
  queue(*task, event.cpu, event.time);
  if (!task->sleeps_traced) {
    end_sleep(*task, event.time);
  }
}

void PerfettoTasks::set_state(Task& task, State state, std::string_view name, std::int64_t time, FlowId flow,
                              std::span<const FlowId> ends) {
  if (task.state == State::runnable || task.state == State::running) {
    stream_.end(time, task.states);
  }
  task.state = state;
  if (!name.empty()) {
    stream_.begin({.time = time,
                   .track = task.states,
                   .category = TraceCategory::sched,
                   .name = name,
                   .flow = flow,
                   .ends = ends});
  }
}

void PerfettoTasks::migrated(const Event& event) {
  Task* const task = find(event.migrate.pid, event.migrate.comm);
  if (task != nullptr && task->queued_on >= 0) {
    queue(*task, event.migrate.dest_cpu, event.time);
  }
}

void PerfettoTasks::queue(Task& task, std::int32_t cpu, std::int64_t time) {
  if (cpu == task.queued_on || cpu >= PerfettoCpus::max_cpus) {
    return;
  }
  if (task.queued_on >= 0) {
    cpus_.runnable(task.queued_on, -1, time);
  }
  if (cpu >= 0) {
    cpus_.runnable(cpu, 1, time);
  }
  task.queued_on = cpu;
}

void PerfettoTasks::gate(const Event& event) {
  const bool enters = event.kind == EventKind::sys_enter;
  const Syscall call = enters ? event.sys_enter.call : event.sys_exit.call;
  Task* const task = find(event.pid, event.comm);
  if (call == Syscall::other || task == nullptr || !is_agent(event.pid)) {
    return;
  }
  task->sleeps_traced |= call == Syscall::nanosleep;
  if (task->steps == Track::none) {
    if (call == Syscall::nanosleep && agents_.empty()) {
      return;
    }
    if (agent_group_ == Track::none) {
      agent_group_ = stream_.track({.name = "Agents"});
    }
    task->steps = row(agent_group_, names_.text(task->comm), event.pid, Track::none);
  }
  end_gate(*task, event.time);
  if (call == Syscall::nanosleep) {
    enters ? begin_sleep(*task, event.time) : end_sleep(*task, event.time);
  } else if (enters) {
    end_sleep(*task, event.time);
    task->in_gate = true;
    stream_.begin({.time = event.time,
                   .track = task->steps,
                   .category = TraceCategory::agent,
                   .name = names_.text(event.sys_enter.name)});
  }
}

void PerfettoTasks::end_gate(Task& task, std::int64_t time) {
  if (std::exchange(task.in_gate, false)) {
    stream_.end(time, task.steps);
  }
}

void PerfettoTasks::begin_sleep(Task& task, std::int64_t time) {
  if (task.steps == Track::none || task.episode == Episode::sleep) {
    return;
  }
  if (task.episode == Episode::step) {
    stream_.end(time, task.steps);
  }
  task.episode = Episode::sleep;
  stream_.begin({.time = time, .track = task.steps, .category = TraceCategory::agent, .name = "sleep"});
}

void PerfettoTasks::end_sleep(Task& task, std::int64_t time) {
  if (task.episode != Episode::sleep) {
    return;
  }
  task.episode = Episode::step;
  stream_.end(time, task.steps);
  stream_.begin({.time = time, .track = task.steps, .category = TraceCategory::agent, .name = "step"});
}

void PerfettoTasks::finish(std::int64_t time) {
  for (Task& task : tasks_) {
    set_state(task, State::unknown, "", time, FlowId::none, {});
    end_gate(task, time);
    if (task.episode != Episode::none) {
      task.episode = Episode::none;
      stream_.end(time, task.steps);
    }
  }
}

}  // namespace calibration
