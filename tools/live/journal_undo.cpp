#include "tools/live/journal_undo.h"

#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <thread>

#include "calibration/topology/parse.h"
#include "scenarios/output.h"

namespace tools::live {
namespace {

namespace fs = std::filesystem;
using scenarios::OutputError;

std::optional<std::string> first_bytes(const std::string& path) {
  const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (file < 0) {
    return std::nullopt;
  }
  std::array<char, 8192> text{};
  const ssize_t got = ::read(file, text.data(), text.size());
  ::close(file);
  return got < 0 ? std::nullopt : std::optional{std::string(text.data(), static_cast<std::size_t>(got))};
}

std::string without_no(std::string_view flag) {
  return std::string{flag.starts_with("NO_") ? flag.substr(3) : flag};
}

// A flag of sched/features as it stands in the file: itself, or with NO_.
std::optional<std::string> feature(const std::vector<std::string>& flags, std::string_view like) {
  const auto found = std::find_if(flags.begin(), flags.end(), [&](const std::string& flag) {
    return without_no(flag) == without_no(like);
  });
  return found == flags.end() ? std::nullopt : std::optional{*found};
}

std::string joined(const std::vector<std::string>& parts) {
  std::string text;
  for (const std::string& part : parts) {
    text += (text.empty() ? "" : " ") + part;
  }
  return text;
}

void kill_all_in(const fs::path& cgroup) {
  for (const char* name : {"cgroup.procs", "tasks"}) {
    std::ifstream file{cgroup / name};
    for (pid_t pid = 0; file >> pid;) {
      if (pid > 1 && pid != ::getpid()) {
        ::kill(pid, SIGKILL);
      }
    }
  }
}

}  // namespace

std::optional<std::string> value_of(const std::string& path, std::string_view like) {
  const auto text = first_bytes(path);
  if (!text) {
    return std::nullopt;
  }
  const std::string_view line = std::string_view{*text}.substr(0, text->find('\n'));
  const std::vector<std::string> found = calibration::words(line);
  if (path.ends_with("/sched/features")) {
    return feature(found, like);
  }
  for (const char* brackets : {"[]", "()"}) {
    const std::string word = calibration::chosen(line, brackets);
    if (!word.empty()) {
      return word;
    }
  }
  return joined(found);
}

int write_value(const std::string& path, const std::string& value) {
  const int file = ::open(path.c_str(), O_WRONLY | O_CLOEXEC | O_TRUNC);
  if (file < 0) {
    return errno;
  }
  const std::string line = value + "\n";
  const int result = ::write(file, line.data(), line.size()) < 0 ? errno : 0;
  ::close(file);
  return result;
}

std::optional<std::string> undo_value(const JournalEntry& entry) {
  const auto found = value_of(entry.path, entry.before);
  if (found == entry.before) {
    return std::nullopt;
  }
  if (!found && !fs::exists(entry.path)) {
    return entry.path + " is gone: it was " + entry.before;
  }
  if (const int error = write_value(entry.path, entry.before); error != 0) {
    throw OutputError{entry.path + ": cannot be set back to " + entry.before + ": " + std::strerror(error)};
  }
  return entry.path + ": " + entry.before + " again" +
         (found == entry.now ? "" : " (somebody else had made it " + found.value_or("unreadable") + ")");
}

// Tasks that are ending keep a cgroup busy for a moment.
std::optional<std::string> remove_cgroup(const std::string& path) {
  constexpr int attempts = 200;
  for (int i = 0; i < attempts; ++i) {
    if (::rmdir(path.c_str()) == 0) {
      return path + " removed";
    }
    if (errno == ENOENT) {
      return std::nullopt;
    }
    kill_all_in(path);
    std::this_thread::sleep_for(std::chrono::milliseconds{10});
  }
  throw OutputError{path + ": cannot be removed: " + std::strerror(errno)};
}

std::optional<std::string> remove_data_file(const std::string& path) {
  if (::unlink(path.c_str()) == 0) {
    return path + " removed";
  }
  if (errno == ENOENT) {
    return std::nullopt;
  }
  throw OutputError{path + ": cannot be removed: " + std::strerror(errno)};
}

}  // namespace tools::live
