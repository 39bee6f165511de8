// Whose task is whose: which tasks may keep their names in a capture. Those are kernel threads, the idle
// tasks, the tasks that were asked for, the tracer, and all that these started; every other task is `other`.
//
// Looked up in /proc at the start and at the end, and followed by sched_process_fork in between. A task that
// comes and goes between the two looks, and whose birth was not seen, is `other`.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace calibration {

struct TaskStat {  // /proc/PID/task/TID/stat
  std::int32_t tid = 0;
  std::int32_t parent = 0;  // of the process
  bool kernel_thread = false;
  std::string comm;
};

// None of the fields is trusted: a name may hold spaces and brackets. False when it is no such line.
bool parse_task_stat(std::string_view text, TaskStat& task);

class TaskCensus {
 public:
  // `own`: processes whose tasks, and whose descendants, keep their names.
  explicit TaskCensus(std::vector<std::int32_t> own) : own_processes_{std::move(own)} {}

  void look();  // at /proc, now
  void note(const TaskStat& task, std::int32_t process);
  void settle();  // after notes: who descends from whom
  void born(std::int32_t parent_tid, std::int32_t tid);
  void claim(std::int32_t tid) { tasks_[tid].own = true; }

  bool keeps_name(std::int32_t tid) const;
  std::string_view comm(std::int32_t tid) const;  // as last seen in /proc; "" if never
  const std::vector<std::int32_t>& seen() const {
    return seen_;
  }  // tids, in the order in which they were met

 private:
  struct Entry {
    std::int32_t process = 0;
    std::int32_t parent = 0;
    bool kernel_thread = false;
    bool own = false;
    std::string comm;
  };

  std::vector<std::int32_t> own_processes_;
  std::unordered_map<std::int32_t, Entry> tasks_;
  std::vector<std::int32_t> seen_;
};

}  // namespace calibration
