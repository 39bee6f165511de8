#include "tools/live/journal.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>
#include <utility>

#include "scenarios/input_error.h"
#include "scenarios/output.h"
#include "tools/live/journal_undo.h"

namespace tools::live {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;
using scenarios::InputError;
using scenarios::OutputError;

constexpr const char* kinds[] = {"value", "directory", "file"};

[[noreturn]] void fail(const fs::path& path, const char* what) {
  throw OutputError{path.string() + ": " + what + ": " + std::strerror(errno)};
}

std::string boot_id() {
  std::string id;
  std::ifstream{"/proc/sys/kernel/random/boot_id"} >> id;
  return id;
}

// Field 22 of /proc/PID/stat, behind the name, which may hold blanks and brackets. Nothing: no such process.
std::optional<std::int64_t> start_ticks(std::int32_t pid) {
  std::ifstream file{"/proc/" + std::to_string(pid) + "/stat"};
  std::string stat;
  std::getline(file, stat, '\0');
  const std::size_t name_end = stat.rfind(')');
  if (name_end == std::string::npos) {
    return std::nullopt;
  }
  std::istringstream fields{stat.substr(name_end + 1)};
  std::string field;
  constexpr int behind_the_name = 20;
  for (int i = 0; i < behind_the_name; ++i) {
    fields >> field;
  }
  std::int64_t ticks = 0;
  return field == "Z" || !std::istringstream{field}.operator>>(ticks) ? std::nullopt : std::optional{ticks};
}

Json heading(const ProcessId& owner) {
  return {{"schema", 1},
          {"kind", "live_journal"},
          {"pid", owner.pid},
          {"start_ticks", owner.start_ticks},
          {"boot", owner.boot}};
}

std::string line_of(const JournalEntry& entry) {
  Json json{{"change", kinds[static_cast<std::size_t>(entry.kind)]}, {"path", entry.path}};
  if (entry.kind == JournalEntry::Kind::value) {
    json["before"] = entry.before;
    json["now"] = entry.now;
  }
  return json.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
}

std::optional<JournalEntry> entry_of(const Json& json) {
  const std::string change = json.value("change", "");
  const auto kind = std::find(std::begin(kinds), std::end(kinds), change);
  if (kind == std::end(kinds) || !json.contains("path")) {
    return std::nullopt;
  }
  return JournalEntry{.kind = static_cast<JournalEntry::Kind>(kind - std::begin(kinds)),
                      .path = json.value("path", ""),
                      .before = json.value("before", ""),
                      .now = json.value("now", "")};
}

std::optional<LeftJournal> read_journal(const fs::path& path) {
  std::ifstream file{path};
  LeftJournal journal{.path = path, .owner = {}, .entries = {}};
  std::string line;
  for (bool first = true; std::getline(file, line); first = false) {
    const Json json = Json::parse(line, nullptr, false);
    if (!json.is_object()) {
      break;  // the write that was cut short; its change was not made
    }
    if (first) {
      if (json.value("kind", "") != "live_journal") {
        return std::nullopt;
      }
      journal.owner = {json.value("pid", 0), json.value("start_ticks", std::int64_t{0}),
                       json.value("boot", "")};
    } else if (auto entry = entry_of(json)) {
      journal.entries.push_back(std::move(*entry));
    }
  }
  return journal;
}

void refuse_left(const fs::path& directory) {
  const std::vector<LeftJournal> left = left_journals(directory);
  if (!left.empty()) {
    throw InputError{{.file = left.front().path.string(),
                      .found = "a live run that was killed, with " +
                               std::to_string(left.front().entries.size()) + " changes not undone",
                      .expected = "the machine as it was",
                      .suggestion = "chainsim live --cleanup restores it"}};
  }
}

}  // namespace

ProcessId this_process() {
  const std::int32_t pid = ::getpid();
  return {pid, start_ticks(pid).value_or(0), boot_id()};
}

bool is_alive(const ProcessId& process) {
  return process.boot == boot_id() && start_ticks(process.pid) == process.start_ticks;
}

bool LeftJournal::same_boot() const { return owner.boot == boot_id(); }

std::vector<LeftJournal> left_journals(const fs::path& directory) {
  std::vector<LeftJournal> result;
  std::error_code absent;
  for (const fs::directory_entry& entry : fs::directory_iterator{directory, absent}) {
    const std::string name = entry.path().filename().string();
    if (!name.starts_with("live-") || !name.ends_with(".journal")) {
      continue;
    }
    if (auto journal = read_journal(entry.path()); journal && !is_alive(journal->owner)) {
      result.push_back(std::move(*journal));
    }
  }
  std::sort(result.begin(), result.end(),
            [](const LeftJournal& a, const LeftJournal& b) { return a.path < b.path; });
  return result;
}

LiveLock::LiveLock(const fs::path& directory) {
  std::error_code failed;
  fs::create_directories(directory, failed);
  const fs::path path = directory / "live.lock";
  file_ = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (file_ < 0) {
    fail(path, "cannot be opened");
  }
  // A record lock: children do not inherit it, so that it ends with this process alone.
  struct flock lock {};
  lock.l_type = F_WRLCK;
  lock.l_whence = SEEK_SET;
  if (::fcntl(file_, F_SETLK, &lock) != 0) {
    ::fcntl(file_, F_GETLK, &lock);
    ::close(file_);
    throw InputError{{.file = path.string(),
                      .found = "another chainsim live, process " + std::to_string(lock.l_pid),
                      .expected = "one at a time: they would change each other's settings and times"}};
  }
}

LiveLock::~LiveLock() { ::close(file_); }

Journal::Journal(fs::path directory)
    : lock_{directory}, path_{directory / ("live-" + std::to_string(::getpid()) + ".journal")} {
  refuse_left(directory);
  file_ = ::open(path_.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (file_ < 0) {
    fail(path_, "cannot be made");
  }
  append(heading(this_process()).dump() + "\n");
  const int parent = ::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (parent >= 0) {
    ::fsync(parent);  // the name too
    ::close(parent);
  }
}

Journal::~Journal() {
  ::close(file_);
  if (entries_.empty()) {
    std::error_code ignored;
    fs::remove(path_, ignored);
  }
}

void Journal::append(const std::string& line) {
  const bool written = ::write(file_, line.data(), line.size()) == static_cast<ssize_t>(line.size());
  if (!written || ::fdatasync(file_) != 0) {
    fail(path_, "cannot be written");
  }
  ends_.push_back(::lseek(file_, 0, SEEK_CUR));
}

void Journal::add(const JournalEntry& entry) {
  append(line_of(entry));
  entries_.push_back(entry);
}

void Journal::forget(std::size_t mark) {
  if (mark >= entries_.size()) {
    return;
  }
  entries_.resize(mark);
  ends_.resize(mark + 1);
  if (::ftruncate(file_, ends_.back()) != 0 || ::lseek(file_, ends_.back(), SEEK_SET) < 0 ||
      ::fdatasync(file_) != 0) {
    fail(path_, "cannot be cut");
  }
}

std::optional<std::string> undo(const JournalEntry& entry) {
  switch (entry.kind) {
    case JournalEntry::Kind::value:
      return undo_value(entry);
    case JournalEntry::Kind::directory:
      return remove_cgroup(entry.path);
    case JournalEntry::Kind::file:
      return remove_data_file(entry.path);
  }
  return std::nullopt;
}

}  // namespace tools::live
