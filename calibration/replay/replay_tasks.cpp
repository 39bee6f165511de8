// What a thread's name tells of it.
#include <algorithm>
#include <array>

#include "calibration/replay/replay_input.h"

namespace calibration {
namespace {

bool digit(char c) { return c >= '0' && c <= '9'; }

}  // namespace

bool kernel_thread_name(std::string_view name) {
  constexpr std::array prefixes{
      "kworker/",   "ksoftirqd/", "migration/", "cpuhp/",  "idle_inject/", "rcu_",
      "rcub/",      "rcuc/",      "rcuog/",     "rcuop/",  "rcuos/",       "kswapd",
      "kcompactd",  "jbd2/",      "irq/",       "napi/",   "ktimers/",     "backlog_napi/",
      "kdamond",    "khugepaged", "ksmd",       "kauditd", "kthreadd",     "khungtaskd",
      "oom_reaper", "scsi_eh_",   "watchdogd",  "kblockd", "iou-sqp-",     "dmcrypt",
      "xfsaild/",   "btrfs-",     "loop",       "md127_",  "nvme",         "pool_workqueue"};
  return std::any_of(prefixes.begin(), prefixes.end(),
                     [&](std::string_view prefix) { return name.substr(0, prefix.size()) == prefix; });
}

int cpu_in_name(std::string_view name) {
  const std::size_t slash = name.find('/');
  if (slash == std::string_view::npos || slash + 1 >= name.size() || name.substr(0, 5) == "napi/") {
    return -1;
  }
  std::size_t end = slash + 1;
  int number = 0;
  while (end < name.size() && digit(name[end]) && number < 10000) {
    number = number * 10 + (name[end++] - '0');
  }
  const bool whole = end > slash + 1 && (end == name.size() || name[end] == ':');
  return whole && name.substr(0, 4) != "irq/" ? number : -1;
}

models::SchedConfig sched_config(const ReplayTask& task) {
  models::SchedConfig config;
  if (task.prio < 100) {
    config.sched = models::SchedClass::fifo;
    config.rt_priority = std::clamp(99 - task.prio, 1, 99);
  } else {
    config.nice = std::clamp(task.prio - 120, -20, 19);
  }
  if (task.pinned >= 0) {
    config.cpus = {task.pinned};
  }
  return config;
}

}  // namespace calibration
