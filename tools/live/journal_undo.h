// The inverse of each kind of change, and the small files of /proc and /sys in the form in which they are
// compared.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "tools/live/journal.h"

namespace tools::live {

// What a file of /proc or /sys says now, in the words with which it would be written: of "none [mq-deadline]"
// and "none (full)" the chosen word, of sched/features the flag that `like` is about, else the words of its
// first line. Nothing: it cannot be read.
std::optional<std::string> value_of(const std::string& path, std::string_view like);

// One write, as echo does it; 0 or the errno.
int write_value(const std::string& path, const std::string& value);

// Each says what it did, nothing when there was nothing to do. Throws OutputError.
std::optional<std::string> undo_value(const JournalEntry& entry);
std::optional<std::string> remove_cgroup(const std::string& path);  // kills what is still in it
std::optional<std::string> remove_data_file(const std::string& path);

}  // namespace tools::live
