// Which task id was what during a capture: the file `LOAD.PROGRAM.roles.csv`, `tid,role` a line.
//
// Roles are free words; two of them mean something to calibration: `agent` (its steps are what is
// predicted) and `tracer` (bpftrace itself, which must not be taken for workload).
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>

namespace calibration {

class TaskRoles {
 public:
  // Every id is `unknown`: there is no roles file.
  TaskRoles() = default;

  // Throws InputError: a wrong header, an id that is no number or is negative, an empty role, one id with
  // two roles.
  static TaskRoles read(const std::filesystem::path& path);

  // The role of a task; "other" for an id that the file does not list, "unknown" without a file.
  const std::string& of(std::int64_t tid) const;

  void set(std::int64_t tid, std::string role) { roles_[tid] = std::move(role); }
  bool known() const { return known_; }
  const std::map<std::int64_t, std::string>& all() const { return roles_; }

 private:
  bool known_ = false;
  std::map<std::int64_t, std::string> roles_;
};

}  // namespace calibration
