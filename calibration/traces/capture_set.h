// The captures of one machine, found by name: `LOAD.PROGRAM.txt` with `LOAD.PROGRAM.roles.csv` and
// `LOAD.PROGRAM.steps.csv` beside it, each plain or compressed (.gz, .zst, .xz).
//
// A directory is searched (not its subdirectories) for capture names; a file that is named is taken as it
// is, with the side files beside it. PROGRAM in a name is only what the user calls it: which program wrote
// the rows is decided by the rows. A name without a PROGRAM is all LOAD.
#pragma once

#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace calibration {

struct CaptureEntry {
  std::string load;     // "n4"; what the machine did
  std::string program;  // "softirq", by the file's name; may be empty
  std::filesystem::path rows;
  std::optional<std::filesystem::path> roles;
  std::optional<std::filesystem::path> steps;
};

struct CaptureSet {
  std::vector<CaptureEntry> entries;  // by load, then by program, then by path

  std::vector<std::string> loads() const;  // each once, in order
  const CaptureEntry* find(const std::string& load, const std::string& program) const;
};

// Throws InputError when there is no such path, when a directory holds no capture, or when two captures
// have the same load and program (they would be taken for each other).
CaptureSet find_captures(std::span<const std::filesystem::path> paths);

}  // namespace calibration
