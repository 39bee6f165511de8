#include "calibration/traces/roles.h"

#include <array>
#include <string_view>

#include "calibration/traces/csv_rows.h"

namespace calibration {

TaskRoles TaskRoles::read(const std::filesystem::path& path) {
  constexpr std::array<std::string_view, 2> columns{"tid", "role"};
  CsvRows rows{path, columns, "a roles file"};
  TaskRoles roles;
  roles.known_ = true;
  while (rows.next()) {
    const std::int64_t tid = rows.number(0);
    const std::string role{rows.text(1)};
    if (tid < 0) {
      throw rows.error(0, std::to_string(tid), "a task id from 0", "list each task id once");
    }
    if (role.empty()) {
      throw rows.error(1, "no role", "a word such as agent, server, tracer or kernel",
                       "leave out the tasks that have no role");
    }
    const auto [entry, fresh] = roles.roles_.emplace(tid, role);
    if (!fresh && entry->second != role) {
      throw rows.error(1, "role " + scenarios::quoted(role) + " for task " + std::to_string(tid),
                       "the role it has above, " + scenarios::quoted(entry->second),
                       "list each task id once");
    }
  }
  return roles;
}

const std::string& TaskRoles::of(std::int64_t tid) const {
  static const std::string other = "other";
  static const std::string unknown = "unknown";
  const auto found = roles_.find(tid);
  if (found != roles_.end()) {
    return found->second;
  }
  return known_ ? other : unknown;
}

}  // namespace calibration
