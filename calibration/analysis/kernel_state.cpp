#include "calibration/analysis/kernel_state.h"

#include <algorithm>

namespace calibration {
namespace {

constexpr std::size_t pid_max_limit = std::size_t{1} << 22;  // PID_MAX_LIMIT, include/linux/threads.h

}  // namespace

std::string_view to_string(TaskClass task_class) {
  constexpr std::array<std::string_view, task_classes> names{"agents", "other tasks", "kernel threads",
                                                             "tracer", "idle"};
  return names[static_cast<std::size_t>(task_class)];
}

std::string_view to_string(ChainKind kind) {
  constexpr std::array<std::string_view, 3> names{"timer", "network", "block"};
  return names[static_cast<std::size_t>(kind)];
}

void KernelState::account(CpuState& cpu, std::int64_t now) {
  if (cpu.accounted != never_seen && now > cpu.accounted) {
    const std::int64_t span = now - cpu.accounted;
    if (cpu.irq_depth > 0) {
      cpu.spent.hardirq += span;
    } else if (cpu.vec >= 0) {
      cpu.spent.softirq += span;
    } else if (cpu.current == 0) {
      cpu.spent.idle += span;
    } else {
      cpu.spent.task += span;
    }
  }
  cpu.accounted = std::max(cpu.accounted, now);
}

CpuState& KernelState::cpu(std::int32_t number, std::int64_t now) {
  const auto place = static_cast<std::size_t>(number);
  if (place >= cpus_.size()) {
    cpus_.resize(place + 1);
  }
  CpuState& cpu = cpus_[place];
  cpu.seen = true;
  account(cpu, now);
  return cpu;
}

CpuState* KernelState::known_cpu(std::int32_t number) {
  return number < 0 || static_cast<std::size_t>(number) >= cpus_.size()
             ? nullptr
             : &cpus_[static_cast<std::size_t>(number)];
}

Task* KernelState::find(std::int32_t pid) {
  const auto place = static_cast<std::size_t>(pid);
  if (pid <= 0 || place >= slot_of_pid_.size() || slot_of_pid_[place] == 0) {
    return nullptr;
  }
  return &tasks_[slot_of_pid_[place] - 1];
}

Task& KernelState::task(std::int32_t pid, std::int64_t now) {
  if (Task* known = find(pid)) {
    known->seen = now;
    return *known;
  }
  const std::size_t place = std::min(static_cast<std::size_t>(pid), pid_max_limit - 1);
  if (place >= slot_of_pid_.size()) {
    slot_of_pid_.resize(std::min(std::max(place + 1, slot_of_pid_.size() * 2), pid_max_limit));
  }
  if (tasks_.size() - free_.size() >= max_tasks) {
    make_room();
  }
  std::uint32_t slot = 0;
  if (free_.empty()) {
    tasks_.emplace_back();
    slot = static_cast<std::uint32_t>(tasks_.size());
  } else {
    slot = free_.back();
    free_.pop_back();
    const std::uint32_t step_slot = tasks_[slot - 1].step_slot;  // goes with the record
    tasks_[slot - 1] = Task{};
    tasks_[slot - 1].step_slot = step_slot;
  }
  slot_of_pid_[place] = slot;
  Task& fresh = tasks_[slot - 1];
  fresh.pid = static_cast<std::int32_t>(place);
  fresh.seen = now;
  return fresh;
}

// The half that was not seen for longest: rare, so its cost does not show.
void KernelState::make_room() {
  std::vector<std::int64_t> seen;
  seen.reserve(tasks_.size());
  for (const Task& each : tasks_) {
    seen.push_back(each.seen);
  }
  const auto middle = seen.begin() + static_cast<std::ptrdiff_t>(seen.size() / 2);
  std::nth_element(seen.begin(), middle, seen.end());
  for (std::size_t i = 0; i < tasks_.size(); ++i) {
    Task& each = tasks_[i];
    if (each.pid >= 0 && each.seen <= *middle) {
      slot_of_pid_[static_cast<std::size_t>(each.pid)] = 0;
      each.pid = -1;
      each.seen = INT64_MAX;
      free_.push_back(static_cast<std::uint32_t>(i + 1));
    }
  }
}

Where KernelState::where(const CpuState& cpu, const EventFlags& flags) {
  if (flags.known) {
    return flags.hardirq ? Where::hardirq : flags.softirq ? Where::softirq : Where::task;
  }
  return cpu.irq_depth > 0 ? Where::hardirq : cpu.vec >= 0 ? Where::softirq : Where::task;
}

}  // namespace calibration
