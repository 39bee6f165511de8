#include "calibration/capture/tasks.h"

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <system_error>

#include "calibration/capture/machine.h"
#include "calibration/traces/text_scan.h"

namespace calibration {
namespace {

namespace fs = std::filesystem;

std::int32_t number_of(const fs::path& directory) {
  const std::string name = directory.filename().string();
  std::int32_t number = 0;
  const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), number);
  return error == std::errc{} && end == name.data() + name.size() ? number : 0;
}

}  // namespace

bool parse_task_stat(std::string_view text, TaskStat& task) {
  constexpr std::uint64_t pf_kthread = 0x00200000;  // PF_KTHREAD, include/linux/sched.h
  TextScan scan{text};
  const auto close = text.rfind(')');
  if (!scan.number(task.tid) || !scan.literal(" (") || close == std::string_view::npos) {
    return false;
  }
  const std::size_t open = static_cast<std::size_t>(scan.at - text.data());
  if (close < open) {
    return false;
  }
  task.comm = text.substr(open, close - open);
  TextScan rest{text.substr(close + 1)};
  std::int64_t skipped = 0;
  std::uint64_t flags = 0;
  rest.spaces();
  rest.word();  // state
  rest.spaces();
  if (!rest.number(task.parent)) {
    return false;
  }
  for (int field = 0; field < 4; ++field) {  // pgrp, session, tty, tpgid
    rest.spaces();
    if (!rest.number(skipped)) {
      return false;
    }
  }
  rest.spaces();
  if (!rest.number(flags)) {
    return false;
  }
  task.kernel_thread = (flags & pf_kthread) != 0;
  return true;
}

void TaskCensus::look() {
  std::error_code failure;
  for (const auto& process : fs::directory_iterator{"/proc", failure}) {
    const std::int32_t pid = number_of(process.path());
    if (pid == 0) {
      continue;
    }
    for (const auto& thread : fs::directory_iterator{process.path() / "task", failure}) {
      if (TaskStat task; parse_task_stat(read_small_file((thread.path() / "stat").string()), task)) {
        note(task, pid);
      }
    }
  }
  settle();
}

void TaskCensus::note(const TaskStat& task, std::int32_t process) {
  const auto [place, is_new] = tasks_.try_emplace(task.tid);
  Entry& entry = place->second;
  entry.process = process;
  entry.parent = task.parent;
  entry.kernel_thread = task.kernel_thread;
  entry.comm = task.comm;
  if (is_new) {
    seen_.push_back(task.tid);
  }
}

// A process that was orphaned has another parent at the second look: what was own stays own.
void TaskCensus::settle() {
  constexpr int deepest = 1000;
  for (auto& [tid, entry] : tasks_) {
    std::int32_t process = entry.process;
    for (int depth = 0; process > 1 && !entry.own && depth < deepest; ++depth) {
      entry.own = std::find(own_processes_.begin(), own_processes_.end(), process) != own_processes_.end();
      const auto parent = tasks_.find(process);
      process = parent == tasks_.end() ? 0 : parent->second.parent;
    }
  }
}

void TaskCensus::born(std::int32_t parent_tid, std::int32_t tid) {
  const auto parent = tasks_.find(parent_tid);
  if (parent == tasks_.end()) {
    return;
  }
  const Entry inherited = parent->second;
  Entry& child = tasks_[tid];
  child.own |= inherited.own;
  child.kernel_thread |= inherited.kernel_thread;
}

bool TaskCensus::keeps_name(std::int32_t tid) const {
  const auto task = tasks_.find(tid);
  return tid == 0 || (task != tasks_.end() && (task->second.own || task->second.kernel_thread));
}

std::string_view TaskCensus::comm(std::int32_t tid) const {
  const auto task = tasks_.find(tid);
  return task == tasks_.end() ? std::string_view{} : std::string_view{task->second.comm};
}

}  // namespace calibration
