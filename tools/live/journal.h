// What a live run changes on the machine, written down and synced before it is changed, so that a run that
// was killed can be undone by `chainsim live --cleanup`.
//
//   /run/chainsim/live-PID.journal   one JSON document a line: who (pid, its start, the boot), then each
//   change /run/chainsim/live.lock          held while a run or a clean-up is under way
//
// Undoing an entry that was never done does no harm: it writes the value that is there anyway.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace tools::live {

inline constexpr const char* journal_directory = "/run/chainsim";

struct JournalEntry {
  enum class Kind : std::uint8_t {
    value,      // a file of /proc or /sys: `now` is written where `before` was
    directory,  // a cgroup that is made
    file,       // a data file that is made
  };
  Kind kind = Kind::value;
  std::string path;
  std::string before, now;  // of a value, as they are written

  bool operator==(const JournalEntry&) const = default;
};

// A process that cannot be taken for another one of the same number.
struct ProcessId {
  std::int32_t pid = 0;
  std::int64_t start_ticks = 0;  // field 22 of /proc/PID/stat, since boot
  std::string boot;              // /proc/sys/kernel/random/boot_id

  bool operator==(const ProcessId&) const = default;
};
ProcessId this_process();
bool is_alive(const ProcessId& process);

// A journal that a run left behind.
struct LeftJournal {
  std::filesystem::path path;
  ProcessId owner;
  std::vector<JournalEntry> entries;  // in the order they were made; a last line cut short is not one

  bool same_boot() const;  // else its values are gone with that boot
};
// Of processes that are no more. Files that are no journals are passed over.
std::vector<LeftJournal> left_journals(const std::filesystem::path& directory);

// Held by one process at a time; ends with it, however it ends.
class LiveLock {
 public:
  // Makes the directory. Throws InputError: another process holds it (with its number); OutputError.
  explicit LiveLock(const std::filesystem::path& directory);
  ~LiveLock();
  LiveLock(const LiveLock&) = delete;
  LiveLock& operator=(const LiveLock&) = delete;

 private:
  int file_ = -1;
};

class Journal {
 public:
  // Throws InputError: another run is under way, or one was killed and not cleaned up; OutputError.
  explicit Journal(std::filesystem::path directory = journal_directory);
  ~Journal();  // removes it when nothing is left to undo
  Journal(const Journal&) = delete;
  Journal& operator=(const Journal&) = delete;

  // On disk when this returns. Throws OutputError.
  void add(const JournalEntry& entry);
  // All since `mark` are undone.
  std::size_t mark() const { return entries_.size(); }
  const std::vector<JournalEntry>& entries() const { return entries_; }
  void forget(std::size_t mark);

 private:
  void append(const std::string& line);

  LiveLock lock_;
  std::filesystem::path path_;
  std::vector<JournalEntry> entries_;
  std::vector<std::int64_t> ends_;  // of the file, after the heading and after each entry
  int file_ = -1;
};

// Undoes one entry; says what it did, or nothing when all was as before. Throws OutputError.
std::optional<std::string> undo(const JournalEntry& entry);

}  // namespace tools::live
