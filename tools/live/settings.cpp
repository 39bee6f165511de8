#include "tools/live/settings.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstring>

#include "scenarios/input_error.h"
#include "scenarios/output.h"
#include "tools/live/journal_undo.h"

namespace tools::live {
namespace {

using scenarios::InputError;
using scenarios::OutputError;

[[noreturn]] void declined(const scenarios::Place& place, const std::string& key, const std::string& path,
                           const std::string& value, int error) {
  throw InputError{
      {.file = place.file,
       .line = place.line,
       .column = place.column,
       .found = key + " = " + value + ", which the kernel declines: " + path + ": " + std::strerror(error),
       .expected = "a value that it takes"}};
}

}  // namespace

AppliedSettings::AppliedSettings(const LivePlan& plan, Journal& journal)
    : journal_{journal}, mark_{journal.mark()} {
  try {
    for (const Setting& setting : plan.settings) {
      make(setting);
    }
    for (const CgroupPlan& cgroup : plan.cgroups) {
      make(cgroup);
    }
    if (plan.cpu_dma_latency) {
      hold_latency(*plan.cpu_dma_latency);
    }
  } catch (...) {
    try {
      undo_since(journal_, mark_);
    } catch (const OutputError& error) {
      std::fprintf(stderr, "chainsim: %s\n", error.what());  // what declined a value is the news
    }
    throw;
  }
}

void AppliedSettings::make(const Setting& setting) {
  journal_.add({.kind = JournalEntry::Kind::value,
                .path = setting.path,
                .before = setting.before,
                .now = setting.wanted});
  if (const int error = write_value(setting.path, setting.wanted); error != 0) {
    declined(setting.place, setting.key, setting.path, setting.wanted, error);
  }
}

void AppliedSettings::make(const CgroupPlan& cgroup) {
  journal_.add({.kind = JournalEntry::Kind::directory, .path = cgroup.directory, .before = "", .now = ""});
  if (::mkdir(cgroup.directory.c_str(), 0755) != 0) {
    declined({}, "cgroup " + cgroup.name, cgroup.directory, "new", errno);
  }
  for (const auto& [file, value] : cgroup.files) {
    const std::string path = cgroup.directory + "/" + file;
    if (const int error = write_value(path, value); error != 0) {
      declined({}, "cgroup " + cgroup.name, path, value, error);
    }
  }
  cgroup_files_.emplace_back(cgroup.name, cgroup.join);
}

// Documentation/admin-guide/pm/cpuidle.rst: 32 bits, in us, for as long as the file is open. It needs no
// journal: the kernel closes it with us.
void AppliedSettings::hold_latency(sim::Nanos latency) {
  const auto us = static_cast<std::int32_t>(latency.count() / 1000);
  latency_file_ = ::open("/dev/cpu_dma_latency", O_WRONLY | O_CLOEXEC);
  if (latency_file_ < 0 || ::write(latency_file_, &us, sizeof us) != sizeof us) {
    const int error = errno;
    if (latency_file_ >= 0) {
      ::close(latency_file_);
    }
    declined({}, "host.cpu_dma_latency", "/dev/cpu_dma_latency", fmt::format("{} us", us), error);
  }
}

AppliedSettings::~AppliedSettings() {
  try {
    restore();
  } catch (const std::exception& error) {
    std::fprintf(stderr, "chainsim: %s\n", error.what());
  }
}

void AppliedSettings::restore() {
  if (latency_file_ >= 0) {
    ::close(std::exchange(latency_file_, -1));
  }
  undo_since(journal_, mark_);
}

void undo_since(Journal& journal, std::size_t mark) {
  std::string failures;
  for (std::size_t i = journal.entries().size(); i > mark; --i) {
    try {
      undo(journal.entries()[i - 1]);
    } catch (const OutputError& error) {
      failures += (failures.empty() ? "" : "; ") + std::string{error.what()};
    }
  }
  if (!failures.empty()) {
    throw OutputError{failures + "; chainsim live --cleanup tries again"};
  }
  journal.forget(mark);
}

}  // namespace tools::live
