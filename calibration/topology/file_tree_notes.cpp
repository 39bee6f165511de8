// What went wrong: files that could not be read, and files with something else in them.
#include <cctype>
#include <system_error>
#include <utility>

#include "calibration/topology/file_tree.h"
#include "scenarios/input_error.h"

namespace calibration {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view debugfs = "/sys/kernel/debug";

bool is_digit(char c) { return std::isdigit(static_cast<unsigned char>(c)) != 0; }

// "/sys/devices/system/cpu/cpu12/cpufreq" → ".../cpuN/cpufreq": one line for a thousand CPUs.
std::string generalised(std::string_view path) {
  std::string text;
  for (std::size_t i = 0; i < path.size(); ++i) {
    if (!is_digit(path[i])) {
      text += path[i];
    } else if (i == 0 || !is_digit(path[i - 1])) {
      text += 'N';
    }
  }
  return text;
}

}  // namespace

void FileTree::warn(std::string_view path, std::int64_t line, const std::string& found,
                    const std::string& expected) {
  if (warnings_.size() == most_warnings) {
    ++more_warnings_;
    return;
  }
  // The error that anyone else would throw: the same words, on one line.
  warnings_.emplace_back(scenarios::InputError{
      {.file = absolute(path).string(), .line = line, .column = 0, .found = found, .expected = expected}}
                             .what());
}

// The highest directory on the way that is missing or closed: one line in place of one for each file below
// it.
std::string FileTree::missing_part(std::string_view path) const {
  std::error_code error;
  fs::path part{path};
  while (part.has_relative_path() && !fs::exists(absolute(part.parent_path().string()), error)) {
    part = part.parent_path();
  }
  return part.string();
}

std::string FileTree::remedy(std::string_view path, std::string_view why) const {
  if (!is_machine()) {
    return "";
  }
  if (path.compare(0, debugfs.size(), debugfs) == 0) {
    std::error_code error;
    const bool mounted = !fs::is_empty(debugfs, error) && !error;
    return error || why == "permission denied" ? "sudo chainsim topology"
           : mounted                           ? ""
                                               : "sudo mount -t debugfs debugfs /sys/kernel/debug";
  }
  return why == "permission denied" ? "sudo chainsim topology" : "";
}

void FileTree::miss(std::string_view path, const std::string& why) {
  const std::string part = missing_part(path);
  const auto [place, added] = not_read_.try_emplace(generalised(part) + why);
  NotRead& entry = place->second;
  if (added) {
    entry = {.path = part, .why = why, .remedy = remedy(part, why)};
  } else if (entry.path != part) {
    entry.path = generalised(part);
    ++entry.count;
  }
}

// Three files or more of one directory, for one reason, are one line.
std::vector<NotRead> FileTree::not_read() const {
  std::map<std::pair<std::string, std::string>, std::vector<NotRead>> directories;
  for (const auto& [key, entry] : not_read_) {
    directories[{fs::path{entry.path}.parent_path().string(), entry.why}].push_back(entry);
  }
  std::vector<NotRead> result;
  for (auto& [place, entries] : directories) {
    if (entries.size() < 3) {
      result.insert(result.end(), entries.begin(), entries.end());
      continue;
    }
    NotRead all{
        .path = place.first + "/{", .why = place.second, .remedy = entries.front().remedy, .count = 0};
    for (const NotRead& entry : entries) {
      all.path += (all.path.back() == '{' ? "" : ",") + fs::path{entry.path}.filename().string();
      all.count += entry.count;
    }
    all.path += "}";
    result.push_back(std::move(all));
  }
  return result;
}

std::vector<std::string> FileTree::warnings() const {
  std::vector<std::string> result = warnings_;
  if (more_warnings_ > 0) {
    result.push_back("and " + std::to_string(more_warnings_) + " more");
  }
  return result;
}

}  // namespace calibration
