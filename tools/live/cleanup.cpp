#include "tools/live/cleanup.h"

#include <signal.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <optional>
#include <system_error>

#include "scenarios/output.h"
#include "scenarios/quantity.h"
#include "tools/live/cgroups.h"
#include "tools/live/journal.h"
#include "tools/live/journal_undo.h"
#include "tools/live/tracefs_capture.h"

namespace tools::live {
namespace {

namespace fs = std::filesystem;

void clean_journal(const LeftJournal& journal, Cleanup& result) {
  const std::size_t failed_before = result.failed.size();
  for (auto entry = journal.entries.rbegin(); entry != journal.entries.rend(); ++entry) {
    if (entry->kind == JournalEntry::Kind::value && !journal.same_boot()) {
      continue;  // the kernel that had it is gone
    }
    try {
      if (auto done = undo(*entry)) {
        result.done.push_back(std::move(*done));
      }
    } catch (const scenarios::OutputError& error) {
      result.failed.emplace_back(error.what());
    }
  }
  if (result.failed.size() == failed_before) {
    std::error_code ignored;
    fs::remove(journal.path, ignored);
    result.done.push_back(journal.path.string() + " removed");
  }
}

// "chainsim-1234" and "chainsim-1234-name" of a process that is no more.
bool is_left(const fs::path& path) {
  const std::string name = path.filename().string();
  const std::string prefix = instance_prefix;
  if (!name.starts_with(prefix)) {
    return false;
  }
  const std::string number = name.substr(prefix.size(), name.find('-', prefix.size()) - prefix.size());
  const auto pid = scenarios::parse_unsigned(number);
  return pid && *pid > 0 && *pid <= 1U << 30 && ::kill(static_cast<pid_t>(*pid), 0) != 0 && errno == ESRCH;
}

std::vector<fs::path> left_in(const fs::path& directory) {
  std::vector<fs::path> left;
  std::error_code absent;
  for (const fs::directory_entry& entry : fs::directory_iterator{directory, absent}) {
    if (is_left(entry.path())) {
      left.push_back(entry.path());
    }
  }
  std::sort(left.begin(), left.end());
  return left;
}

// Children first.
void remove_tree(const fs::path& cgroup, Cleanup& result) {
  std::error_code absent;
  std::vector<fs::path> children;
  for (const fs::directory_entry& entry : fs::directory_iterator{cgroup, absent}) {
    if (entry.is_directory(absent)) {
      children.push_back(entry.path());
    }
  }
  for (const fs::path& child : children) {
    remove_tree(child, result);
  }
  try {
    if (auto done = remove_cgroup(cgroup)) {
      result.done.push_back(std::move(*done));
    }
  } catch (const scenarios::OutputError& error) {
    result.failed.emplace_back(error.what());
  }
}

// rmdir of an instance takes its files with it.
void remove_instance(const fs::path& instance, Cleanup& result) {
  std::error_code error;
  if (fs::remove(instance, error)) {
    result.done.push_back(instance.string() + " removed");
  } else if (error) {
    result.failed.push_back(instance.string() + ": cannot be removed: " + error.message());
  }
}

}  // namespace

CleanupPlaces cleanup_places() {
  CleanupPlaces places{.journals = journal_directory, .cgroups = {}, .instances = {}};
  if (const CgroupRoot root = find_cgroup_root("/"); root.version != CgroupVersion::none) {
    places.cgroups.push_back(root.path);
  }
  for (const char* tracefs : {"/sys/kernel/tracing", "/sys/kernel/debug/tracing"}) {
    if (fs::exists(fs::path{tracefs} / "instances")) {
      places.instances.push_back(fs::path{tracefs} / "instances");
      break;  // the same file system twice
    }
  }
  return places;
}

Cleanup clean_up(const CleanupPlaces& places) {
  const LiveLock lock{places.journals};
  Cleanup result;
  for (const LeftJournal& journal : left_journals(places.journals)) {
    clean_journal(journal, result);
  }
  for (const fs::path& directory : places.cgroups) {
    for (const fs::path& cgroup : left_in(directory)) {
      remove_tree(cgroup, result);
    }
  }
  for (const fs::path& directory : places.instances) {
    for (const fs::path& instance : left_in(directory)) {
      remove_instance(instance, result);
    }
  }
  return result;
}

}  // namespace tools::live
