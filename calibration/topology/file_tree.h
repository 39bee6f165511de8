// The files of a machine, below a root: bounded reads that never throw, and a list of what went wrong.
//
//   tree.number("/sys/block/vda/queue/rq_affinity")  →  value and source, or why there is none
//
// Only regular files are opened, without blocking; of a root other than "/" nothing outside it, wherever
// symbolic links point. Every file handed out can be kept, so that the same reading can be repeated
// elsewhere.
#pragma once

#include <cstdint>
#include <filesystem>
#include <initializer_list>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "calibration/topology/known.h"
#include "calibration/topology/topology.h"

namespace calibration {

class FileTree {
 public:
  static constexpr std::size_t most_bytes = 64 * 1024;  // of a file, where a caller does not say otherwise
  static constexpr std::size_t most_entries = 16384;    // of a directory
  static constexpr std::size_t most_warnings = 100;
  static constexpr std::size_t most_kept = 64 * 1024 * 1024;  // bytes, over all files

  enum class Keep : std::uint8_t { as_read, no };
  enum class TooLong : std::uint8_t {
    warn,
    expected
  };  // expected: the head of the file is all that is wanted

  explicit FileTree(std::filesystem::path root);

  bool is_machine() const { return root_ == "/"; }
  bool has(std::string_view path) const;      // without noting that it is missing
  bool is_link(std::string_view path) const;  // also one that leads nowhere, as in copies of /sys

  // A whole file. Longer than `limit`, it is cut after the last whole line. Absent, unreadable or binary:
  // nothing.
  std::optional<std::string> text(std::string_view path, std::size_t limit = most_bytes,
                                  Keep keep = Keep::as_read, TooLong too_long = TooLong::warn);
  // Where a file is that other code opens: a regular file within the root.
  std::optional<std::filesystem::path> regular_file(std::string_view path);
  // `path`, or in a saved directory that has no such file the first of the flat names that is there.
  std::string or_flat(std::string_view path, std::initializer_list<std::string_view> flat_names) const;

  // Files of one value: the first line without blanks at its ends. An empty file is an empty value.
  Known<std::string> line(std::string_view path);
  Known<std::int64_t> number(std::string_view path);
  Known<CpuSet> cpus(std::string_view path);

  // Names in a directory, numbers by value: cpu2 before cpu10. Names with odd characters are left out and
  // warned of.
  std::vector<std::string> names(std::string_view path);
  // Those of `prefix` and a number, by number: {0, 1, 10} of cpu0, cpu1, cpu10, cpufreq.
  std::vector<int> numbered(std::string_view path, std::string_view prefix);

  // The last part of what a symbolic link points to; of a saved file in its place, its line.
  Known<std::string> link(std::string_view path);

  // Keeps `text` under `path` in place of what was read, for what is not copied as it is.
  void keep(std::string_view path, std::string text);
  const std::map<std::string, std::string>& kept() const { return kept_; }

  void warn(std::string_view path, std::int64_t line, const std::string& found, const std::string& expected);
  void miss(std::string_view path, const std::string& why);

  std::vector<NotRead> not_read() const;
  std::vector<std::string> warnings() const;

 private:
  struct Bytes {
    std::string text;
    std::string why;  // there is no text
    bool cut = false;
  };
  std::filesystem::path absolute(std::string_view path) const;
  bool leaves_root(const std::filesystem::path& absolute_path) const;
  Bytes bytes(std::string_view path, std::size_t limit) const;
  std::string missing_part(std::string_view path) const;
  std::string remedy(std::string_view path, std::string_view why) const;
  // The one line of `path`; without a value, why.
  Known<std::string> first_line(std::string_view path);

  std::filesystem::path root_;
  std::filesystem::path real_root_;
  std::map<std::string, std::string> kept_;
  std::size_t kept_bytes_ = 0;
  std::map<std::string, NotRead> not_read_;  // by generalised path
  std::vector<std::string> warnings_;
  std::int64_t more_warnings_ = 0;
};

}  // namespace calibration
