// Makes a plan's settings and cgroups, each journalled before it is made, and undoes them, the last first.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "tools/live/journal.h"
#include "tools/live/requirements.h"

namespace tools::live {

class AppliedSettings {
 public:
  // Throws InputError at a value that the kernel declines, with what was made before undone.
  AppliedSettings(const LivePlan& plan, Journal& journal);
  ~AppliedSettings();  // as restore(), but says on standard error what it could not undo
  AppliedSettings(const AppliedSettings&) = delete;
  AppliedSettings& operator=(const AppliedSettings&) = delete;

  // Undoes all; goes on after a failure, whose entries stay in the journal, and then throws OutputError.
  void restore();

  // What a process of each of the scenario's cgroups writes "0" to.
  const std::vector<std::pair<std::string, std::string>>& cgroup_files() const { return cgroup_files_; }

 private:
  void make(const Setting& setting);
  void make(const CgroupPlan& cgroup);
  void hold_latency(sim::Nanos latency);

  Journal& journal_;
  std::size_t mark_;
  std::vector<std::pair<std::string, std::string>> cgroup_files_;
  int latency_file_ = -1;
};

// Undoes the journal's entries since `mark`, the last first. Throws OutputError after all were tried.
void undo_since(Journal& journal, std::size_t mark);

}  // namespace tools::live
